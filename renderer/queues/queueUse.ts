// What a queue or a tenant reserves of the plant, in words.
import type { Amounts } from '../../scheduler/protocol/view.ts';
import { formatBytes, formatCount } from '../format/quantity.ts';

export const queueUse = ({ share, allocated }: { readonly share: number; readonly allocated: Amounts }) => ({
  share: (share * 100).toFixed(1),
  cpu: formatCount(Math.round(allocated.cpu / 100) / 10),
  memory: formatBytes(allocated.memory * 1_048_576),
  gpu: formatCount(Math.round(allocated.gpu / 100) / 10),
});
