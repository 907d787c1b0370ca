// Whether the host takes and places work now, and what is in the way. `/ready` says so.
import type { AlarmRow } from '../protocol/consoleFrames.ts';
import type { RecoveryProgress } from '../protocol/hostLink.ts';

export interface NotReady {
  readonly code: 'recovering' | 'stopping' | 'journal_failing' | 'disk_low' | 'edges_missing';
  readonly message: string;
}
export interface Readiness {
  readonly isReady: boolean;
  readonly reasons: readonly NotReady[];
}

interface Standing {
  readonly isStopping: boolean;
  readonly alarms: readonly AlarmRow[];
  readonly edges: { readonly wanted: number; readonly listening: number };
}

/** Anybody may ask: it names no task, node or path. */
export function readinessOf({ isStopping, alarms, edges }: Standing): Readiness {
  const isActive = (code: AlarmRow['code']): boolean =>
    alarms.some((row) => row.code === code && row.isActive);
  const reasons: NotReady[] = [];
  if (isStopping) reasons.push({ code: 'stopping', message: 'the host stops; call again when it is back' });
  if (isActive('STORAGE_FAILED'))
    reasons.push({ code: 'journal_failing', message: 'the journal cannot be written; check the disk' });
  if (isActive('DISK_LOW'))
    reasons.push({ code: 'disk_low', message: 'little is free on the disk of the data folder; make room' });
  if (edges.listening < edges.wanted) {
    const message = `${edges.listening} of ${edges.wanted} edges take agents; the others are being started`;
    reasons.push({ code: 'edges_missing', message });
  }
  return { isReady: reasons.length === 0, reasons };
}

export function notReadyWhile({ stage, done, total }: RecoveryProgress): Readiness {
  const share = total > 0 ? `, ${String(Math.floor((done / total) * 100))} %` : '';
  const message = `the host is recovering (${stage}${share}); nothing is lost`;
  return { isReady: false, reasons: [{ code: 'recovering', message }] };
}
