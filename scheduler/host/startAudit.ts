// The audit trail, opened by the host: what it tells of itself there, and the alarms of the trail.
import { type AuditTrail, openAuditTrail } from '../audit/trail.ts';
import type { Alarms } from '../observe/alarms.ts';
import { redact } from '../observe/redact.ts';
import type { AuditAct } from '../protocol/audit.ts';
import type { Ms } from '../protocol/brands.ts';
import type { Outcome, Refusal } from '../protocol/outcome.ts';
import type { HostParts } from './hostParts.ts';

const source = 'audit';

/** Refuses `storage_failed` where the file cannot be used: a plant is not run without its record. */
export async function startAudit(
  { config, files, events }: Pick<HostParts, 'config' | 'files' | 'events'>,
  { alarms, clock }: { readonly alarms: Alarms; readonly clock: () => Ms },
): Promise<Outcome<AuditTrail, Refusal>> {
  const opened = await openAuditTrail({
    folder: config.dataFolder,
    threadFile: files.auditThread,
    clock,
    redact: (details) => redact(details) as AuditAct['details'],
    onFailure: (message) => {
      if (message === undefined) alarms.clear('AUDIT_FAILED', source);
      else alarms.raise({ code: 'AUDIT_FAILED', source, params: { message } });
      events.log(message === undefined ? 'info' : 'error', 'audit trail', {
        message: message ?? 'is written',
      });
    },
    onDamage: (message) => {
      alarms.raise({ code: 'AUDIT_DAMAGED', source, params: { message } });
      events.log('error', 'audit trail is damaged', { message });
    },
  });
  return opened;
}

/** The first entry of this life of the host; it says how the life before ended. */
export function tellStarted(
  trail: AuditTrail,
  { files, core, events }: Pick<HostParts, 'files' | 'core' | 'events'>,
  liveTasks: number,
): void {
  const { lastAction, lastVersion, sizes } = trail.found;
  const { version } = files;
  const after = lastAction === undefined ? 'nothing' : lastAction === 'host_stopped' ? 'stop' : 'crash';
  if (lastVersion !== undefined && lastVersion !== version)
    trail.record(hostAct('upgraded', { from: lastVersion, to: version }));
  trail.record(hostAct('host_started', { version, epoch: core.state.epoch, liveTasks, after }));
  // A third place that names the newest entry.
  events.log('info', 'audit trail goes on', { after: sizes.last.seq, head: sizes.last.hash.slice(0, 32) });
}

export const hostAct = (action: string, details?: AuditAct['details']): AuditAct => ({
  action,
  actor: 'host',
  source: 'host',
  outcome: 'done',
  targets: [],
  ...(details && { details }),
});
