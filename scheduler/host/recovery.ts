// From the journal back to a running core: newest good snapshot, then replay; history is told what it lacks.
import { Core } from '../core/cycle.ts';
import type { History } from '../history/store.ts';
import { HistoryFailed } from '../history/thread.ts';
import type { Recovered } from '../journal/journal.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { isEnd } from '../protocol/endEvents.ts';
import type { Batch } from '../protocol/events.ts';
import { historyQueueMax } from '../protocol/limits.ts';
import type { Timing } from '../protocol/timing.ts';
import type { HostEvents } from './hostEvents.ts';

interface RecoveryOptions extends Pick<HostEvents, 'log' | 'onRecovering'> {
  readonly timing: Timing;
}

/** Refuses `storage_failed` where the journal's batches do not fit together: a damaged file or a foreign history. */
export async function replayInto(
  recovered: Recovered,
  history: History,
  { log, onRecovering, timing }: RecoveryOptions,
): Promise<Outcome<Core, Refusal>> {
  for (const notice of recovered.notices) log('warn', 'journal', { notice });
  const { snapshot, lastSequence } = recovered;
  if (history.cursor > lastSequence) {
    const said =
      `history.db has seen batch ${String(history.cursor)}, the journal ends at ${String(lastSequence)}: ` +
      'they do not belong together; restore both from one backup, or move history.db away to begin a new history';
    return refused(refusal('storage_failed', said));
  }
  try {
    const core = new Core({ timing });
    if (snapshot) await load(core, snapshot, onRecovering);
    const from = snapshot?.sequence ?? 0;
    if (history.cursor < from)
      log('warn', 'history misses ended tasks that the journal no longer holds', {
        from: history.cursor,
        to: from,
      });
    for await (const batches of recovered.batches) {
      for (const batch of batches) tellHistory(history, batch, core.replay(batch));
      if (history.stats().pending > historyQueueMax) await history.flushed();
      onRecovering({ stage: 'replaying', done: core.state.sequence - from, total: lastSequence - from });
    }
    await history.flushed();
    return accepted(core);
  } catch (error) {
    return refused(replayRefusal(error));
  }
}

async function load(
  core: Core,
  { bytes, parts }: NonNullable<Recovered['snapshot']>,
  onRecovering: HostEvents['onRecovering'],
): Promise<void> {
  const restoring = core.restore();
  let done = 0;
  for await (const part of parts) {
    restoring.take(part);
    done += part.length;
    onRecovering({ stage: 'loading', done: Math.min(done, bytes), total: bytes });
  }
  restoring.finish();
}

function replayRefusal(error: unknown): Refusal {
  if (error instanceof HistoryFailed) return refusal('storage_failed', error.message);
  const why = error instanceof Error ? error.message : String(error);
  const said = `the journal cannot be replayed: ${why}; restore a backup or move the data folder away`;
  return refusal('storage_failed', said);
}

/**
 * What the batch means for history; nothing where it was stored before the restart. In the order of the events: a task
 * may be requeued, end and be requeued again in one batch.
 */
export function tellHistory(history: History, batch: Batch, ended: ReturnType<Core['replay']>): void {
  const { sequence } = batch;
  if (sequence <= history.cursor) return;
  let told = 0;
  for (const event of batch.events) {
    if (isEnd(event)) told += 1;
    if (event.kind !== 'task_requeued') continue;
    const before = ended.slice(0, told);
    if (before.length > 0) history.recordEnded(sequence, before);
    ended = ended.slice(told);
    told = 0;
    history.forget(sequence, event.record.taskId);
  }
  if (ended.length > 0) history.recordEnded(sequence, ended);
  history.advance(sequence);
}
