// How long a node may go on alone with a task that must never run twice at a time, and when the hub may give it
// elsewhere. docs/adr/0037-autonomy.md has the argument.

const hourMs = 3_600_000;
/** A weekend: from Friday evening to Monday evening without a hub. Results and logs are bounded for the same time. */
export const offlineLimitMaxMs = 72 * hourMs;
/** What `submit --offline` takes, where a task is to go on alone and nobody says for how long. */
export const offlineLimitDefaultMs = 72 * hourMs;
/** How often a lease that is long is looked at: its timer stays so long in the heap after the attempt has ended. */
export const leaseLookMs = 60_000;
/** Three heartbeats: a shorter lease would end with the first two that are late. */
export const offlineLimitMinMs = 30_000;
/**
 * By how much two clocks may differ in rate, as a share of the time: NTP slews by at most 500 millionths, a quartz is
 * off by at most 200; hub and node together stay below 2 thousandths.
 */
const clockDriftShare = 0.002;
/** The agent looks at its leases once a second, also after a sleep of the machine, and a kill takes a moment. */
const offlineMarginMs = 10_000;
/** Of a lease: at most this share of it is grace. */
const stopShareMax = 0.25;

/** How long the hub keeps a task from all other nodes after the last contact about it, in milliseconds. */
export const holdOf = (offlineLimitMs: number): number =>
  Math.ceil(offlineLimitMs * (1 + clockDriftShare)) + offlineMarginMs;

/**
 * How long the agent gives an attempt to end by itself when its lease ends, in milliseconds. It begins so much before
 * the end, so that the grace ends with the lease.
 */
export const graceWithin = (offlineLimitMs: number, graceMs: number): number =>
  Math.min(graceMs, offlineLimitMs * stopShareMax);
