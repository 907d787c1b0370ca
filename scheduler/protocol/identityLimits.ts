// Bounds of keys and enrolment tokens, with their reasons.

/** Tokens that are kept, the useless ones too: what a person can oversee. About 300 B each. */
export const enrolmentsMax = 200;
/** A shift and a night: who copies a token uses it the same day. */
export const enrolmentValidDefaultMs = 24 * 3_600_000;
export const enrolmentValidLeastMs = 60_000;
/** A roll-out that takes months asks for a token now and then. */
export const enrolmentValidMaxMs = 90 * 24 * 3_600_000;
/** Connections under one name that have not proved it: the agent's own, and what is left of lines that broke. */
export const unprovenPerNodeMax = 4;
/** Messages other than a join with a right proof, before a connection without one is closed. */
export const unprovenMessagesMax = 3;
/** How old an agent's key gets before the agent changes it, where nobody set another time. */
export const keyDaysDefault = 90;
export const keyDaysMax = 3_650;
