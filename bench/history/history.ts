// `npm run --silent bench -- history [--rows 10000000] [--data DIR] [--json]`: fills history, then asks it while a
// writer goes on. With --data the folder is kept, and what it holds already is not stored again.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type History, openHistory } from '../../scheduler/history/store.ts';
import { type Bench, type Options, quantile, rounded, wholeOption } from '../bench.ts';
import { asksOf, type Kind, kinds } from './asks.ts';
import { likeSearch } from './peer.ts';
import { endedTask } from './tasks.ts';

const rowsDefault = 10_000_000;
/** Of the clock of the fill: 10,000,000 tasks are a month, and 720 hours for groups. */
const tasksPerS = 4;
const rowsPerCall = 500;
/** Told and not stored: keeps the fill from filling memory. */
const pendingMax = 40;
/** Stored and not in the index: a fill that leaves the index behind would measure half of the work. */
const unindexedMax = 150_000;
/** The writer that goes on while questions are asked. */
const writesPerTick = 50;
const tickMs = 50;
const peerRows = 100_000;

export const history: Bench = async (options: Options) => {
  const rows = wholeOption(options, 'rows', rowsDefault);
  const folder = options['data'] ?? mkdtempSync(join(tmpdir(), 'millrace-bench-history-'));
  const store = await opened(folder);
  try {
    const fill = await filled(store, rows);
    const before = store.stats();
    const asked = await askedWhileWriting(store, rows);
    const peer = likeSearch(folder, Math.min(rows, peerRows), tasksPerS);
    return {
      params: { rows, tasksPerS, writesPerS: (writesPerTick * 1_000) / tickMs, peerRows },
      figures: {
        rows: before.tasks,
        ...asked,
        bytesPerRow: rounded(bytesOf(folder) / before.tasks),
        fillRowsPerS: Math.round(fill),
      },
      peers: peer,
    };
  } finally {
    await store.close();
    if (options['data'] === undefined) rmSync(folder, { recursive: true, force: true });
  }
};

const bytesOf = (folder: string): number => statSync(join(folder, 'history.db')).size;

async function opened(folder: string): Promise<History> {
  const threadFile = new URL('../../scheduler/history/historyThread.ts', import.meta.url);
  const onFailure = ({ message }: { readonly message: string }): void => {
    throw new Error(message);
  };
  const outcome = await openHistory({ folder, threadFile, onFailure });
  if (!outcome.ok) throw new Error(outcome.reason.message);
  return outcome.value;
}

/** Rows a second until all are stored and in the index; 0 where nothing was to be stored. */
async function filled(store: History, rows: number): Promise<number> {
  const first = store.stats().tasks + 1;
  const startedMs = performance.now();
  let sequence = store.cursor;
  for (let id = first; id <= rows; id += rowsPerCall) {
    sequence += 1;
    const count = Math.min(rowsPerCall, rows - id + 1);
    store.recordEnded(
      sequence,
      Array.from({ length: count }, (_, place) => endedTask(id + place, tasksPerS)),
    );
    if (store.stats().pending >= pendingMax) await store.flushed();
    while (store.stats().unindexed > unindexedMax)
      await new Promise((resolve) => setTimeout(resolve, tickMs));
    if (sequence % 1_000 === 0)
      console.error(`${id} of ${rows} rows stored, ${store.stats().unindexed} not in the index`);
  }
  await store.flushed();
  const isIndexed = (): boolean => store.stats().unindexed < 3 * 16_384;
  while (!isIndexed()) await new Promise((resolve) => setTimeout(resolve, tickMs));
  const tookS = (performance.now() - startedMs) / 1_000;
  return rows < first ? 0 : (rows - first + 1) / tookS;
}

/** p95 of each kind of question, of the slowest question in it, and of the writer's commits meanwhile. */
async function askedWhileWriting(store: History, rows: number): Promise<Record<string, number>> {
  const commitsMs: number[] = [];
  let id = store.stats().tasks;
  let sequence = store.stats().cursor;
  const writing = setInterval(() => {
    sequence += 1;
    store.recordEnded(
      sequence,
      Array.from({ length: writesPerTick }, () => endedTask(++id, tasksPerS)),
    );
    commitsMs.push(store.stats().lastCommitMs);
  }, tickMs);
  const figures: Record<string, number> = {};
  try {
    for (const kind of kinds) Object.assign(figures, await measured(store, kind, rows));
  } finally {
    clearInterval(writing);
  }
  await store.flushed();
  return {
    ...figures,
    commitP50Ms: rounded(quantile(commitsMs, 0.5)),
    commitP99Ms: rounded(quantile(commitsMs, 0.99)),
  };
}

async function measured(store: History, kind: Kind, rows: number): Promise<Record<string, number>> {
  const tookMs: number[] = [];
  const slowest = { name: '', p95Ms: 0 };
  for (const [name, ask] of Object.entries(asksOf(kind, rows, tasksPerS))) {
    const ownMs: number[] = [];
    for (let turn = 0; turn < ask.turns; turn += 1) {
      const startedMs = performance.now();
      await ask.run(store, turn);
      ownMs.push(performance.now() - startedMs);
      // The writer has its turn.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const p95Ms = quantile(ownMs, 0.95);
    if (p95Ms > slowest.p95Ms) Object.assign(slowest, { name, p95Ms });
    console.error(
      `${kind} ${name}: p50 ${rounded(quantile(ownMs, 0.5))} p95 ${rounded(p95Ms)} ms ${ask.note()}`,
    );
    tookMs.push(...ownMs);
  }
  return {
    [`${kind}P95Ms`]: rounded(quantile(tookMs, 0.95)),
    [`${kind}SlowestP95Ms`]: rounded(slowest.p95Ms),
  };
}
