// Methods of the audit trail.
import { accepted } from '../protocol/outcome.ts';
import type { AuditResults } from '../protocol/audit.ts';
import type { MethodTable } from './methodTable.ts';
import type { ConsolePorts } from './ports.ts';

export const auditMethods = ({
  audit,
  storage,
}: Pick<ConsolePorts, 'audit' | 'storage'>): Pick<MethodTable, keyof AuditResults> => ({
  getAudit: () => audit.state(),
  listAudit: (asks) => audit.list(asks),
  verifyAudit: () => accepted(audit.verify()),
  exportAudit: (asks, { actor }) => storage.exportAudit(asks, actor),
});
