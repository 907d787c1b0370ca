// What TLS costs: processor time of each join and memory of each agent, at the hub and at the agents, with full and with
// resumed handshakes, beside plain text. The same hub and agents, one after the other in one run.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlantTls } from '../../scheduler/host/tls/plantTls.ts';
import { type Bench, rounded, wholeOption } from '../bench.ts';
import type { AgentsStart, FromAgents, ToAgents } from './agents.ts';
import type { FromHub, ToHub } from './hub.ts';
import type { Used } from './used.ts';

const file = (name: string): string => join(import.meta.dirname, name);
/** Nobody is told to come later: that would be two handshakes for one join. */
const hubJoinsPerS = 100_000;
const askEveryMs = 200;
const joinedWithinMs = 60_000;

/** Per agent: milliseconds of processor time of one join, KiB held once joined. */
interface Side {
  readonly firstMs: number;
  readonly againMs: number;
  /** Again, with a full handshake; absent over plain text. */
  readonly againFullMs?: number;
  readonly rssKiB: number;
}
interface Sides {
  readonly hub: Side;
  readonly agents: Side;
}

export const tls: Bench = async (options) => {
  const count = wholeOption(options, 'nodes', 2_000);
  const joinsPerS = wholeOption(options, 'joins', 500);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-tls-'));
  try {
    const opened = await PlantTls.open({
      folder,
      names: () => ['localhost', '127.0.0.1'],
      clock: () => Date.now(),
      log: () => undefined,
    });
    if (!opened.ok) throw new Error(opened.reason.message);
    const plain = await measure(undefined, count, joinsPerS);
    const secure = await measure(opened.value, count, joinsPerS);
    return {
      params: { nodes: count, joinsPerS },
      figures: { ...named('hub', secure.hub), ...named('agent', secure.agents), ...ratios(secure, plain) },
      peers: { ...named('hub', plain.hub), ...named('agent', plain.agents) },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

function named(who: string, { firstMs, againMs, againFullMs, rssKiB }: Side): Record<string, number> {
  return {
    [`${who}FirstJoinCpuMs`]: rounded(firstMs),
    [`${who}ComeBackCpuMs`]: rounded(againMs),
    ...(againFullMs !== undefined && { [`${who}ComeBackFullCpuMs`]: rounded(againFullMs) }),
    [`${who}RssKiB`]: rounded(rssKiB),
  };
}

const ratios = (secure: Sides, plain: Sides): Record<string, number> =>
  Object.fromEntries(
    (['hub', 'agents'] as const).flatMap((who) => [
      [`${who}FirstJoinRatio`, rounded(secure[who].firstMs / plain[who].firstMs)],
      [`${who}ResumedRatio`, rounded(secure[who].againMs / plain[who].againMs)],
      [`${who}FullRatio`, rounded((secure[who].againFullMs ?? Number.NaN) / plain[who].againMs)],
      [`${who}RssRatio`, rounded(secure[who].rssKiB / plain[who].rssKiB)],
    ]),
  );

async function measure(plant: PlantTls | undefined, count: number, joinsPerS: number): Promise<Sides> {
  const pair = await startPair(plant, count, joinsPerS);
  const round = async (act: () => void, joins: number): Promise<Readonly<Record<keyof Pair, PerAgent>>> => {
    const before = await usedBy(pair);
    act();
    await joined(pair.hub, joins);
    const after = await usedBy(pair);
    return {
      hub: between(before.hub, after.hub, count),
      agents: between(before.agents, after.agents, count),
    };
  };
  try {
    const first = await round(() => pair.agents.send({ kind: 'start' } satisfies ToAgents), count);
    const close = (): void => void pair.hub.send({ kind: 'close' } satisfies ToHub);
    const again = await round(close, 2 * count);
    const { resumed } = await countedAt(pair.hub);
    if (plant && resumed < count) throw new Error(`only ${String(resumed)} of ${String(count)} resumed`);
    if (plant) pair.hub.send({ kind: 'voidTickets' } satisfies ToHub);
    const full = plant && (await round(close, 3 * count));
    if (full && (await countedAt(pair.hub)).resumed > resumed) throw new Error('a void ticket was taken');
    return {
      hub: sideOf(first.hub, again.hub, full?.hub),
      agents: sideOf(first.agents, again.agents, full?.agents),
    };
  } finally {
    pair.hub.disconnect();
    pair.agents.disconnect();
  }
}

interface Pair {
  readonly hub: ChildProcess;
  readonly agents: ChildProcess;
}
interface Spent {
  readonly hub: Used;
  readonly agents: Used;
}
interface PerAgent {
  readonly cpuMs: number;
  readonly rssKiB: number;
}

const sideOf = (first: PerAgent, again: PerAgent, full: PerAgent | undefined): Side => ({
  firstMs: first.cpuMs,
  againMs: again.cpuMs,
  ...(full && { againFullMs: full.cpuMs }),
  rssKiB: first.rssKiB,
});

const between = (before: Used, after: Used, count: number): PerAgent => ({
  cpuMs: (after.untilMs - before.fromMs) / count,
  rssKiB: (after.rssKiB - before.rssKiB) / count,
});

async function startPair(plant: PlantTls | undefined, count: number, joinsPerS: number): Promise<Pair> {
  const execArgv = ['--expose-gc'];
  const setup = { joinsPerS: hubJoinsPerS, ...(plant && { tls: plant.material }) };
  const hub = fork(file('hub.ts'), [JSON.stringify(setup)], { execArgv });
  const listening = await next<FromHub>(hub);
  if (listening.kind !== 'listening') throw new Error('the hub did not begin with its address');
  const start: AgentsStart = { hub: listening.url, count, joinsPerS, ...(plant && { pin: plant.pin }) };
  const agents = fork(file('agents.ts'), [JSON.stringify(start)], { execArgv });
  await next<FromAgents>(agents);
  return { hub, agents };
}

async function usedBy({ hub, agents }: Pair): Promise<Spent> {
  const here = next<Extract<FromHub, { kind: 'used' }>>(hub);
  hub.send({ kind: 'use' } satisfies ToHub);
  const there = next<FromAgents>(agents);
  agents.send({ kind: 'use' } satisfies ToAgents);
  return { hub: (await here).used, agents: (await there).used };
}

async function joined(hub: ChildProcess, joins: number): Promise<void> {
  const untilMs = performance.now() + joinedWithinMs;
  while ((await countedAt(hub)).joins < joins) {
    if (performance.now() > untilMs) throw new Error(`not ${String(joins)} joins within a minute`);
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
}

function countedAt(hub: ChildProcess): Promise<Extract<FromHub, { kind: 'counted' }>> {
  const answer = next<Extract<FromHub, { kind: 'counted' }>>(hub);
  hub.send({ kind: 'count' } satisfies ToHub);
  return answer;
}

const next = <Message>(child: ChildProcess): Promise<Message> =>
  new Promise((resolve) => {
    child.once('message', resolve);
  });
