// Traces of tasks: their spans, whose trace they are of, the bound of what waits, and what a real receiver gets.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { traced, tracedAll } from '../../scheduler/api/traced.ts';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import { openOtlp } from '../../scheduler/tracing/otlp.ts';
import type { Span } from '../../scheduler/tracing/taskSpans.ts';
import { isChosen, readTraceparent } from '../../scheduler/tracing/traceContext.ts';
import { spansWaitingMax, Tracing } from '../../scheduler/tracing/tracing.ts';

const caller = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`;
const secret = 'the-payload';

function recordOf(taskId: number, env: Record<string, string> = {}): TaskRecord {
  return {
    taskId,
    spec: { queue: 'press', tenant: 'default', work: { kind: 'command', argv: [secret], shell: false, env } },
    submitter: secret,
    state: 'succeeded',
    submittedAtMs: 1_000,
    endedAtMs: 9_000,
    attempts: [
      { attempt: 1, token: 7, nodeId: 'n1', placedAtMs: 2_000, endedAtMs: 3_000, end: { reason: 'lost' } },
      {
        attempt: 2,
        token: 8,
        nodeId: 'n2',
        placedAtMs: 4_000,
        startedAtMs: 4_500.25,
        endedAtMs: 9_000,
        end: { reason: 'exit', exitCode: 0, message: secret },
      },
    ],
  } as unknown as TaskRecord;
}

function open({ ratio = 1, isTaken = true } = {}) {
  const spans: Span[] = [];
  const tracing = new Tracing({
    plant: 'p',
    ratio,
    send: (some) => {
      spans.push(...some);
      return Promise.resolve(isTaken);
    },
  });
  onTestFinished(() => tracing.close());
  return { tracing, spans };
}

test('a task is a trace: its wait, its attempts, and of each what was dispatch and what run', async () => {
  const { tracing, spans } = open();
  tracing.ended([recordOf(1)]);
  await tracing.flush();
  const nameOf = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  expect(nameOf.size).toBe(spans.length);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(
    spans.map((s) => [s.name, nameOf.get(s.parentSpanId ?? ''), s.startMs, s.endMs, s.isFailed]),
  ).toEqual([
    ['task', undefined, 1_000, 9_000, false],
    ['queued', 'task', 1_000, 2_000, false],
    ['attempt', 'task', 2_000, 3_000, true],
    ['dispatch', 'attempt', 2_000, 3_000, false],
    ['attempt', 'task', 4_000, 9_000, false],
    ['dispatch', 'attempt', 4_000, 4_500.25, false],
    ['run', 'attempt', 4_500.25, 9_000, false],
  ]);
  expect(spans[2]?.attributes).toMatchObject({ 'millrace.node': 'n1', 'millrace.reason': 'lost' });
  expect(JSON.stringify(spans)).not.toContain(secret);
});

test('a task of a caller with a trace goes on in it, and is traced as the caller chose', async () => {
  const { tracing, spans } = open({ ratio: 0 });
  tracing.ended([recordOf(1, { TRACEPARENT: caller }), recordOf(2)]);
  tracing.ended([recordOf(3, { TRACEPARENT: caller.replace(/01$/, '00') })]);
  await tracing.flush();
  expect(spans).toHaveLength(7);
  expect(spans[0]).toMatchObject({ name: 'task', traceId: 'a1'.repeat(16), parentSpanId: 'b2'.repeat(8) });
});

test('an attempt gets its own span in its environment, the same that is told when the task has ended', async () => {
  const { tracing, spans } = open();
  const record = recordOf(1);
  const given = tracing.given({ token: 8, work: record.spec.work } as unknown as Dispatch, record);
  tracing.ended([record]);
  await tracing.flush();
  const env = given.work.kind === 'command' ? given.work.env['TRACEPARENT'] : undefined;
  const attempt = spans.find(
    ({ name, attributes }) => name === 'attempt' && attributes['millrace.attempt'] === 2,
  );
  expect(readTraceparent(env)).toEqual({
    traceId: attempt?.traceId,
    spanId: attempt?.spanId,
    isSampled: true,
  });
  expect(record.spec.work).not.toHaveProperty('env.TRACEPARENT');
});

test('what does not fit, or is not taken, is dropped and counted', async () => {
  const { tracing } = open({ isTaken: false });
  const fits = Math.floor(spansWaitingMax / 7);
  for (let id = 0; id < fits + 10; id += 1) tracing.ended([recordOf(id)]);
  expect(tracing.counts).toEqual({ sent: 0, dropped: 70, waiting: fits * 7 });
  await tracing.flush();
  expect(tracing.counts).toMatchObject({ sent: 0, dropped: 70 + 1_000 });
});

test.each([
  '',
  'x',
  caller.toUpperCase(),
  `ff${caller.slice(2)}`,
  caller.replace(/a1/g, '00'),
  `${caller}-x`,
])('%j is no traceparent', (text) => {
  expect(readTraceparent(text)).toBeUndefined();
});

test('about the wanted share of the traces is chosen', () => {
  const ids = Array.from({ length: 1_000 }, (_, at) =>
    ((at * 2_654_435_761) >>> 0).toString(16).padStart(32, '0'),
  );
  const share = (ratio: number): number => ids.filter((id) => isChosen(id, ratio)).length / ids.length;
  expect([share(0), share(1)]).toEqual([0, 1]);
  expect(Math.abs(share(0.25) - 0.25)).toBeLessThan(0.02);
});

test('the header of a submit gets into commands without a trace and without a key, and nowhere else', () => {
  const command = { work: { kind: 'command', argv: ['x'], env: { A: 'b' } } };
  const withIt = { work: { kind: 'command', argv: ['x'], env: { A: 'b', TRACEPARENT: caller } } };
  expect(traced(command, caller)).toEqual(withIt);
  expect(tracedAll({ specs: [command, 7] }, caller)).toEqual({ specs: [withIt, 7] });
  for (const spec of [
    { ...command, key: 'k' },
    { work: { kind: 'simulated', runMs: 1 } },
    {},
    { work: null },
  ])
    expect(traced(spec, caller)).toBe(spec);
  expect(traced(command, 'no')).toBe(command);
  expect(traced(command, undefined)).toBe(command);
  const other = `${caller.slice(0, -2)}00`;
  expect(traced(withIt, other)).toBe(withIt);
});

test('a receiver of OTLP gets them as JSON', async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      bodies.push(body);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const send = await openOtlp(`http://127.0.0.1:${String(port)}/v1/traces`, '1.2.3');
  const tracing = new Tracing({ send, plant: 'p', ratio: 1 });
  tracing.ended([recordOf(1, { TRACEPARENT: caller })]);
  await tracing.close();
  expect(tracing.counts).toEqual({ sent: 7, dropped: 0, waiting: 0 });
  const [of] = (JSON.parse(bodies[0] ?? '') as { resourceSpans: ResourceSpans[] }).resourceSpans;
  expect(of?.resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'millrace' } });
  const spans = of?.scopeSpans[0]?.spans ?? [];
  expect(spans).toHaveLength(7);
  expect(spans[0]).toMatchObject({
    traceId: 'a1'.repeat(16),
    parentSpanId: 'b2'.repeat(8),
    name: 'task',
    startTimeUnixNano: '1000000000',
    endTimeUnixNano: '9000000000',
  });
  expect(spans.at(-1)).toMatchObject({ name: 'run', startTimeUnixNano: '4500250000' });
  expect(bodies.join('')).not.toContain(secret);
});

interface ResourceSpans {
  readonly resource: { readonly attributes: readonly unknown[] };
  readonly scopeSpans: readonly { readonly spans: readonly Record<string, unknown>[] }[];
}
