// The OpenAPI document: whole in itself, true to the schemas, and kept by what the door really answers.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerSchemas, type AnswerName } from '../../scheduler/api/answerSchemas.ts';
import { fieldNotes } from '../../scheduler/api/fieldNotes.ts';
import { openApiDocument } from '../../scheduler/api/openapi.ts';
import { operations } from '../../scheduler/api/routes.ts';
import { type Answered, ApiHost } from './support/apiHost.ts';

interface Tree {
  readonly [key: string]: Tree;
}
interface Parameter {
  readonly in: string;
  readonly name: string;
}
const document = openApiDocument('1') as unknown as Tree;
const schemas = document['components']?.['schemas'] ?? {};
const described = Object.entries(document['paths'] ?? {}).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

describe('the document', () => {
  test('refers only to what it holds', () => {
    const names = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref = '']) => ref);
    expect(names.length).toBeGreaterThan(50);
    for (const name of names) expect(schemas).toHaveProperty(name.replace('#/components/schemas/', ''));
    expect(JSON.stringify(document)).not.toContain('$defs');
  });

  test('names each operation once, with every parameter of its path', () => {
    const ids = described.map(({ operation }) => operation['operationId']);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of described) {
      const parameters = Object.values(operation['parameters'] ?? {}) as unknown as Parameter[];
      const inPath = parameters.flatMap((one) => (one.in === 'path' ? [one.name] : []));
      expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    }
  });

  test('has answers, problem answers and words for every operation', () => {
    for (const { path, operation } of described) {
      expect(operation['summary'], path).toBeTruthy();
      for (const [status, response] of Object.entries(operation['responses'] ?? {})) {
        expect(response['description'], `${path} ${status}`).toBeTruthy();
        const type = Number(status) < 400 ? 'application/json' : 'application/problem+json';
        expect(response['content'], `${path} ${status}`).toHaveProperty([type]);
      }
    }
  });

  test('keeps the limits of the contract in its schemas', () => {
    const spec = schemas['TaskSpec']?.['properties'];
    expect(spec?.['priority']).toMatchObject({ type: 'integer', minimum: 0, maximum: 9, default: 5 });
    expect(spec?.['queue']).toMatchObject({
      type: 'string',
      pattern: expect.stringContaining('A-Za-z') as string,
    });
    expect(schemas['TaskSpec']?.['required']).toEqual(['work']);
    expect(schemas['TaskSpec']?.['additionalProperties']).toBe(false);
    expect(schemas['TaskSpecs']?.['properties']?.['specs']).toMatchObject({ maxItems: 5_000 });
  });

  test('explains only fields that there are', () => {
    for (const [name, notes] of Object.entries(fieldNotes))
      for (const field of Object.keys(notes))
        expect(schemas[name]?.['properties'], name).toHaveProperty(field);
  });

  test.each(operations)('has examples for $id that fit', ({ answer, body }) => {
    expect(v.safeParse(answerSchemas[answer.name], answer.example)).toMatchObject({ success: true });
    if (body) expect(v.safeParse(body.schema, body.example)).toMatchObject({ success: true });
  });
});

describe('the door keeps to it', () => {
  let host: ApiHost;
  let taskId = 0;
  let groupId = 0;
  let ranAtMs = 0;
  const backups = mkdtempSync(join(tmpdir(), 'millrace-backups-'));
  beforeAll(async () => {
    host = await ApiHost.start();
    await host.addNodes(1);
    const tasks = [{ ref: 'a', spec: { work: { kind: 'simulated', runMs: 600_000 } } }];
    groupId = (await host.ask('POST', '/workflows', { tasks })).body['groupId'] as number;
    taskId = await host.submit(600_000);
    await host.waitForState(taskId, 'running');
    ranAtMs = Date.now();
  }, 30_000);
  afterAll(async () => {
    await host.stop();
    rmSync(backups, { recursive: true });
  });

  test('it is served to all, without a token', async () => {
    const response = await fetch(`${host.address}/api/v1/openapi.json`);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(Object.keys((await response.json()) as object)).toEqual(Object.keys(document));
    expect((await host.ask('POST', '/openapi.json', {})).status).toBe(405);
  });

  const bodies: Record<string, unknown> = {
    submitTask: { work: { kind: 'simulated', runMs: 1 } },
    submitWorkflow: { tasks: [{ ref: 'a', spec: { work: { kind: 'simulated', runMs: 1 } } }] },
    submitTasks: { specs: [{ work: { kind: 'simulated', runMs: 1 } }, {}] },
    getTaskStates: { taskIds: [1, 77] },
    cancelTasks: { taskIds: [77] },
    retryTasks: { taskIds: [77] },
    putQueue: { weight: 3, burst: { cpu: 4_000 } },
    putTenant: { weight: 3, runningMax: 5 },
    putWindow: { scope: { line: ['L'] }, fromMs: 1, untilMs: Date.now() + 3_600_000 },
    putLicence: { total: 2 },
    setLogLevel: { level: 'info' },
    putSchedule: { everyMs: 60_000, task: { work: { kind: 'simulated', runMs: 1 } } },
    previewSchedule: { cron: '0 6 * * *', timeZone: 'Europe/Berlin' },
    putCalendar: { dates: ['2026-12-25'] },
    setRetention: { tasksMax: 5_000, daysMax: 7, logBytesMax: 1_000_000 },
    setBackupPlan: { folder: backups },
    saveUser: { role: 'viewer', password: 'three blue wagons roll' },
    resetPassword: { password: 'seven green lathes hum' },
    createToken: { name: 'q', role: 'viewer' },
    startWhatIf: { fromMs: 1, untilMs: 2 },
    startBackup: { folder: backups },
    exportAudit: { format: 'csv', filter: { actor: 'nobody' } },
    startExport: { format: 'csv', filter: { queue: 'default' } },
    previewBulk: { act: 'cancel', filter: { queue: 'none' } },
    startBulk: { act: 'requeue', filter: { queue: 'none', states: ['cancelled'] } },
  };

  // Those last: they need a task that has ended, a job that runs, a token; and what other tests need would go. This
  // host has no certificate.
  const later = [
    'retryTask',
    'cancelJob',
    'cancelWhatIf',
    'revokeEnrolment',
    'revokeNode',
    'declareLost',
    'renewCertificate',
  ];
  test.each(operations.filter(({ id }) => !later.includes(id)))(
    '$id answers as documented',
    async (operation) => {
      const path = `${pathOf(operation.path)}${queryOf(operation.id)}`;
      const answer = await host.ask(operation.method, path, bodies[operation.id]);
      expect(answer.status).toBe(operation.answer.status);
      expect(undocumented(operation.answer.name, answer.body)).toBeUndefined();
    },
  );

  test('revokeEnrolment answers as documented', async () => {
    const made = await host.ask('POST', '/enrolments', { nodesMax: 2 });
    const { enrolmentId } = made.body as { enrolmentId: string };
    const answer = await host.ask('POST', `/enrolments/${enrolmentId}/revoke`);
    expect(undocumented('RevokedAnswer', answer.body)).toBeUndefined();
  });

  test('declareLost is refused for a node that is connected, and without its name', async () => {
    const path = pathOf('/nodes/{nodeId}/declare-lost');
    const slip = await host.ask('POST', path, { confirm: 'V/2' });
    expect(slip).toMatchObject({ status: 400, body: { code: 'bad_message', field: 'confirm' } });
    const answer = await host.ask('POST', path, { confirm: 'V/1' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'wrong_state', field: 'nodeId' } });
  });

  test('renewCertificate is refused where the host speaks plain text', async () => {
    const answer = await host.ask('POST', '/certificate/renew');
    expect(answer).toMatchObject({ status: 409, body: { code: 'wrong_state' } });
  });

  test('retryTask answers as documented', async () => {
    await host.waitForState(taskId, 'cancelled');
    const answer = await host.ask('POST', pathOf('/tasks/{taskId}/retry'));
    expect(undocumented('TaskGiven', answer.body)).toBeUndefined();
  });

  test('cancelJob answers as documented, and getStorage tells of jobs', async () => {
    for (const jobId of [1, 2, 3, 4]) await host.jobEnded(jobId);
    const folder = mkdtempSync(join(backups, 'other-'));
    // A machine that is held up elsewhere may end a backup before it is asked to cancel it: then another one is.
    const begun = async (): Promise<{ readonly jobId: unknown; readonly answer: Answered }> => {
      const { body } = await host.ask('POST', '/storage/backups', { folder });
      const answer = await host.ask('POST', `/storage/jobs/${String(body['jobId'])}/cancel`);
      if (answer.status === 200) return { jobId: body['jobId'], answer };
      expect(answer).toMatchObject({ status: 409, body: { code: 'wrong_state' } });
      await host.jobEnded(body['jobId']);
      return begun();
    };
    const { jobId, answer } = await begun();
    expect(undocumented('StorageJob', answer.body)).toBeUndefined();
    expect(await host.jobEnded(jobId)).toMatchObject({ state: 'cancelled' });
    const state = await host.ask('GET', '/storage');
    expect(undocumented('StorageState', state.body)).toBeUndefined();
  });

  test('a what-if of what is recorded is run on the host, and tells of both outcomes', async () => {
    const span = { fromMs: ranAtMs - 1, untilMs: Date.now(), verify: true };
    await expect.poll(async () => (await host.ask('POST', '/what-if', span)).status).toBe(200);
    const run = async () =>
      (await host.ask('GET', '/what-if')).body['run'] as { state: string; message: string };
    await expect.poll(async () => (await run()).state, { timeout: 20_000 }).not.toBe('running');
    expect(await run()).toMatchObject({ state: 'done', answer: { digestsEqual: true } });
    expect((await host.ask('POST', '/what-if/1/cancel')).status).toBe(409);
  });

  const pathOf = (path: string): string =>
    path
      .replace('/groups/{taskId}', `/groups/${String(groupId)}`)
      .replace('{scheduleId}', 's')
      .replace('{calendar}', 'c')
      .replace('{taskId}', String(taskId))
      .replace('{nodeId}', 'V%2F1')
      .replace(/\{(queue|id|licence|tenant|user|name)\}/, 'q');

  const queryOf = (id: string): string => {
    if (id === 'countTasks') return '?by=state';
    // Of when the task still ran: the past knows it, whatever became of it since.
    return id.startsWith('recorder') || id === 'seekRecorder' ? `?atMs=${String(ranAtMs)}` : '';
  };

  /** What is wrong with an answer: a schema of ours drops what it does not name, so a difference is a field too many. */
  function undocumented(name: AnswerName, body: unknown): unknown {
    const parsed = v.safeParse(answerSchemas[name], body);
    if (!parsed.success)
      return parsed.issues.map((issue) => `${v.getDotPath(issue) ?? ''}: ${issue.message}`);
    expect(parsed.output).toEqual(body);
    return undefined;
  }
});
