// Enrolment tokens, the revoking of nodes and the hub’s certificate over HTTP. Each asks the console by the method that
// windows use.
import { enrolmentSettingsSchema } from '../protocol/identity.ts';
import * as examples from './identityExamples.ts';
import { jsonOf, type Operation } from './operation.ts';

export const identityOperations: readonly Operation[] = [
  {
    id: 'createEnrolment',
    method: 'POST',
    path: '/enrolments',
    about: 'Makes a token by which nodes come in. Its text is told here once and kept nowhere.',
    body: {
      name: 'EnrolmentSettings',
      schema: enrolmentSettingsSchema,
      isOptional: true,
      example: { label: 'press shop', validMs: 86_400_000, nodesMax: 12 },
    },
    answer: { name: 'NewEnrolment', status: 200, example: examples.newEnrolment },
    refuses: ['too_many'],
    run: async ({ caller, body }) => jsonOf(await caller.call('createEnrolment', body ?? {})),
  },
  {
    id: 'listEnrolments',
    method: 'GET',
    path: '/enrolments',
    about: 'Enrolment tokens, the newest first: how many nodes came with each, and until when it is good.',
    answer: { name: 'EnrolmentList', status: 200, example: { enrolments: [examples.enrolment] } },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('listEnrolments', {})),
  },
  {
    id: 'revokeEnrolment',
    method: 'POST',
    path: '/enrolments/{enrolmentId}/revoke',
    about: 'Nobody comes in with this token from now on. Nodes that did stay.',
    answer: { name: 'RevokedAnswer', status: 200, example: { revoked: true } },
    refuses: ['unknown_enrolment'],
    run: async ({ caller, path }) => jsonOf(await caller.call('revokeEnrolment', path)),
  },
  {
    id: 'revokeNode',
    method: 'POST',
    path: '/nodes/{nodeId}/revoke',
    about: 'Shuts a node out: its connection ends, its key is void, and its work goes elsewhere at once.',
    answer: { name: 'RevokedAnswer', status: 200, example: { revoked: true } },
    refuses: ['unknown_node'],
    run: async ({ caller, path }) => jsonOf(await caller.call('revokeNode', path)),
  },
  {
    id: 'renewCertificate',
    method: 'POST',
    path: '/certificate/renew',
    about:
      'A new key and certificate for the hub, of the same authority. Connections that stand stay as they are.',
    answer: { name: 'RenewedAnswer', status: 200, example: { renewed: true } },
    refuses: ['wrong_state', 'storage_failed'],
    run: async ({ caller }) => jsonOf(await caller.call('renewCertificate', {})),
  },
];
