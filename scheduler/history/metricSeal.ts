// The checksum of a stored block of metrics.
import { bytesIn, numberOrNothingIn, type Row } from '../sqlite/columns.ts';
import { checksumOf, checksumOfBytes } from './checksum.ts';
import type { Block } from './metricSums.ts';

/** Which block it is. */
export interface BlockName {
  readonly level: number;
  readonly metric: string;
  readonly atMs: number;
}

export const sealOfBlock = ({ level, metric, atMs }: BlockName, { mean, max }: Block): number =>
  checksumOfBytes(max, checksumOfBytes(mean, checksumOf(`${level} ${metric} ${atMs}`)));

/** Undefined: it is damaged. One without a checksum was stored by a version that made none. */
export function blockIn(row: Row, name: BlockName): Block | undefined {
  const block = { mean: bytesIn(row, 'mean'), max: bytesIn(row, 'max') };
  const crc = numberOrNothingIn(row, 'crc');
  return crc === undefined || crc === sealOfBlock(name, block) ? block : undefined;
}

export const damagedBlockMessage = ({ level, metric, atMs }: BlockName): string =>
  `the metric block ${metric} of ${new Date(atMs).toISOString()} (level ${level}) is damaged on disk: ` +
  'its points are left out; restore a backup to have them back';
