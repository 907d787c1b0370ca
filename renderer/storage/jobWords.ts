// What a job on the stores says of itself: how far it is, and what came of it.
import type { StorageJob } from '../../scheduler/protocol/storage.ts';
import { formatBytes, formatCount, percentOf } from '../format/quantity.ts';
import { plainText } from '../format/plainText.ts';
import type { Translate } from '../i18n/i18n.ts';

/** Whole percent; undefined while the length is not known. */
export function jobPercent({ state, done, total }: StorageJob): number | undefined {
  if (state === 'done') return 100;
  return total === 0 ? undefined : Math.min(100, Math.floor(percentOf(done, total)));
}

export function jobText(job: StorageJob, t: Translate): string {
  if (job.state === 'failed') return plainText(job.message ?? '');
  const amount = t(`job.amount.${job.kind}`, { done: formatCount(job.done) });
  const percent = jobPercent(job);
  if (job.state === 'running') return percent === undefined ? amount : `${percent} % · ${amount}`;
  if (job.state === 'cancelled') return t('job.takenAway');
  return job.bytes === undefined ? amount : `${amount} · ${formatBytes(job.bytes)}`;
}
