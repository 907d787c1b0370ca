// The audit trail and the accounts of this data folder, whose acts go into it.
import { Accounts } from '../accounts/accounts.ts';
import type { AuditTrail } from '../audit/trail.ts';
import { type Ms, ms } from '../protocol/brands.ts';
import { accepted, type Outcome, type Refusal } from '../protocol/outcome.ts';
import type { HostParts } from './hostParts.ts';
import { startAudit } from './startAudit.ts';

interface Recorded {
  readonly trail: AuditTrail;
  readonly accounts: Accounts;
}

/** Refuses `storage_failed` where the trail cannot be used or users.json is damaged. Nothing stays open then. */
export async function openRecorded(
  parts: Pick<HostParts, 'config' | 'files' | 'events' | 'secrets'>,
  wires: Parameters<typeof startAudit>[1],
): Promise<Outcome<Recorded, Refusal>> {
  const { config, secrets, events } = parts;
  const trail = await startAudit(parts, wires);
  if (!trail.ok) return trail;
  const opened = Accounts.open({
    folder: config.dataFolder,
    clock: wallMs,
    audit: trail.value.record,
    hide: events.logControl.hide,
    isOwners: secrets.consoleTokenMatches,
  });
  if (opened.ok) return accepted({ trail: trail.value, accounts: opened.value });
  await trail.value.close();
  return opened;
}

/** Sessions and tokens end by the clock of the plant, also where the machine slept. */
const wallMs = (): Ms => ms(Date.now());
