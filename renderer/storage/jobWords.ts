// What a job says of itself: how far it is, and what came of it.
import type { BulkAct, StorageJob } from '../../scheduler/protocol/storage.ts';
import { progressText, tallyText } from '../tasks/bulkWords.ts';
import { formatBytes, formatCount, percentOf } from '../format/quantity.ts';
import { plainText } from '../format/plainText.ts';
import type { Translate } from '../i18n/i18n.ts';

/** Whole percent; undefined while the length is not known. */
export function jobPercent({ state, done, total }: StorageJob): number | undefined {
  if (state === 'done') return 100;
  return total === 0 ? undefined : Math.min(100, Math.floor(percentOf(done, total)));
}

export function jobText(job: StorageJob, t: Translate): string {
  if (job.kind === 'requeue' || job.kind === 'cancel') return actText(job, job.kind, t);
  if (job.state === 'failed') return plainText(job.message ?? '');
  const amount = t(`job.amount.${job.kind}`, { done: formatCount(job.done) });
  const percent = jobPercent(job);
  if (job.state === 'running') return percent === undefined ? amount : `${percent} % · ${amount}`;
  if (job.state === 'cancelled') return t('job.takenAway');
  return job.bytes === undefined ? amount : `${amount} · ${formatBytes(job.bytes)}`;
}

/** What an act did stays, however it ended. */
function actText(job: StorageJob, act: BulkAct, t: Translate): string {
  const percent = jobPercent(job);
  const far = progressText(job, t);
  if (job.state === 'running') return percent === undefined ? far : `${percent} % · ${far}`;
  const came = tallyText(job, act, t);
  return job.message === undefined ? came : `${plainText(job.message)} · ${came}`;
}
