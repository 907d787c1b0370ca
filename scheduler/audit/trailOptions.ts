// What the audit trail needs of the host.
import type { AuditAct } from '../protocol/audit.ts';
import type { Ms } from '../protocol/brands.ts';

export interface TrailOptions {
  readonly folder: string;
  readonly threadFile: URL;
  readonly clock: () => Ms;
  /** Takes secrets out of what is recorded. */
  readonly redact: (details: AuditAct['details']) => AuditAct['details'];
  /** What cannot be written, in words; undefined: it can be written again. */
  readonly onFailure: (message: string | undefined) => void;
  /** What is wrong with what was written, in words. */
  readonly onDamage: (message: string) => void;
  readonly bytesMax?: number;
  readonly pendingMax?: number;
  /** See `ThreadStart`. */
  readonly pagesMax?: number;
}
