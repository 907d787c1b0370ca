// Bounds of what a host holds while it is overloaded, each with its reason: a part of `limits.ts`.

/** Programs whose tasks are not taken come back after so long: two looks at the level, and its calm begins. */
export const overloadRetryMs = 2_000;
/** Output held back unacknowledged: what 512 attempts have under way. Past it agents send it again later. */
export const heldLogBytesMax = 32 * 1024 * 1024;
/** Pieces of it: small ones cost their envelope, about 1 kB each. */
export const heldLogChunksMax = 20_000;
/** Journal since the newest snapshot (one each 64 MiB): more means that none succeeds. Not enforced, only alarmed. */
export const journalBytesMost = 256 * 1024 * 1024;
/** Of each turn's commands, those kept for people's acts and for signs of life, however many reports wait. */
export const actsPerTurnMin = 128;
export const heartbeatsPerTurnMin = 256;
