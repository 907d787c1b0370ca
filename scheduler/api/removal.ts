// DELETE of what has a name: the same for queues, tenants, windows, licences, schedules and calendars.
import type { Method } from '../protocol/consoleWire.ts';
import { jsonOf, type Operation } from './operation.ts';

/** What the console calls it is `remove` and the thing. The last part of the path names which one. */
export const removal = (
  id: Method & `remove${string}`,
  { path, about, refuses }: Pick<Operation, 'path' | 'about' | 'refuses'>,
): Operation => ({
  id,
  method: 'DELETE',
  path,
  about,
  answer: { name: 'Removed', status: 200, example: { removed: true } },
  refuses,
  run: async (ask) => jsonOf(await ask.caller.call(id, ask.path)),
});
