// What one connection, one address and one program may send: a part of `limits.ts`. Generous, since who behaves is
// never to meet them: an agent brings a whole turn in one message, and a plant may sit behind one address.

/**
 * Messages of one connection per second. Assumed, not measured: an agent with 250 attempts a second, each with output,
 * would send about 1,000. Past the limit the connection is read more slowly, so nothing is lost.
 */
export const messagesPerSecondMax = 5_000;
/** Messages taken at once: an agent that comes back with 10,000 results and the output of all its attempts. */
export const messagesBurstMax = 20_000;
/** Bytes of one connection per second: 64 attempts that write as fast as their windows of 64 KiB are acknowledged. */
export const bytesPerSecondMax = 16 * 1024 * 1024;
/** Bytes taken at once: the output of 32 attempts at their bound. */
export const bytesBurstMax = 64 * 1024 * 1024;
/** A connection that is above its rate for so long without a break is closed: no agent has so much to say. */
export const overRateMsMax = 30_000;

/**
 * Connections from one address per minute, where nobody set another bound: 50,000 nodes behind one address that come
 * back at once, each sent on once and told its place once.
 */
export const connectionsPerAddressDefault = 150_000;
/** Addresses that are counted at a time; the oldest goes first. About 200 B each. */
export const countedAddressesMax = 10_000;
/**
 * Connections that are nobody's yet: no whole request, or no right to stay shown. Twice what the system keeps for us in
 * a storm; past it the oldest goes, since who behaves is assumed to be through long before.
 */
export const halfOpenMax = 8_192;
/** Read from such a connection: a head of 16 KiB and an auth fit four times. */
export const halfOpenBytesMax = 64 * 1024;
/** Refusals of one address within a minute that raise an alarm: above a person's mistakes, as failed logins. */
export const refusalsAlarmMin = 60;
/** Addresses with an alarm of their own at a time. */
export const refusedAddressesShown = 16;

/** HTTP requests of one address per second; a page of the console asks for some 30 files. */
export const requestsPerSecondMax = 2_000;
export const requestsBurstMax = 4_000;
/** Requests of one console per second: a program that submits 500 times a second, ten times over. */
export const consoleRequestsPerSecondMax = 5_000;
export const consoleRequestsBurstMax = 10_000;
