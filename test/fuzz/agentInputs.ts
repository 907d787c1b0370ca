// Hostile agents: mutated messages at every state, raw packets, raw WebSocket frames, reports of other nodes' attempts,
// and an honest run's messages over again.
import * as v from 'valibot';
import { joinSchema } from '../../scheduler/protocol/agentWire.ts';
import { frameBytesMax } from '../../scheduler/protocol/limits.ts';
import type { Draw } from './draw.ts';
import { type FuzzHost, pause, spec } from './fuzzHost.ts';
import { mutateBytes, mutateValue } from './mutate.ts';
import { frameOf, RawSocket } from './rawSocket.ts';

/** Below the number at which the hub closes a connection. */
const perConnection = 18;
const states = ['connected', 'admitted', 'joined', 'left'] as const;

/** Has the shape of one, and is none: what its join brings is refused as `wrong_key`. */
const noProof = 'A'.repeat(86);
/** Joins that are refused for their proof alone: more of them within a minute, and the address has to wait. */
const unprovenJoinsMax = 10;

const messagesOf = (token: number, taskId: number): readonly [string, unknown][] => [
  ['join', { spec: { ...spec, labels: { a: 'b' } }, held: [{ token, state: 'running' }], proofs: [noProof] }],
  ['hb', [100, 200, [token]]],
  ['started', [token]],
  ['results', [{ token, taskId, end: { reason: 'exit', exitCode: 0, runMs: 5 } }]],
  ['log', { token, taskId, stream: 'stdout', offset: 0, bytes: 3, text: 'abc' }],
  ['check', [token]],
];
const textOf = (event: unknown, payload: unknown): string => `42/agent,${JSON.stringify([event, payload])}`;

/** Mutated messages at every state of a connection. */
export async function agentFrames(host: FuzzHost, draw: Draw, inputs: number): Promise<number> {
  let sent = 0;
  let unproven = 0;
  const valid = messagesOf(7, 7);
  while (sent < inputs) {
    const state = draw.pick(states);
    const raw = await connectionIn(host, state, `fuzz-${draw.below(8)}`);
    for (let at = 0; at < perConnection && !raw.isClosed; at += 1) {
      const { text, isUnproven } = mutated(draw, valid, state);
      if (isUnproven && unproven >= unprovenJoinsMax) continue;
      if (isUnproven) unproven += 1;
      raw.text(text);
      sent += 1;
    }
    await answered(raw);
    await raw.close();
  }
  return sent;
}

async function connectionIn(
  host: FuzzHost,
  state: (typeof states)[number],
  name: string,
): Promise<RawSocket> {
  if (state === 'connected') return RawSocket.open(host.address);
  if (state === 'admitted') return host.admitted(name);
  const raw = await host.joined(name);
  if (state === 'left') raw.text('41/agent,');
  return raw;
}

/** `isUnproven`: it may be a join in which nothing is wrong but its proof. */
function mutated(
  draw: Draw,
  valid: readonly [string, unknown][],
  state: string,
): { readonly text: string | Buffer; readonly isUnproven: boolean } {
  const [event, payload] = draw.pick(valid);
  const isFirstJoin = state === 'admitted' && event === 'join';
  if (draw.chance(0.5)) {
    const [other, otherPayload] = draw.pick(valid);
    const good = Buffer.from(textOf(event, payload));
    const text = mutateBytes(draw, good, Buffer.from(textOf(other, otherPayload)));
    return { text, isUnproven: isFirstJoin };
  }
  const made = mutateValue(draw, payload);
  return { text: textOf(event, made), isUnproven: isFirstJoin && v.safeParse(joinSchema, made).success };
}

/** A round trip: what was sent before has been read, or the connection is gone. */
async function answered(raw: RawSocket): Promise<void> {
  raw.text(textOf('check', [1]));
  await Promise.race([
    raw.until((text) => /^42\/agent,\["(checked|refused)"/.test(text), 300),
    raw.closed,
  ]).catch(() => undefined);
}

const packets: readonly string[] = [
  '', '0', '1', '2', '3', '5', '6', '7', '4', '40', '41', '42', '43', '44', '45', '46', '49', '4a',
  '40/agent', '40/,', '40/console,{"wire":1,"token":"x"}', '40/admin,{}', '40/__proto__,{}', '40/agent,{"__proto__":1}',
  '40/agent,[]', '40/agent,null', '41/agent', '41/console,', '42[]', '42/agent,[]', '42/agent,[null]',
  '42/agent,{"a":1}', '42/agent,["disconnect"]', '42/agent,["disconnecting"]', '42/agent,["error",{}]',
  '42/agent,["newListener",{}]', '42/agent,["removeListener",{}]', '42/agent,["connect_error",{}]',
  '42/agent,["__proto__",{}]', '42/agent,["constructor",{}]', '42/agent,["toString",{}]',
  '42/agent,7["hb",[1,2,[]]]', '42/agent,99999999999999999999["hb",[1,2,[]]]', '42/agent,0["check",[1]]',
  '43/agent,0[]', '43/agent,999["x"]', '44/agent,{"message":"x"}', '451-/agent,["hb",{"_placeholder":true,"num":0}]',
  '4599999999-/agent,["hb"]', '45-1-/agent,["hb"]', '461-/agent,1[{"_placeholder":true,"num":9}]',
  '451-/agent,["hb",{"_placeholder":true,"num":"__proto__"}]', '42/console,["m",{"id":1,"method":"hello"}]',
  '42/agent,["hb",[1,2,[]],"more"]', '42/agent,[["hb"],1]', '42/agent,[{"toString":1},1]', '42/agent,[7,1]',
]; // prettier-ignore

/** Engine.IO and Socket.IO packets that no client of ours sends. */
export async function rawPackets(host: FuzzHost, draw: Draw, inputs: number): Promise<number> {
  let sent = 0;
  while (sent < inputs) {
    const state = draw.pick(states);
    const raw = await connectionIn(host, state, `fuzz-${draw.below(8)}`);
    for (let at = 0; at < 3; at += 1) {
      const packet = draw.pick(packets);
      const bytes = Buffer.from(packet);
      if (draw.chance(0.2)) raw.bytes(frameOf(draw.bytes(draw.below(200)), { opcode: 2 }));
      else
        raw.text(
          draw.chance(0.3) && bytes.length > 0
            ? mutateBytes(draw, bytes, Buffer.from(draw.pick(packets)))
            : bytes,
        );
      sent += 1;
    }
    await pause(1);
    await raw.close();
  }
  return sent;
}

/** Frames that break RFC 6455: reserved opcodes and bits, no mask, endless fragments, lengths that lie, plain noise. */
export async function webSocketFrames(host: FuzzHost, draw: Draw, inputs: number): Promise<number> {
  let sent = 0;
  while (sent < inputs) {
    const raw = await connectionIn(host, draw.pick(states), `fuzz-${draw.below(8)}`);
    for (let at = 0; at < 3; at += 1) {
      raw.bytes(badFrame(draw));
      sent += 1;
    }
    await pause(1);
    await raw.close();
  }
  return sent;
}

function badFrame(draw: Draw): Buffer {
  const payload = draw.bytes(draw.below(300));
  switch (draw.below(9)) {
    case 0:
      return frameOf(payload, { opcode: 3 + draw.below(5) });
    case 1:
      return frameOf(payload, { isMasked: false });
    case 2:
      return frameOf(payload, { reserved: 1 + draw.below(7) });
    case 3:
      return frameOf(Buffer.alloc(frameBytesMax + 1, 52));
    case 4:
      return frameOf(payload, { length: draw.pick([2 ** 31, 2 ** 40, 2 ** 53]) });
    case 5:
      return Buffer.concat(
        Array.from({ length: 200 }, () => frameOf(Buffer.from('4'), { opcode: 0, isFinal: false })),
      );
    case 6:
      return frameOf(draw.bytes(126), { opcode: 8 + draw.below(3) });
    case 7:
      return Buffer.concat(Array.from({ length: 200 }, () => frameOf(Buffer.from('p'), { opcode: 9 })));
    default:
      return draw.bytes(1 + draw.below(400));
  }
}

/** Reports of an attempt that an honest node runs, by nodes that do not. */
export async function forgedReports(
  host: FuzzHost,
  draw: Draw,
  inputs: number,
  victim: { readonly token: number; readonly taskId: number },
): Promise<number> {
  let sent = 0;
  const reasons = ['exit', 'signal', 'timeout', 'cancelled', 'refused', 'agent_lost', 'spawn_failed'];
  while (sent < inputs) {
    const raw = await host.joined(`fuzz-${draw.below(8)}`, {
      held: [{ token: victim.token, state: 'running' }],
    });
    for (let at = 0; at < 40; at += 1) {
      const { token, taskId } = draw.chance(0.8)
        ? victim
        : { ...victim, token: victim.token + draw.below(5) - 2 };
      const [event, payload] = draw.pick(messagesOf(token, taskId).slice(1));
      const isResult = event === 'results';
      const end = {
        reason: draw.pick(reasons),
        ...(draw.chance(0.5) && { exitCode: draw.below(3), checkpoint: 'x' }),
      };
      raw.text(textOf(event, isResult ? [{ token, taskId, end }] : payload));
      sent += 1;
    }
    raw.text(textOf('check', [victim.token]));
    const own = (text: string): boolean => text.includes(`"checked",{"asked":[${victim.token}]`);
    const answer = await raw.until(own);
    if (!answer.includes('"mine":[]')) throw new Error(`an attempt was given to a stranger: ${answer}`);
    await raw.close();
  }
  return sent;
}

/** What an honest node sent for an attempt that has ended, again and out of order, over connection after connection. */
export async function replayed(
  host: FuzzHost,
  draw: Draw,
  inputs: number,
  run: { readonly name: string; readonly token: number; readonly taskId: number },
): Promise<number> {
  let sent = 0;
  const honest = messagesOf(run.token, run.taskId).slice(1);
  while (sent < inputs) {
    const held = draw.chance(0.5) ? [{ token: run.token, state: draw.pick(['running', 'finished']) }] : [];
    const raw = await host.joined(run.name, { held });
    for (let at = 0; at < 30; at += 1) {
      const [event, payload] = draw.pick(honest);
      if (event !== 'log') raw.text(textOf(event, payload));
      else raw.text(textOf('log', { ...(payload as object), offset: draw.below(10) }));
      sent += 1;
    }
    await answered(raw);
    await raw.close();
  }
  return sent;
}

/** A task that a raw node of ours runs honestly to its end. */
export async function honestRun(host: FuzzHost, name: string) {
  const raw = await host.joined(name);
  const running = host.runOn(name, 1);
  const run = await raw.until((text) => text.startsWith('42/agent,["run"'));
  const [, [{ token, taskId }]] = JSON.parse(run.slice('42/agent,'.length)) as [
    string,
    [{ token: number; taskId: number }],
  ];
  for (const [event, payload] of messagesOf(token, taskId).slice(2, 5)) raw.text(textOf(event, payload));
  await raw.until((text) => text.startsWith('42/agent,["resultsAck"'));
  await running;
  await raw.close();
  return { name, token, taskId };
}
