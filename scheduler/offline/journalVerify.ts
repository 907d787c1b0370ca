// millrace journal verify: reads every row and snapshot, replays what a start would, and names what is damaged.
import { brokenInvariants } from '../core/state/invariants.ts';
import { headerOf } from '../journal/record.ts';
import { type Examined, examine, noticesOf } from '../journal/recover.ts';
import { badRowInWords, faultOfPruned, type Walk, walkRows } from '../journal/rowWalk.ts';
import { faultOfSnapshot, snapshotHeads } from '../journal/snapshotReader.ts';
import { numberIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { faultOf } from '../sqlite/fault.ts';
import { type HistoryRead, readHistory } from './journalHistory.ts';
import { exitCodes, type Output, replayed, withJournal } from './journalReading.ts';

export interface Verified {
  readonly path: string;
  readonly rows: {
    readonly count: number;
    readonly bytes: number;
    /** Numbers of the first and the last batch; absent where there is no row. */
    readonly first?: number;
    readonly last?: number;
    /** Rows by record format. */
    readonly formats: Readonly<Record<number, number>>;
  };
  readonly snapshots: readonly {
    readonly sequence: number;
    readonly bytes: number;
    readonly parts: number;
    readonly format: number;
    readonly isGood: boolean;
  }[];
  /** What a start would have; absent where it would be refused. */
  readonly state?: {
    readonly sequence: number;
    readonly atMs: number;
    readonly liveTasks: number;
    readonly nodes: number;
    readonly digest: string;
  };
  readonly history: { readonly state: HistoryRead['state']; readonly cursor?: number };
  /** What is wrong, by name. Empty: nothing. */
  readonly damage: readonly string[];
  /** Why a start is refused; absent where it is not. */
  readonly refusal?: string;
}

export async function verifyJournal(folder: string, { out, say }: Output, isJson: boolean): Promise<number> {
  const verified = await withJournal(folder, (database, path) => {
    try {
      return verify(database, { folder, path, say });
    } catch (error) {
      // Damage that SQLite itself sees.
      return broken(path, faultOf(error, path).message);
    }
  });
  out(isJson ? `${JSON.stringify(verified)}\n` : inWords(verified));
  return verified.damage.length === 0 ? exitCodes.ok : exitCodes.damaged;
}

interface Place {
  readonly folder: string;
  readonly path: string;
  readonly say: Output['say'];
}

function verify(database: Database, { folder, path, say }: Place): Verified {
  const damage: string[] = [];
  const rows = walkAll(database, damage);
  const snapshots = snapshotHeads(database).map((head) => {
    const fault = faultOfSnapshot(database, head, () => undefined);
    if (fault !== undefined) damage.push(fault);
    const { sequence, bytes, parts, format } = head;
    return { sequence, bytes, parts, format, isGood: fault === undefined };
  });
  const examined = examine(database, path, (done, total) => {
    say(`read again, as a start would: ${percent(done, total)} %\n`);
  });
  for (const notice of [...noticesOf(examined), ...(examined.fault ? [examined.fault.message] : [])])
    if (!damage.some((said) => notice.includes(said))) damage.push(notice);
  const state = examined.fault ? undefined : stateOf(database, examined, damage);
  const history = readHistory(folder, Number.MAX_SAFE_INTEGER, true);
  const faultOfHistory = historyFault(history, state?.sequence);
  if (faultOfHistory !== undefined) damage.push(faultOfHistory);
  return {
    path,
    rows,
    snapshots,
    ...(state && { state }),
    history: {
      state: history.state,
      ...(history.state === 'good' && { cursor: history.says.cursor }),
    },
    damage,
    ...(examined.fault && { refusal: examined.fault.message }),
  };
}

/** Every row, also those that no start needs any more. */
function walkAll(database: Database, damage: string[]): Verified['rows'] {
  const pruned = faultOfPruned(database);
  if (pruned !== undefined) damage.push(pruned);
  const formats: Record<number, number> = {};
  const walk = walkRows(database, 0, {
    isUnanchored: pruned !== undefined,
    onRow: ({ payload }) => {
      const version = headerOf(payload)?.version ?? 0;
      formats[version] = (formats[version] ?? 0) + 1;
    },
  });
  if (walk.bad) damage.push(badRowInWords(walk.bad) + unchecked(database, walk));
  const count = numberIn(database.prepare('SELECT count(*) AS n FROM row').get() ?? {}, 'n');
  const range = walk.first === undefined ? {} : { first: walk.first, last: walk.last };
  return { count, bytes: walk.bytes, ...range, formats };
}

function unchecked(database: Database, { bad }: Walk): string {
  const after = 'SELECT count(*) AS n FROM row WHERE id > ?';
  const rows = numberIn(database.prepare(after).get(bad?.id ?? 0) ?? {}, 'n');
  return rows === 0 ? '' : `; ${rows} rows after it hang on it`;
}

function stateOf(database: Database, examined: Examined, damage: string[]): Verified['state'] {
  try {
    const core = replayed(database, examined);
    damage.push(...brokenInvariants(core.state).map((rule) => `replayed state: ${rule}`));
    return {
      sequence: core.state.sequence,
      atMs: core.state.lastBatchAtMs,
      liveTasks: core.state.tasks.size,
      nodes: core.state.nodes.size,
      digest: core.digest(),
    };
  } catch (error) {
    damage.push(`replay: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function historyFault(history: HistoryRead, lastSequence: number | undefined): string | undefined {
  if (history.state === 'bad') return history.message;
  if (history.state === 'missing' || lastSequence === undefined || history.says.cursor <= lastSequence)
    return undefined;
  const seen = `history.db has seen batch ${history.says.cursor}, the journal ends at ${lastSequence}`;
  return `${seen}: they do not belong together`;
}

const broken = (path: string, message: string): Verified => ({
  path,
  rows: { count: 0, bytes: 0, formats: {} },
  snapshots: [],
  history: { state: 'missing' },
  damage: [message],
  refusal: message,
});

const percent = (done: number, total: number): number => Math.floor((done * 100) / Math.max(1, total));
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function inWords({ path, rows, snapshots, state, history, damage, refusal }: Verified): string {
  const formats = Object.entries(rows.formats).map(([format, count]) => `${count} of format ${format}`);
  const batches = rows.first === undefined ? '' : `, batches ${rows.first} to ${rows.last ?? 0}`;
  const cursor = history.cursor === undefined ? '' : `, has stored up to batch ${history.cursor}`;
  return [
    path,
    `rows        ${rows.count} (${mib(rows.bytes)})${batches}; ${formats.join(', ') || 'none'}`,
    ...snapshots.map(
      ({ sequence, bytes, parts, format, isGood }) =>
        `snapshot    after batch ${sequence} (${mib(bytes)} in ${parts} parts, format ${format}): ` +
        (isGood ? 'good' : 'damaged'),
    ),
    ...(state
      ? [
          `last batch  ${state.sequence} at ${new Date(state.atMs).toISOString()}`,
          `state       ${state.liveTasks} live tasks, ${state.nodes} nodes, digest ${state.digest}`,
        ]
      : []),
    `history.db  ${history.state}${cursor}`,
    ...damage.map((said) => `DAMAGED     ${said}`),
    damage.length === 0 ? 'all good' : outlook(refusal),
    '',
  ].join('\n');
}

const outlook = (refusal: string | undefined): string =>
  refusal === undefined
    ? 'a host starts with this journal all the same; make a backup of it'
    : 'a host refuses this journal: see "millrace journal repair --help", or restore a backup';
