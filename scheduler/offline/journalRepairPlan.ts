// What a repair would keep of a damaged journal, what is lost with the rest, and which numbers are given next.
import { newestGoodSnapshot } from '../journal/recover.ts';
import { type Walk, walkRows } from '../journal/rowWalk.ts';
import type { SnapshotHead } from '../journal/snapshotReader.ts';
import { type Ms, ms } from '../protocol/brands.ts';
import type { Event } from '../protocol/events.ts';
import { bytesIn, numberIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { isDamage } from '../sqlite/fault.ts';
import type { Core } from '../core/cycle.ts';
import { skippedNumbers } from './appendRepair.ts';
import { type HistorySays, readHistory } from './journalHistory.ts';
import { CommandEnds, exitCodes, replayed } from './journalReading.ts';

type RepairEvent = Extract<Event, { kind: 'journal_repaired' }>;

export interface RepairPlan {
  readonly snapshot: SnapshotHead | undefined;
  /** The rows that are kept. */
  readonly walk: Walk;
  /** Last batch that is kept. */
  readonly end: number;
  readonly lost: Lost;
  readonly event: RepairEvent;
  /** Number of the batch with the event. */
  readonly sequence: number;
  /** Tasks that are live afterwards. */
  readonly liveTasks: number;
  /**
   * The state before the event, numbered `sequence - 1`. Where history has stored batches that are lost, the journal
   * goes on behind them, from a snapshot of this state: history would take their numbers for what it knows already.
   */
  readonly stateAhead: readonly string[] | undefined;
  readonly atMs: Ms;
  readonly historyNotice: string | undefined;
}
interface Lost {
  readonly rows: number;
  readonly unreadable: number;
  /** Number of the last batch, as far as it can be read. */
  readonly lastBatch: number;
  readonly admitted: number;
  readonly lastTaskId: number;
  readonly lastToken: number;
  readonly bytes: number;
}

/** Shortest JSON of an event that gives out a number, in bytes. */
const eventBytesMin = 32;
/** A number that is further than this from the last certain one was damaged itself. */
const leapMax = 1_000_000_000;

/** Ends the command where nothing is left to go on from. */
export function planRepair(database: Database, folder: string): RepairPlan {
  const { snapshot } = newestGoodSnapshot(database, () => undefined);
  // Its own checksum must do for the first row: what it hangs on may be what is damaged.
  const walk = walkRows(database, snapshot?.sequence ?? 0, { isUnanchored: true, onRow: () => undefined });
  const kept = keptOf(snapshot, walk);
  const core = replayed(database, kept);
  const end = core.state.sequence;
  const lost = lostAfter(database, kept.walk, core);
  const history = readHistory(folder, end, false);
  const says = history.state === 'good' ? history.says : nothingKnown;
  const event = eventOf(core, lost, says);
  const isAhead = says.cursor > end;
  if (isAhead) core.state.sequence = says.cursor;
  const stateAhead = isAhead ? core.snapshotParts() : undefined;
  const atMs = ms(core.state.lastBatchAtMs);
  const sequence = core.state.sequence + 1;
  // Tried first: what cannot be applied must not be in the file.
  core.replay({ sequence, atMs, events: [event] });
  return {
    ...kept,
    end,
    lost,
    event,
    sequence,
    liveTasks: core.state.tasks.size,
    stateAhead,
    atMs,
    historyNotice:
      history.state === 'bad'
        ? `history cannot be asked what ended since then: ${history.message}`
        : undefined,
  };
}

const nothingKnown: HistorySays = { cursor: 0, lastTaskId: 0, lastToken: 0, endedAfter: [] };

function eventOf({ state }: Core, lost: Lost, says: HistorySays): RepairEvent {
  const skipped = skippedNumbers + Math.ceil(lost.bytes / eventBytesMin);
  return {
    kind: 'journal_repaired',
    nextTaskId: Math.max(state.nextTaskId, lost.lastTaskId, says.lastTaskId) + skipped,
    nextToken: Math.max(state.nextToken, lost.lastToken, says.lastToken) + skipped,
    ended: says.endedAfter,
  };
}

/** The rows count only where they go on from the snapshot, or begin with batch 1. */
function keptOf(snapshot: SnapshotHead | undefined, walk: Walk): Pick<RepairPlan, 'snapshot' | 'walk'> {
  const from = (snapshot?.sequence ?? 0) + 1;
  if (walk.first !== undefined && walk.first <= from) return { snapshot, walk };
  if (snapshot) return { snapshot, walk: { ...walk, first: undefined, lastId: walk.afterId, rows: 0 } };
  if (walk.first === undefined && walk.bad?.first === 1) return { snapshot, walk };
  throw new CommandEnds(
    exitCodes.refused,
    'nothing can be repaired: no snapshot is good, and the rows do not reach back to batch 1. Restore a backup',
  );
}

/** Reads what can be read of the rows that are cut: not to be replayed, but to know which numbers they gave out. */
function lostAfter(database: Database, walk: Walk, core: Core): Lost {
  const lost = {
    rows: 0,
    unreadable: 0,
    lastBatch: 0,
    admitted: 0,
    lastTaskId: 0,
    lastToken: 0,
    bytes: 0,
  };
  const rows = database
    .prepare('SELECT id, last, payload FROM row WHERE id > ? ORDER BY id')
    .iterate(walk.lastId);
  try {
    for (const row of rows) {
      const payload = Buffer.from(bytesIn(row, 'payload')).toString('utf8');
      lost.rows += 1;
      lost.bytes += payload.length;
      lost.lastBatch = Math.max(lost.lastBatch, near(numberIn(row, 'last'), core.state.sequence));
      lost.admitted += payload.split(/"kind":"(?:task|array)_admitted"/).length - 1;
      lost.lastTaskId = largestIn(
        payload,
        /"(?:t|lastT)askId":(\d+)/g,
        Math.max(lost.lastTaskId, core.state.nextTaskId),
      );
      lost.lastToken = largestIn(payload, /"token":(\d+)/g, Math.max(lost.lastToken, core.state.nextToken));
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    const size = 'SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size';
    lost.bytes = numberIn(database.prepare(size).get() ?? {}, 'n');
    lost.unreadable += 1;
  }
  return lost;
}

const near = (found: number, certain: number): number => (Math.abs(found - certain) > leapMax ? 0 : found);

function largestIn(text: string, pattern: RegExp, certain: number): number {
  let largest = certain;
  for (const [, digits] of text.matchAll(pattern)) largest = Math.max(largest, near(Number(digits), certain));
  return largest;
}
