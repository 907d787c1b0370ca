// Bounds of accounts, logins and API tokens, each with its reason.

/** NIST SP 800-63B-4, 3.1.1.2: the least for a password that is used alone. No rules of composition beside it. */
export const passwordLengthMin = 15;
/** The same chapter asks for 64 at least. Longer ones only cost time to read. */
export const passwordLengthMax = 256;
export const userNameLengthMax = 32;
/** Everybody of a large plant with four shifts; the file stays below 1 MB. */
export const usersMax = 1_000;
export const apiTokensMax = 200;
/** Queues that a user or a token may be limited to: as many as fit a line of the audit. */
export const queuesOfUserMax = 64;
export const tokenDaysMax = 3_650;
/** A token that nobody renews ends by itself. */
export const tokenDaysDefault = 365;
/** Sessions at a time; the one that was idle longest goes first. About 200 B each. */
export const sessionsMax = 2_000;
/** Without any request of its window. NIST SP 800-63B-4, 2.2.3: at most an hour; windows that show data ask. */
export const sessionIdleMs = 30 * 60_000;
/** A shift with its handover; then the password is asked again whatever happens. */
export const sessionLongestMs = 12 * 3_600_000;
/** A window nobody touched for this long locks itself, unless its user can only look: displays on walls stay on. */
export const windowLockMs = 15 * 60_000;
/** Wrong passwords for one name from one address before the next one has to wait. */
export const loginFailuresFree = 5;
/** The same over all names of one address, and over all addresses of one name. */
export const sharedFailuresFree = 20;
/** The first wait; each further failure doubles it. */
export const loginWaitFirstMs = 1_000;
export const loginWaitMaxMs = 15 * 60_000;
/** For a name from other addresses: short, so that nobody keeps another one out by guessing. */
export const nameWaitMaxMs = 30_000;
/** Failures are forgotten after this long without another one. */
export const loginFailuresKeptMs = 60 * 60_000;
/** Names and addresses whose failures are counted at a time; the oldest goes first. */
export const loginFailuresMax = 10_000;
/** Passwords in the hashing at a time: Node has four threads for it and files share them. 32 MiB each. */
export const passwordHashesMax = 2;
/** Logins that wait for their turn; more are told to come back. */
export const passwordHashesWaitingMax = 32;
/** Consoles that have not logged in, of `consoleClientsMax`: strangers leave room for those who have. */
export const strangersMax = 24;
