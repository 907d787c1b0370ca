// How an array or a workflow ended: by its members' ends, and in words.
import type { EndState } from '../../protocol/task.ts';

export type EndCounts = Readonly<Record<EndState | 'unknown', number>>;

export function groupEnd(
  ended: EndCounts,
  cancelReason: string | undefined,
): { readonly state: EndState; readonly reason: string } {
  const counts = inWords(ended);
  const reason = cancelReason === undefined ? counts : `${cancelReason}: ${counts}`;
  return { state: endStateOf(ended, cancelReason), reason };
}

function endStateOf({ dead_letter, cancelled }: EndCounts, cancelReason: string | undefined): EndState {
  if (cancelReason !== undefined) return 'cancelled';
  if (dead_letter > 0) return 'dead_letter';
  return cancelled > 0 ? 'cancelled' : 'succeeded';
}

function inWords({ succeeded, dead_letter, cancelled, unknown }: EndCounts): string {
  const named: readonly (readonly [number, string])[] = [
    [succeeded, 'succeeded'],
    [dead_letter, 'dead letter'],
    [cancelled, 'cancelled'],
    [unknown, 'ended in a part of the journal that was lost'],
  ];
  return named.flatMap(([count, what]) => (count > 0 ? [`${grouped(count)} ${what}`] : [])).join(', ');
}
/** 1,000,000: as people read it, in any locale. */
const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');
