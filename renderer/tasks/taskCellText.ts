// Texts and tooltips of one row of the task table, by column.
import { formatTaskId } from '../../scheduler/protocol/brands.ts';
import type { TaskRow } from '../../scheduler/protocol/view.ts';
import { exactTime, shortTime, type Zone } from '../format/clock.ts';
import { formatDuration } from '../format/duration.ts';
import { plainText } from '../format/plainText.ts';
import type { Translate } from '../i18n/i18n.ts';
import { deadlineText, runMs, stateWord, waitMs } from './taskWords.ts';

export type CellTexts = Readonly<Record<string, string | undefined>>;

export function taskCellTexts(row: TaskRow, nowMs: number, zone: Zone, t: Translate): CellTexts {
  const run = runMs(row, nowMs);
  return {
    id: formatTaskId(row.taskId),
    state: stateWord(row, t),
    kind: row.kind,
    name: plainText(row.name) || '–',
    queue: row.queue,
    tenant: row.tenant,
    priority: String(row.priority),
    node: row.nodeId ?? '–',
    submitted: shortTime(row.submittedAtMs, nowMs, zone),
    wait: formatDuration(waitMs(row, nowMs)),
    run: run === undefined ? '–' : formatDuration(run),
    try: `${row.attempt}/${row.attemptsMax}`,
    late: deadlineText(row, nowMs, t) ?? '–',
    exit: row.exitCode === undefined ? '–' : String(row.exitCode),
    submitter: row.submitter,
  };
}

export function taskCellTitles(row: TaskRow, zone: Zone): CellTexts {
  return {
    state: row.reason === undefined ? undefined : plainText(row.reason),
    name: plainText(row.name),
    late: row.deadlineMs === undefined ? undefined : exactTime(row.deadlineMs, zone),
    submitted: exactTime(row.submittedAtMs, zone),
    wait: exactTime(row.startedAtMs ?? row.submittedAtMs, zone),
  };
}
