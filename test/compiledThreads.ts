// Threads that tests start read their TypeScript stripped from Node's compile cache, which this fills beforehand.
// Without it every thread loads the WebAssembly that strips types, and V8 of Node 24 loses its table of code pages
// when threads do so while others end (nodejs/node#64500): 4 of 10 runs of journalDamage.test.ts ended with SIGSEGV,
// 0 of 14 with the cache. The packaged program is bundled JavaScript and loads none.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const threads = [
  'scheduler/journal/journalThread.ts',
  'scheduler/history/historyThread.ts',
  'scheduler/recorder/recorderThread.ts',
  'scheduler/recorder/whatIfThread.ts',
  'scheduler/recorder/pastThread.ts',
  'scheduler/audit/auditThread.ts',
  'scheduler/offline/hashThread.ts',
  'test/sim/parallel.ts',
];
/** Each refuses to run outside a worker, but only after what it imports is loaded; Node writes the cache at exit. */
const load = `await Promise.allSettled(${JSON.stringify(threads)}.map((path) => import('${root}/' + path)));`;

export default function setup(): void {
  const done = spawnSync(process.execPath, ['--input-type=module', '-e', load], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`the threads could not be loaded beforehand: ${done.stderr}`);
}
