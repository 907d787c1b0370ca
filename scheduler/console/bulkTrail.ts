// Names in the audit trail exactly the tasks that an act on many of them hit, in as many entries as that takes.
import type { AuditAct } from '../protocol/audit.ts';
import { auditTargetsMax } from '../protocol/auditLimits.ts';
import { formatTaskId, type TaskId } from '../protocol/brands.ts';
import type { BulkAct } from '../protocol/storage.ts';
import type { ActTrail } from './audited.ts';

/** Entries are written as the job goes on, so that a crash loses the names of a few hundred tasks at the most. */
export class BulkTrail {
  readonly #act: Pick<AuditAct, 'action' | 'actor' | 'source'>;
  readonly #audit: Pick<ActTrail, 'record'>;
  #hit: TaskId[] = [];
  #part = 0;
  #tasks = 0;
  /** Known from the moment the job is listed. */
  jobId = 0;

  constructor(act: BulkAct, by: Pick<AuditAct, 'actor' | 'source'>, audit: Pick<ActTrail, 'record'>) {
    this.#act = { action: `bulk_${act}`, ...by };
    this.#audit = audit;
  }

  readonly hit = (taskId: TaskId): void => {
    this.#hit.push(taskId);
    if (this.#hit.length >= auditTargetsMax) this.#tell(false);
  };

  /** Always one entry, also where nothing was hit: it says that the job is over and how many it hit. */
  end(): void {
    this.#tell(true);
  }

  #tell(isLast: boolean): void {
    this.#part += 1;
    this.#tasks += this.#hit.length;
    const job = { job: this.jobId, part: this.#part };
    this.#audit.record({
      ...this.#act,
      outcome: 'done',
      targets: this.#hit.map(formatTaskId),
      count: this.#hit.length,
      details: isLast ? { ...job, isLast, tasks: this.#tasks } : job,
    });
    this.#hit = [];
  }
}
