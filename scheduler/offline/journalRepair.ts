// millrace journal repair: makes a journal that a host starts with of one that it refuses for damage, and says what of
// it is lost. The damaged file stays beside it.
import { examine, noticesOf } from '../journal/recover.ts';
import type { Database } from '../sqlite/driver.ts';
import { exitCodes, type Output, withJournal, CommandEnds } from './journalReading.ts';
import { planRepair, type RepairPlan } from './journalRepairPlan.ts';
import { buildRepaired, putInPlace } from './journalRebuild.ts';

export interface RepairOptions {
  /** False: only says what would be done. */
  readonly isConfirmed: boolean;
  readonly isJson: boolean;
}

export async function repairJournal(
  folder: string,
  { isConfirmed, isJson }: RepairOptions,
  { out, say }: Output,
): Promise<number> {
  const made = await withJournal(folder, (database, path) => {
    const refusal = refusalOf(database, path);
    if (refusal === undefined) return undefined;
    const plan = planRepair(database, folder);
    if (isConfirmed) buildRepaired(database, path, plan);
    return { path, plan, refusal };
  });
  if (!made) {
    out(
      isJson
        ? '{"isNeeded":false}\n'
        : 'nothing to repair: a host starts with this journal; nothing was changed\n',
    );
    return exitCodes.ok;
  }
  const { path, plan, refusal } = made;
  if (!isJson) out(`${[refusal, ...planInWords(plan)].join('\n')}\n`);
  if (!isConfirmed) {
    if (isJson) out(`${JSON.stringify({ isNeeded: true, isDone: false, ...figuresOf(plan) })}\n`);
    say('millrace: nothing was done; add --yes to repair\n');
    return exitCodes.refused;
  }
  const kept = await putInPlace(path);
  if (isJson) out(`${JSON.stringify({ isNeeded: true, isDone: true, kept, ...figuresOf(plan) })}\n`);
  else out(`repaired; the damaged file is kept as ${kept}. Start the host, then make a backup\n`);
  return exitCodes.ok;
}

/** Why a host refuses the journal; undefined: it does not. */
function refusalOf(database: Database, path: string): string | undefined {
  const examined = examine(database, path, () => undefined);
  if (!examined.fault) return undefined;
  if (examined.fault.cause === 'newer') throw new CommandEnds(exitCodes.refused, examined.fault.message);
  return [examined.fault.message, ...noticesOf(examined)].join('\n');
}

const figuresOf = ({ end, lost, event, liveTasks, sequence }: RepairPlan) => ({
  lastGoodBatch: end,
  lostRows: lost.rows,
  lostTasks: lost.admitted,
  endedByHistory: event.ended.length,
  nextTaskId: event.nextTaskId,
  nextToken: event.nextToken,
  liveTasks,
  lastSequence: sequence,
});

function planInWords({ end, lost, event, liveTasks, historyNotice }: RepairPlan): readonly string[] {
  const to = lost.lastBatch > end ? ` to ${lost.lastBatch}` : ' on';
  return [
    `Everything up to batch ${end} is good. Batches ${end + 1}${to} are lost: ${lost.rows} rows, of which ` +
      `${lost.unreadable} cannot be read at all.`,
    `Tasks submitted in them are lost: ${lost.admitted} by what can be read. ${liveTasks} tasks are live as of batch ` +
      `${end}; what was done with them since is forgotten, so those that were running then or since may run again, ` +
      'also the ones that run at most once.',
    `${event.ended.length} tasks that history knows as ended since then stay ended.`,
    `New tasks begin at number ${event.nextTaskId}, new attempts at token ${event.nextToken}.`,
    ...(historyNotice === undefined ? [] : [historyNotice]),
    'The damaged file is kept beside the repaired one.',
  ];
}
