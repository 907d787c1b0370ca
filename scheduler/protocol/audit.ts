// The audit trail: who did what to which thing, with what outcome. One entry per operator's act and security event.
import * as v from 'valibot';
import type { Ms } from './brands.ts';
import { pathSchema, rowLimitSchema, textSchema, timeSchema, whole } from './consoleParams.ts';
import type { StorageJob } from './storage.ts';

/** What anybody tells of an act. The trail adds number, time and hash. */
export interface AuditAct {
  /** What was done: a method of the console (`setCordon`), or an event of security (`agent_refused`). Lower case. */
  readonly action: string;
  /** A user, `local`, `owner`, `agent:NODE`, `program:NAME`, `host`; `nobody` for strangers, whatever they say. */
  readonly actor: string;
  /** Where the act came from: an address, `window`, or `shell`. Never a port: it says nothing. */
  readonly source: string;
  readonly outcome: 'done' | 'refused';
  /** The things acted on, at most `auditTargetsMax`; `count` says how many there were. */
  readonly targets: readonly string[];
  readonly count?: number;
  /** Refusal code, reason an operator gave, before and after. No secrets: names in `redact` are cut anyway. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Never throws and never waits: the entry is durable within a second, and before the answer of an operator's act that
 * awaits `settled`.
 */
export type RecordAudit = (act: AuditAct) => void;

/** An act in its place in the trail. */
export interface AuditEntry extends AuditAct {
  /** 1, 2, 3 … without a gap. */
  readonly seq: number;
  /** Never before the entry that it follows. */
  readonly atMs: Ms;
  /** `hash` of the entry before; 64 zeros for the first. */
  readonly previous: string;
  /** SHA-256, in hexadecimal digits, of `previous` and then the canonical JSON of the entry without `hash`. */
  readonly hash: string;
}
export const firstPrevious = '0'.repeat(64);

export const auditOutcomes = ['done', 'refused'] as const;
export const auditFilterSchema = v.strictObject({
  sinceMs: v.exactOptional(timeSchema),
  /** Entries before this time. */
  untilMs: v.exactOptional(timeSchema),
  actor: v.exactOptional(textSchema),
  action: v.exactOptional(textSchema),
  outcome: v.exactOptional(v.picklist(auditOutcomes)),
  /** The whole name of one thing acted on. */
  target: v.exactOptional(textSchema),
  /** Part of anything that an entry says, in any case. */
  text: v.exactOptional(textSchema),
});
export type AuditFilter = v.InferOutput<typeof auditFilterSchema>;
export const auditFormats = ['csv', 'ndjson'] as const;
export type AuditFormat = (typeof auditFormats)[number];

export const auditMethodSchemas = {
  /** How far the trail reaches, who is in it, and the newest check. */
  getAudit: v.strictObject({}),
  /** Newest first. */
  listAudit: v.strictObject({
    filter: v.optional(auditFilterSchema, {}),
    /** Entries with a smaller number: `nextBefore` of the page before. */
    before: v.exactOptional(whole),
    limit: rowLimitSchema,
  }),
  /** Begins to check the chain, or answers with the check under way. `getAudit` tells how far it is. */
  verifyAudit: v.strictObject({}),
  /** Entries that match into a file, with the proof of the chain. Absent folder: `exports` in the data folder. */
  exportAudit: v.strictObject({
    filter: v.optional(auditFilterSchema, {}),
    format: v.picklist(auditFormats),
    folder: v.exactOptional(pathSchema),
  }),
} as const;

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** There may be more below it. A page that was cut at its time has fewer entries than asked for, or none. */
  readonly nextBefore?: number;
  readonly tookMs: number;
}
/** What is wrong with the trail, and with which entry. */
export interface AuditFault {
  /** The first bad row; 0 where it is the trail as a whole. */
  readonly seq: number;
  readonly message: string;
}
export interface AuditCheck {
  readonly state: 'running' | 'good' | 'bad' | 'failed';
  readonly startedAtMs: Ms;
  /** Entries. */
  readonly done: number;
  readonly total: number;
  /** The newest entry that was checked. */
  readonly seq?: number;
  readonly hash?: string;
  readonly fault?: AuditFault;
  /** Damage that earlier starts found and wrote down as entries. */
  readonly found?: number;
  /** Why it could not be carried out. */
  readonly message?: string;
}
export interface AuditState {
  /** Numbers of the oldest and the newest entry; both 0 while there is none. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Of the newest entry: kept elsewhere, it proves later that nothing before it was changed. */
  readonly lastHash: string;
  readonly oldestAtMs?: Ms;
  readonly bytes: number;
  /** For filters, the first `auditFacetsMax` in the order of the alphabet. */
  readonly actors: readonly string[];
  readonly actions: readonly string[];
  /** Why nothing can be recorded now. Changes are refused meanwhile. */
  readonly failure?: string;
  readonly check?: AuditCheck;
}
export interface AuditResults {
  getAudit: AuditState;
  listAudit: AuditPage;
  verifyAudit: AuditCheck;
  exportAudit: StorageJob;
}
