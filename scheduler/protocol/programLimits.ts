// Bounds of what programs may ask over HTTP, each with its reason.

/** One HTTP request's body: 5,000 tasks of 800 B. Reading it as JSON takes about 30 ms of the host's one thread. */
export const apiBodyBytesMax = 4 * 1024 * 1024;
/** HTTP requests in work at a time: as many as one console may have without a reply. */
export const apiRequestsMax = 1_000;
/** Bodies of HTTP requests in work, together: 16 of the largest. */
export const apiBodiesBytesMax = 64 * 1024 * 1024;
/** Outputs followed over HTTP at a time: each holds a connection for as long as its task runs. */
export const apiFollowsMax = 64;
/** Followed output that one slow reader has not taken. Past it reading pauses; nothing is lost, history keeps it. */
export const apiUnsentBytesMax = 256 * 1024;
