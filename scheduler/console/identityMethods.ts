// Methods of nodes' keys, enrolment tokens and the hub's certificate.
import { accepted } from '../protocol/outcome.ts';
import type { Execute, MethodTable } from './methodTable.ts';
import type { ConsolePorts } from './ports.ts';

type IdentityMethod =
  'createEnrolment' | 'listEnrolments' | 'revokeEnrolment' | 'revokeNode' | 'renewCertificate';

export const identityMethods = (
  { view, clock, createEnrolment, renewCertificate }: ConsolePorts,
  execute: Execute,
): Pick<MethodTable, IdentityMethod> => ({
  createEnrolment: (settings, { actor }) => createEnrolment(settings, actor),
  listEnrolments: () => accepted({ enrolments: view.enrolments(clock()) }),
  revokeEnrolment: ({ enrolmentId }, { actor }) =>
    execute({ kind: 'RevokeEnrolment', enrolmentId, actor }, { revoked: true }),
  revokeNode: ({ nodeId }, { actor }) => execute({ kind: 'RevokeNode', nodeId, actor }, { revoked: true }),
  renewCertificate: () => renewCertificate(),
});
