// Bounds of work by kind, and of what it answers. What all kinds share is in limits.ts.

/** Of a handler's input as JSON; the rest of `taskBytesMax` is for the task around it. */
export const handlerInputBytesMax = 48 * 1024;
/** Longest address that servers and proxies commonly take. */
export const httpUrlLengthMax = 2_048;
export const httpHeadersMax = 64;
export const httpHeaderLengthMax = 8_192;
/** Of one attempt; a target that is away for longer is for the task's own retries. */
export const httpRetriesMax = 10;
export const httpRetriesDefault = 2;
/** Registry names have 255 characters at most, tags 128, digests 71. */
export const imageNameLengthMax = 512;
/** What a function or an HTTP call answers: facts and names; larger data belong into a file. */
export const resultBytesMax = 16 * 1024;
