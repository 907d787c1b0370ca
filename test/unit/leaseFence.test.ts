// The core and the agents' leases together, on lines that are cut at random and clocks that run apart: of a task with an
// offline limit there are never two instances at a time. Agents that do not look at their leases are found by it.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { OfflineLeases } from '../../agent/offlineLeases.ts';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { type NodeId, nodeId, type TaskId, type Token } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { nodeSpec, startedCore, type Turned } from './coreStage.ts';

const limitMs = 40_000;
const stepMs = 1_000;
const beatEveryMs = 10_000;
const steps = 900;
const driftMost = 0.0007;
const seeds = 20;

/** mulberry32. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Running {
  readonly taskId: TaskId;
  endsAtMs: number;
}
/** One node: its line, its clock, what really runs on it. */
class Machine {
  readonly id: NodeId;
  readonly running = new Map<Token, Running>();
  readonly done = new Map<Token, TaskId>();
  readonly leases: OfflineLeases;
  readonly #renewed = new Map<Token, number>();
  readonly #driftShare: number;
  readonly #world: World;
  isCut = false;
  begun = 0;

  constructor(name: string, world: World) {
    this.id = nodeId(name);
    this.#world = world;
    this.#driftShare = 1 + driftMost * (2 * world.random() - 1);
    this.leases = new OfflineLeases({
      confirm: (token) => Promise.resolve(this.#confirm(token)),
      renewedAtMs: (token) => this.#renewed.get(token),
      now: () => this.now,
      isJoined: () => !this.isCut,
      run: (dispatch) => {
        this.#run(dispatch);
      },
      stop: () => undefined,
      refuse: () => undefined,
      leaseOver: (token, _message, graceMs) => {
        const one = this.running.get(token);
        if (one) one.endsAtMs = Math.min(one.endsAtMs, world.nowMs + graceMs); // as late as may be
      },
    });
  }

  get now(): number {
    return this.#world.nowMs * this.#driftShare;
  }
  /** A heartbeat and its check; the answer may be lost. */
  beat(): void {
    if (this.isCut) return;
    this.#check([...this.leases.tokens], this.#world.random() < 0.8);
  }
  rejoin(): void {
    this.isCut = false;
    const sentMs = this.now;
    const held = [
      ...[...this.running.keys()].map((token) => ({ token, state: 'running' as const })),
      ...[...this.done.keys()].map((token) => ({ token, state: 'finished' as const })),
    ];
    const turned = this.#world.give({ kind: 'JoinNode', nodeId: this.id, spec: nodeSpec(), held });
    const [outcome] = turned.answers;
    const revoked = new Set(outcome?.ok === true ? outcome.value.joined?.revoked : []);
    this.leases.rejoined();
    this.#renewed.clear();
    for (const token of this.running.keys()) {
      if (!revoked.has(token)) this.#renewed.set(token, sentMs);
      else this.#end(token);
    }
    for (const token of revoked) this.done.delete(token);
    this.#world.deliver(turned);
  }
  /** What has ended ends; what can be told is told. */
  step(): void {
    for (const [token, { taskId, endsAtMs }] of this.running) {
      if (this.#world.nowMs < endsAtMs) continue;
      this.#end(token);
      this.done.set(token, taskId);
    }
    if (this.isCut || this.done.size === 0) return;
    const end = { reason: 'exit', exitCode: 0 } as const;
    const results = [...this.done].map(([token, taskId]) => ({ token, taskId, end }));
    this.done.clear();
    this.#world.deliver(this.#world.give({ kind: 'ReportResults', nodeId: this.id, results }));
  }

  #confirm(token: Token) {
    if (this.isCut) return 'unknown';
    this.#check([token], true);
    return this.#renewed.has(token) ? 'mine' : 'not_mine';
  }
  #check(tokens: readonly Token[], isAnswered: boolean): void {
    const sentMs = this.now;
    const running = [...new Set([...this.running.keys(), ...this.leases.waiting, ...tokens])];
    const beat = {
      kind: 'Heartbeat',
      nodeId: this.id,
      cpuUsedMillicores: 0,
      memoryUsedMiB: 0,
      running,
    } as const;
    this.#world.deliver(this.#world.give(beat));
    if (!isAnswered) return;
    for (const token of tokens) {
      if (this.#world.isOf(token, this.id)) this.#renewed.set(token, sentMs);
      else this.#renewed.delete(token);
    }
  }
  #run(dispatch: Dispatch): void {
    if (this.running.has(dispatch.token) || this.done.has(dispatch.token)) return;
    this.begun += 1;
    const runMs = 5_000 + 250_000 * this.#world.random();
    this.running.set(dispatch.token, { taskId: dispatch.taskId, endsAtMs: this.#world.nowMs + runMs });
  }
  #end(token: Token): void {
    this.running.delete(token);
    this.leases.ended(token);
  }
}

class World {
  readonly random: () => number;
  readonly #stage = startedCore();
  readonly machines: Machine[];
  overlaps = 0;

  constructor(seed: number) {
    this.random = chance(seed);
    this.machines = ['N1', 'N2', 'N3'].map((name) => new Machine(name, this));
  }
  get nowMs(): number {
    return this.#stage.now();
  }
  give(command: Command): Turned {
    return this.#stage.give(command);
  }
  deliver({ effects }: Turned): void {
    for (const effect of effects) {
      if (effect.kind !== 'dispatch') continue;
      const machine = this.machines.find(({ id }) => id === effect.nodeId);
      if (machine && !machine.isCut) void machine.leases.begin(effect.dispatch, limitMs);
    }
  }
  isOf(token: Token, node: NodeId): boolean {
    return this.#stage.core.view().attemptByToken(token)?.record.nodeId === node;
  }
  /** True where the agents look at their leases. */
  async run(doesLook: boolean): Promise<void> {
    for (const machine of this.machines) machine.rejoin();
    for (let step = 0; step < steps; step += 1) {
      this.#stage.jump(stepMs);
      if (step % 60 === 0) this.#submit();
      this.deliver(this.#stage.give());
      for (const machine of this.machines) {
        this.#maybeCut(machine);
        if ((step * stepMs) % beatEveryMs === 0) machine.beat();
        if (doesLook) machine.leases.look();
        machine.step();
      }
      await Promise.resolve();
      await Promise.resolve();
      this.#count();
    }
    for (const machine of this.machines) machine.leases.close();
  }

  #maybeCut(machine: Machine): void {
    if (this.random() >= (machine.isCut ? 0.01 : 0.008)) return;
    if (machine.isCut) machine.rejoin();
    else machine.isCut = true;
  }
  #submit(): void {
    const work = { kind: 'simulated', runMs: 1 };
    const isAhead = this.random() < 0.3;
    const ahead = isAhead ? { notBeforeMs: this.nowMs + 30_000, placeAheadMs: 30_000 } : {};
    this.#stage.submit({ work, timeoutMs: 10_000_000, offlineLimitMs: limitMs, ...ahead });
  }
  #count(): void {
    const tasks = this.machines.flatMap(({ running }) => [...running.values()].map(({ taskId }) => taskId));
    this.overlaps += tasks.length - new Set(tasks).size;
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test.each(Array.from({ length: seeds }, (_, at) => at + 1))('seed %i: never two at a time', async (seed) => {
  const world = new World(seed);
  await world.run(true);
  expect(world.overlaps).toBe(0);
  expect(world.machines.reduce((sum, { begun }) => sum + begun, 0)).toBeGreaterThan(10);
});

test('agents that do not look at their leases are found', async () => {
  let overlaps = 0;
  for (let seed = 1; seed <= 5; seed += 1) {
    const world = new World(seed);
    await world.run(false);
    overlaps += world.overlaps;
  }
  expect(overlaps).toBeGreaterThan(0);
});
