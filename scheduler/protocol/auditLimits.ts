// Bounds of the audit trail.

/** Things that one entry names. An act on more is told in several entries. */
export const auditTargetsMax = 500;
/** Characters of a name in an entry: what a stranger sends may be longer. */
export const auditTextLengthMax = 2_000;
/** Equal refusals, and a program's submits, become one entry within so long. */
export const auditFloodWindowMs = 60_000;
/** Different floods told apart at a time; what is beyond them is told as one: 200 entries a minute at the most. */
export const auditFloodKeysMax = 100;
/** Entries that wait for the disk. Beyond them they are counted, and told as `audit_gap`. */
export const auditPendingMax = 10_000;
/** How long what nobody waits for may wait for others to share its write. */
export const auditWriteWithinMs = 250;
/** A year: what most rules for records of operation ask for. */
export const auditKeepMs = 366 * 24 * 3_600_000;
/** Beyond it the oldest entries go, whatever their age: about two million. */
export const auditBytesMax = 1024 * 1024 * 1024;
/** Actors and actions listed for filters. */
export const auditFacetsMax = 200;
