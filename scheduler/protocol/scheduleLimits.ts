// Bounds of schedules and calendars, each with its reason: a part of `limits.ts`.

export const schedulesMax = 10_000;
/** One schedule's JSON: a full table is kept in memory and in every snapshot. */
export const scheduleBytesMax = 16 * 1024;
/** The JSON of all schedules together. */
export const schedulesBytesMax = 64 * 1024 * 1024;
export const cronLengthMax = 200;
export const scheduleEveryLeastMs = 1_000;
export const scheduleEveryMaxMs = 366 * 24 * 3_600_000;
/** The end of the year 2999. */
export const scheduleTimeMaxMs = 32_503_679_999_999;
/** A due time that is not the newest one, or is longer ago than this, counts as missed. */
export const scheduleLateMs = 60_000;
/** Due times of one schedule that an absence of the host may bring at once. */
export const scheduleMisfiresMax = 1_000;
export const scheduleMisfiresDefault = 100;
/** A schedule that is not due within this time is taken for one that never is. */
export const scheduleAheadMaxMs = 10 * 366 * 24 * 3_600_000;
export const schedulePreviewMax = 50;
export const schedulePreviewDefault = 5;
export const calendarsMax = 100;
export const calendarDatesMax = 1_000;
