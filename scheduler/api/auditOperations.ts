// The audit trail over HTTP. Each asks the console by the method that windows use.
import { auditFilterSchema, auditMethodSchemas } from '../protocol/audit.ts';
import { storageJob } from './examples.ts';
import { type Answer, type Ask, jsonOf, type Operation } from './operation.ts';
import type { QueryFields } from './query.ts';

const { entries: fields } = auditFilterSchema;
const filterQuery: QueryFields = {
  sinceMs: {
    kind: 'number',
    schema: fields.sinceMs.wrapped,
    about: 'From this time on: milliseconds since 1970',
  },
  untilMs: { kind: 'number', schema: fields.untilMs.wrapped, about: 'Before this time' },
  actor: { kind: 'text', schema: fields.actor.wrapped, about: 'By whom' },
  action: {
    kind: 'text',
    schema: fields.action.wrapped,
    about: 'What was done: `setCordon`, `agent_refused`',
  },
  outcome: { kind: 'text', schema: fields.outcome.wrapped, about: 'done or refused' },
  target: { kind: 'text', schema: fields.target.wrapped, about: 'The whole name of a thing acted on' },
  text: { kind: 'text', schema: fields.text.wrapped, about: 'Part of anything that an entry says' },
};
const zeros = '0'.repeat(64);
const hash = 'fbd68f7b91fcc6a2f8b7f43c77b5cd2d1de1ae3a4ca07a11ec0e5d4f6f4c7f10';
const entry = {
  seq: 1,
  atMs: 1_794_000_000_000,
  action: 'setCordon',
  actor: 'ada',
  source: '10.0.0.7',
  outcome: 'done',
  targets: ['BOD-L08-C03-N07'],
  details: { before: '{"isCordoned":false}', after: '{"isCordoned":true}' },
  previous: zeros,
  hash,
};
const check = {
  state: 'good',
  startedAtMs: 1_794_000_000_000,
  done: 812,
  total: 812,
  seq: 812,
  hash,
  found: 0,
};
const state = {
  firstSeq: 1,
  lastSeq: 812,
  lastHash: hash,
  oldestAtMs: 1_793_000_000_000,
  bytes: 409_600,
  actors: ['ada', 'host'],
  actions: ['host_started', 'setCordon'],
  check,
};

export const auditOperations: readonly Operation[] = [
  {
    id: 'getAudit',
    method: 'GET',
    path: '/audit',
    about: 'How far the audit trail reaches, its newest hash, and the newest check of it.',
    answer: { name: 'AuditState', status: 200, example: state },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('getAudit', {})),
  },
  {
    id: 'listAudit',
    method: 'GET',
    path: '/audit/entries',
    about:
      'What was done and by whom, newest first. A page may be short, or empty, and still have `nextBefore`: give it ' +
      'as `before` to go on.',
    query: {
      ...filterQuery,
      before: {
        kind: 'number',
        schema: auditMethodSchemas.listAudit.entries.before.wrapped,
        about: 'Only numbers below this one: `nextBefore` of the page before',
      },
      limit: { kind: 'number', schema: auditMethodSchemas.listAudit.entries.limit, about: 'Rows of a page' },
    },
    answer: { name: 'AuditPage', status: 200, example: { entries: [entry], tookMs: 1.2 } },
    refuses: [],
    run: listEntries,
  },
  {
    id: 'verifyAudit',
    method: 'POST',
    path: '/audit/verify',
    about:
      'Begins to check the chain, or answers with the check under way. `GET /audit` tells what came of it.',
    answer: { name: 'AuditCheck', status: 200, example: { ...check, state: 'running', done: 0 } },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('verifyAudit', {})),
  },
  {
    id: 'exportAudit',
    method: 'POST',
    path: '/audit/exports',
    about:
      'Begins to write the entries that match into a new file below `folder`, or below `exports` in the data folder, ' +
      'with their hashes and the newest of the chain. Answers at once with its job.',
    body: {
      name: 'AuditExport',
      schema: auditMethodSchemas.exportAudit,
      example: { format: 'ndjson', filter: { outcome: 'refused' } },
    },
    answer: { name: 'StorageJob', status: 200, example: { ...storageJob, kind: 'export' } },
    refuses: ['too_many', 'wrong_state'],
    run: async ({ caller, body }) => jsonOf(await caller.call('exportAudit', body ?? {})),
  },
];

async function listEntries({ caller, query: { before, limit, ...filter } }: Ask): Promise<Answer> {
  const page = { ...(before !== undefined && { before }), ...(limit !== undefined && { limit }) };
  return jsonOf(await caller.call('listAudit', { filter, ...page }));
}
