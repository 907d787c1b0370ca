// Who comes without a login: the owner of the data folder, the shell, and nobody.
import type { ConsoleSession } from '../protocol/accounts.ts';

/** The Electron shell itself: it counts running tasks before it quits. Its windows come as themselves. */
export const shellSession: ConsoleSession = { user: 'shell', role: 'viewer', queues: '*', source: 'shell' };

/** Before login. */
export const nobody = (source: string): ConsoleSession => ({
  user: 'nobody',
  role: 'nobody',
  queues: [],
  source,
});

/** Who can read the data folder can do everything anyway; this way it is known who did it. */
export const ownerFrom = (source: string): ConsoleSession => ({
  user: 'owner',
  role: 'administrator',
  queues: '*',
  source,
});
