// The names of the screens, as routes, messages and shortcuts use them.

/** As on the rail, from top to bottom. */
export const screenNames = [
  'overview',
  'topology',
  'heat',
  'queues',
  'tasks',
  'schedules',
  'nodes',
  'audit',
  'settings',
] as const;
export type ScreenName = (typeof screenNames)[number];
