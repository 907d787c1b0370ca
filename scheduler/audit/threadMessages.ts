// What the host and the threads of the audit trail say to each other.
import type { AuditFormat, AuditFilter, AuditPage } from '../protocol/audit.ts';
import type { StorageFault } from '../sqlite/fault.ts';
import type { ListAsks } from './reader.ts';
import type { Checked } from './verify.ts';
import type { Found, Recorded, Sizes } from './writer.ts';

export interface ThreadStart {
  readonly role: 'writer' | 'reader';
  readonly folder: string;
  readonly bytesMax: number;
  /** Bounds the file as a full disk would. For tests. */
  readonly pagesMax?: number;
}
export interface Facts {
  readonly actors: readonly string[];
  readonly actions: readonly string[];
  readonly oldestAtMs?: number;
}
export interface ExportAsks {
  readonly path: string;
  readonly filter: AuditFilter;
  readonly format: AuditFormat;
  readonly program: string;
}

/** Each question of a thread: what it takes, what it answers. */
export interface Questions {
  begin: { readonly asks: { readonly atMs: number }; readonly gets: Found };
  append: { readonly asks: readonly Recorded[]; readonly gets: Sizes };
  list: { readonly asks: ListAsks; readonly gets: AuditPage };
  facts: { readonly asks: undefined; readonly gets: Facts };
  verify: { readonly asks: undefined; readonly gets: Checked };
  export: { readonly asks: ExportAsks; readonly gets: { readonly bytes: number } };
}
export type Question = keyof Questions;

export type ToThread =
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question; readonly asks: unknown }
  /** What is under way for this question ends: it fails. */
  | { readonly kind: 'stop'; readonly id: number }
  | { readonly kind: 'close' };
export type FromThread =
  | { readonly kind: 'opened' }
  | { readonly kind: 'refused'; readonly fault: StorageFault }
  | { readonly kind: 'progress'; readonly id: number; readonly done: number; readonly total: number }
  | { readonly kind: 'answer'; readonly id: number; readonly gets: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly fault: StorageFault };
