// What must be true after a trial, whatever happened in it. Each broken rule is one sentence that names the task.
import type { LedgerEntry } from '../../agent/ledgerLine.ts';
import { formatTaskId, type TaskId } from '../../scheduler/protocol/brands.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import type { AttemptEnd, AttemptRecord } from '../../scheduler/protocol/attempt.ts';
import { isEnded } from '../../scheduler/protocol/task.ts';
import type { Line } from './effect.ts';
import type { Delivery } from './plan.ts';

export interface JournalFindings {
  /** Why it could not be opened or replayed. */
  readonly fault?: string;
  readonly liveTasks: readonly TaskId[];
  readonly brokenInvariants: readonly string[];
  /** What its batches say that must not be: numbers given twice. */
  readonly repeated: readonly string[];
  /** Per node, tokens of results it reported, in the order of the journal. */
  readonly endsByNode: ReadonlyMap<string, readonly number[]>;
}

export interface Evidence {
  readonly acknowledged: ReadonlyMap<string, TaskId>;
  readonly deliveries: ReadonlyMap<string, Delivery>;
  readonly contradictions: readonly string[];
  /** Keys that the host never took, though it was well in the end. */
  readonly refusedForGood: readonly string[];
  /** As the host told after all faults; absent: it does not know the task. */
  readonly records: ReadonlyMap<TaskId, TaskRecord>;
  /** Why a task that has not ended is not running, by the host. */
  readonly why: ReadonlyMap<TaskId, string>;
  readonly begun: readonly Line[];
  readonly effects: readonly Line[];
  /** Nodes whose disk was full: what happened meanwhile they may have kept in memory only. */
  readonly forgetful: ReadonlySet<string>;
  /** By node. */
  readonly ledgers: ReadonlyMap<string, readonly LedgerEntry[]>;
  readonly journal: JournalFindings;
}

export type Rule =
  | 'lost'
  | 'stuck'
  | 'duplicate effect'
  | 'missing effect'
  | 'started twice'
  | 'at most once'
  | 'ledger'
  | 'order'
  | 'journal'
  | 'ids'
  | 'process';
export interface Violation {
  readonly rule: Rule;
  readonly what: string;
}

type Say = (rule: Rule, what: string) => void;

export function violationsOf(evidence: Evidence): readonly Violation[] {
  const found: Violation[] = [];
  const say: Say = (rule, what) => found.push({ rule, what });
  checkEnds(evidence, say);
  checkEffects(evidence, say);
  checkStarts(evidence, say);
  for (const [nodeId, entries] of evidence.ledgers) {
    checkLedger(evidence, { nodeId, entries }, say);
    if (!evidence.forgetful.has(nodeId)) checkOrder(evidence, { nodeId, entries }, say);
  }
  checkHistoryInLedgers(evidence, say);
  checkJournal(evidence, say);
  return found;
}

function checkEnds({ acknowledged, records, why, contradictions, refusedForGood }: Evidence, say: Say): void {
  for (const [key, taskId] of acknowledged) {
    const record = records.get(taskId);
    const name = `${key} (${formatTaskId(taskId)})`;
    if (!record) say('lost', `${name} was acknowledged and is not known`);
    else if (!isEnded(record.state))
      say(
        'stuck',
        `${name} has not ended: ${record.state}; why: ${why.get(taskId) ?? 'the host does not say'}`,
      );
    else if (record.spec.key !== key)
      say('ids', `${name}: the host holds ${record.spec.key ?? 'a task without a key'} under this id`);
  }
  for (const what of contradictions) say('ids', what);
  for (const key of refusedForGood) say('stuck', `${key} was not taken although all faults were over`);
}

function checkEffects({ records, effects }: Evidence, say: Say): void {
  const counts = countBy(effects, ({ taskId }) => taskId);
  for (const [taskId, count] of counts)
    if (count > 1) say('duplicate effect', `${formatTaskId(taskId)} did its effect ${count} times`);
  for (const [taskId, { state }] of records)
    if (state === 'succeeded' && !counts.has(taskId))
      say('missing effect', `${formatTaskId(taskId)} succeeded and its effect is not there`);
  for (const taskId of counts.keys())
    if (!records.has(taskId))
      say('lost', `${formatTaskId(taskId)} did its effect and the host does not know it`);
}

function checkStarts({ acknowledged, deliveries, begun }: Evidence, say: Say): void {
  for (const [token, count] of countBy(begun, (line) => line.token))
    if (count > 1) say('started twice', `the attempt with token ${token} began ${count} times`);
  const starts = countBy(begun, ({ taskId }) => taskId);
  for (const [key, taskId] of acknowledged) {
    const count = starts.get(taskId) ?? 0;
    if (deliveries.get(key) === 'at_most_once' && count > 1)
      say('at most once', `${key} (${formatTaskId(taskId)}) is at most once and began ${count} times`);
  }
}

interface NodeLedger {
  readonly nodeId: string;
  readonly entries: readonly LedgerEntry[];
}

/** What an agent wrote down and the host acknowledged is what history says. */
function checkLedger({ records, forgetful }: Evidence, { nodeId, entries }: NodeLedger, say: Say): void {
  const acked = new Set(entries.flatMap((entry) => (entry.kind === 'ack' ? entry.tokens : [])));
  const revoked = new Set(entries.flatMap((entry) => (entry.kind === 'revoked' ? entry.tokens : [])));
  for (const entry of entries) {
    if (entry.kind !== 'result') continue;
    const where = `token ${entry.token} of ${formatTaskId(entry.taskId)} on ${nodeId}`;
    if (!acked.has(entry.token)) {
      if (!revoked.has(entry.token) && !forgetful.has(nodeId))
        say('ledger', `${where}: its result was never acknowledged`);
      continue;
    }
    const record = records.get(entry.taskId);
    const attempt = record?.attempts.find(({ token }) => token === entry.token);
    // A task that a person put back begins a new list of attempts.
    if (!record || !attempt) continue;
    const fault = differenceOf(attempt, nodeId, entry.end);
    if (fault !== undefined) say('ledger', `${where}: ${fault}`);
  }
}

/** Ends that the host itself may have decided before the agent's word came. */
const decidedByHost: readonly AttemptEnd['reason'][] = ['lost', 'agent_lost'];

function differenceOf(attempt: AttemptRecord, nodeId: string, end: AttemptEnd): string | undefined {
  if (attempt.nodeId !== nodeId) return `history places it on ${attempt.nodeId}`;
  const kept = attempt.end;
  if (!kept) return 'its result was acknowledged and history has no end of it';
  if (kept.reason !== end.reason && decidedByHost.includes(kept.reason)) return undefined;
  if (kept.reason === end.reason && kept.exitCode === end.exitCode) return undefined;
  return `the ledger says ${describe(end)}, history ${describe(kept)}`;
}

const describe = ({ reason, exitCode }: AttemptEnd): string =>
  exitCode === undefined ? reason : `${reason} ${exitCode}`;

/** What an agent reported was durable in its ledger before. */
function checkHistoryInLedgers({ records, ledgers, forgetful }: Evidence, say: Say): void {
  const written = new Set<string>();
  for (const [nodeId, entries] of ledgers)
    for (const entry of entries) if (entry.kind === 'result') written.add(`${nodeId} ${entry.token}`);
  for (const { taskId, attempts } of records.values())
    for (const { nodeId, token, end } of attempts) {
      if (forgetful.has(nodeId)) continue;
      if (!end || decidedByHost.includes(end.reason) || written.has(`${nodeId} ${token}`)) continue;
      const what = `history has ${describe(end)} for token ${token}, the ledger of ${nodeId} nothing`;
      say('ledger', `${formatTaskId(taskId)}: ${what}`);
    }
}

/** Results are told, and taken, in the order in which they were written. */
function checkOrder({ journal }: Evidence, { nodeId, entries }: NodeLedger, say: Say): void {
  const written = new Map<number, number>();
  for (const entry of entries) if (entry.kind === 'result') written.set(entry.token, written.size);
  const acked = entries.flatMap((entry) => (entry.kind === 'ack' ? entry.tokens : []));
  for (const [what, tokens] of [
    ['acknowledged', acked],
    ['taken into the journal', journal.endsByNode.get(nodeId) ?? []],
  ] as const) {
    const swapped = firstSwap(tokens, written);
    if (swapped) say('order', `${nodeId}: results ${swapped.join(' and ')} were ${what} in the wrong order`);
  }
}

function firstSwap(
  tokens: readonly number[],
  written: ReadonlyMap<number, number>,
): readonly [number, number] | undefined {
  let newest = -1;
  let newestToken = 0;
  for (const token of tokens) {
    const at = written.get(token);
    if (at === undefined) continue;
    if (at < newest) return [token, newestToken];
    newest = at;
    newestToken = token;
  }
  return undefined;
}

function checkJournal({ journal, acknowledged }: Evidence, say: Say): void {
  const { fault, liveTasks, brokenInvariants, repeated } = journal;
  if (fault !== undefined) say('journal', fault);
  const known = new Set(acknowledged.values());
  for (const taskId of liveTasks)
    if (known.has(taskId)) say('journal', `after a replay ${formatTaskId(taskId)} is live`);
  for (const what of brokenInvariants) say('journal', `after a replay: ${what}`);
  for (const what of repeated) say('ids', what);
}

function countBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, number> {
  const counts = new Map<Key, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}
