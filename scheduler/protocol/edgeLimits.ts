// Bounds of the socket edge, each with its reason: a part of `limits.ts`.

/** Processes that hold agents' sockets: 16 of 19,500 are six full plants, more than this workstation could feed. */
export const edgesMax = 16;
/** Agents that the host's own process holds. Beyond it their garbage collection would hold up placement. */
export const hostAgentsMax = 5_000;
/** Of an edge's sockets, in percent: what is above is for agents that come back before their old socket is gone. */
export const edgeFillPercent = 90;
/** Unsent to one edge or to the host: 64 MiB is half a million records, and seconds that nobody has read. */
export const edgeLinkBytesMax = 64 * 1024 * 1024;
/** Unsent to the host: past it heartbeats are left out, since the next one says the same newer. */
export const edgeLinkQuietBytes = 4 * 1024 * 1024;
/** Records of one frame of the link: a frame stays far below a MiB, so that no turn reads for long. */
export const edgeFrameRecordsMax = 1_000;
/** Longest frame of the link that is believed: a frame of the largest dispatches. */
export const edgeFrameBytesMax = 512 * 1024 * 1024;

/** Joins that begin per second at most without a place of their own, over all edges. */
export const joinsPerSecondMax = 2_000;
/** Places given per second: 50,000 within 50 s. More than a machine bears costs each agent another connection. */
export const returnsPerSecondMax = 1_000;
/** Longest wait for a place that is told: a full plant's, and a line that was pushed back by strangers is not kept. */
export const placeWithinMs = 60_000;
/** Joins begun and not ended, per process, while a loop is late: a few get in, whatever made it so. */
export const joinsInFlightMin = 16;
/** A join that began so long ago has failed, or takes so long that it must not hold up others for ever. */
export const joinInFlightMs = 5_000;
/** Joins taken at once after a pause, before their rate counts: a small plant never waits. */
export const joinsBurstMax = 300;
/** A connection that has not joined by then is closed: it holds a socket that an agent could have. */
export const joinWithinMs = 30_000;
