// Hostile programs and windows: bytes and bodies at the HTTP door, requests at the console's.
import { connect } from 'node:net';
import * as v from 'valibot';
import { type Method, methodSchemas, requestSchema } from '../../scheduler/protocol/consoleWire.ts';
import { consoleWireVersion } from '../../scheduler/protocol/limits.ts';
import type { Draw } from './draw.ts';
import { type FuzzHost } from './fuzzHost.ts';
import { mutateBytes, mutateValue } from './mutate.ts';
import { RawSocket } from './rawSocket.ts';

const task = { work: { kind: 'simulated', runMs: 1 }, labels: { a: 'b' }, ask: { cpu: 100 } };
const bodies: readonly [string, string, unknown][] = [
  ['POST', '/tasks', task],
  ['POST', '/tasks/batch', { specs: [task, task] }],
  ['POST', '/tasks/cancel', { taskIds: [999_999] }],
  ['POST', '/tasks/states', { taskIds: [1, 2] }],
  ['PUT', '/queues/press', { weight: 4 }],
  ['PUT', '/storage/retention', { tasksMax: 5_000, logBytesMax: 0 }],
];

/** Every answer is HTTP, and a problem where it is a refusal. Throws on any other. */
export async function httpRequests(host: FuzzHost, draw: Draw, inputs: number): Promise<number> {
  let sent = 0;
  while (sent < inputs) {
    await Promise.all(
      Array.from({ length: 24 }, async () => {
        const bytes = request(host, draw);
        const answer = await exchange(host, bytes);
        if (answer !== '') check(bytes, answer);
      }),
    );
    sent += 24;
  }
  return sent;
}

function request(host: FuzzHost, draw: Draw): Buffer {
  const [method, path, body] = draw.pick(bodies);
  // A field that no schema knows: whatever else came out right, it is refused.
  const wrong = { ...(mutateValue(draw, body) as object), 'not a field': 1 };
  const text = draw.chance(0.1)
    ? '['.repeat(50_000)
    : draw.chance(0.1)
      ? '{"a":1,"a":2}'
      : JSON.stringify(wrong);
  const head =
    `${method} /api/v1${path} HTTP/1.1\r\nHost: ${new URL(host.address).host}\r\nConnection: close\r\n` +
    `Authorization: Bearer ${host.apiToken}\r\nContent-Type: application/json\r\n`;
  const whole = `${head}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
  switch (draw.below(8)) {
    case 0:
      return mutateBytes(draw, Buffer.from(whole.slice(0, 2_000)), Buffer.from(head));
    case 1: // both lengths
      return Buffer.from(
        `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n`,
      );
    case 2:
      return Buffer.from(
        `${head}Transfer-Encoding: ${draw.pick(['xchunked', 'chunked, identity', '\u000bchunked'])}\r\n\r\n0\r\n\r\n`,
      );
    case 3:
      return Buffer.from(
        `${head}Content-Length: ${draw.pick(['-1', '1e3', '+5', '5, 6', '99999999999999999999'])}\r\n\r\nabcde`,
      );
    case 4:
      return Buffer.from(`${head}X: ${'x'.repeat(20_000)}\r\n\r\n`);
    case 5:
      return Buffer.concat([
        Buffer.from(`${head}Content-Length: 6\r\n\r\n`),
        Buffer.from('{"\xff\xfe"', 'latin1'),
      ]);
    default:
      return Buffer.from(whole);
  }
}

function check(bytes: Buffer, answer: string): void {
  if (isRightful(bytes.toString('latin1'), answer)) return;
  throw new Error(`${bytes.subarray(0, 300).toString('latin1')}\nwas answered with\n${answer.slice(0, 300)}`);
}

function isRightful(asked: string, answer: string): boolean {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
  const isPage = !asked.includes('/api/v1');
  if (status >= 400) {
    const isProblem = /content-type: application\/problem\+json/i.test(answer);
    return status !== 500 && status < 600 && (isProblem || isPage);
  }
  // Noise may still ask for a page, or for what is free to read.
  return status >= 200 && (isPage || /^(?:GET|HEAD)/.test(asked));
}

/** All that comes back until the host closes, or has answered and waits. */
function exchange(host: FuzzHost, bytes: Buffer): Promise<string> {
  const { hostname, port } = new URL(host.address);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    // A request that was cut short is waited for by the host: a while is enough to see that it does no harm.
    const timer = setTimeout(() => socket.destroy(), 300);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const [head, body = ''] = text.split('\r\n\r\n', 2);
      const length = Number(/content-length: (\d+)/i.exec(head ?? '')?.[1] ?? -1);
      if (length >= 0 && body.length >= length) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}

const reads = /^(?:hello|get|list|count|why)/;
/** Parameters that each method takes, near enough: what is wrong with them is drawn. */
const near = {
  ...{
    wire: consoleWireVersion,
    on: true,
    specs: [task],
    taskIds: [999_999],
    taskId: 999_999,
    limit: 10,
    by: 'queue',
  },
  ...{
    filter: { states: ['ready'] },
    nodeId: 'none',
    isCordoned: true,
    queue: 'none',
    change: { weight: 2 },
    token: 1,
  },
};

/** Requests of a console. All that have a number are answered; none that is refused changes anything. */
export async function consoleRequests(host: FuzzHost, draw: Draw, inputs: number): Promise<number> {
  let sent = 0;
  const methods = Object.keys(methodSchemas) as Method[];
  while (sent < inputs) {
    const raw = await RawSocket.open(host.address);
    const answer = await raw.enter('/console', { wire: consoleWireVersion, token: host.consoleToken });
    if (!answer.startsWith('40')) throw new Error(`the console was not let in: ${answer}`);
    for (let at = 1; at <= 100; at += 1) {
      const method = draw.pick(methods);
      const message = draw.chance(0.2)
        ? mutateValue(draw, { id: at, method, params: near })
        : { id: at, method, params: mutateValue(draw, near) };
      if (!isHarmless(message)) continue;
      raw.text(`42/console,${JSON.stringify(['m', message])}`);
      sent += 1;
    }
    const last = { id: 1_000_000, method: 'hello', params: { wire: consoleWireVersion } };
    raw.text(`42/console,${JSON.stringify(['m', last])}`);
    await raw.until((text) => text.includes('"id":1000000'));
    await raw.close();
  }
  return sent;
}

/** Refused by the contract, or a question. */
function isHarmless(message: unknown): boolean {
  const request = v.safeParse(requestSchema, message);
  if (!request.success) return true;
  const { method, params } = request.output;
  if (!Object.hasOwn(methodSchemas, method) || reads.test(method)) return true;
  return !v.safeParse(methodSchemas[method as Method], params ?? {}).success;
}
