// Gangs that compete for a small plant, among plain tasks, with members that fail, across restarts: all members of a gang
// start in one turn or none does, nobody waits for ever, no two gangs hold half each, and who found no room in time is
// given up.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { nodeId, type NodeId, type TaskId, type Token } from '../../scheduler/protocol/brands.ts';
import type { Command, Event } from '../../scheduler/protocol/events.ts';
import { rejoinWindowMs } from '../../scheduler/protocol/limits.ts';
import { nodeSpec, startMs, taskSpec } from '../unit/coreStage.ts';

const nodesMost = 4;
const coresPerNode = 4;
const secondMs = 1_000;
/** Longer than all drawn work one after the other takes. */
const turnsMost = 3_000;
const placeWithinMs = 40 * secondMs;

const anyGang = fc.record({
  size: fc.integer({ min: 2, max: 6 }),
  cores: fc.integer({ min: 1, max: coresPerNode }),
  seconds: fc.integer({ min: 1, max: 8 }),
  comesAt: fc.nat({ max: 20 }),
  priority: fc.nat({ max: 9 }),
  /** The member that fails at its first attempt, where there is such a one. */
  failing: fc.nat({ max: 12 }),
});
const anyPlain = fc.record({
  cores: fc.integer({ min: 1, max: coresPerNode }),
  seconds: fc.integer({ min: 1, max: 8 }),
  comesAt: fc.nat({ max: 20 }),
});
type Drawn = typeof anyGang extends fc.Arbitrary<infer One> ? One : never;

interface Running {
  readonly nodeId: NodeId;
  readonly taskId: TaskId;
  readonly endsAtMs: number;
  readonly end: AttemptEnd;
}

/** A plant whose agents run what they are given, for as long as was drawn. */
class Plant {
  core = new Core();
  nowMs = startMs;
  readonly nodes: readonly NodeId[];
  readonly running = new Map<Token, Running>();
  readonly ended = new Map<TaskId, Event['kind']>();
  readonly groups = new Map<TaskId, readonly TaskId[]>();
  readonly #drawnOf: (taskId: TaskId) => { readonly seconds: number; readonly fails: boolean };
  #epochs = 0;

  constructor(count: number, drawnOf: (taskId: TaskId) => { seconds: number; fails: boolean }) {
    this.nodes = Array.from({ length: count }, (_, at) => nodeId(`N${String(at)}`));
    this.#drawnOf = drawnOf;
    this.start();
  }

  /** Begins an epoch; agents come back with what they run. */
  start(): void {
    this.#epochs += 1;
    this.take({ kind: 'StartEpoch', seed: this.#epochs });
    const resources = { cpu: coresPerNode * 1_000, memory: 4_096 };
    for (const id of this.nodes)
      this.take({ kind: 'JoinNode', nodeId: id, spec: nodeSpec({ resources }), held: this.#heldBy(id) });
  }
  restart(): void {
    this.core = Core.restored(this.core.snapshotParts());
    this.start();
  }

  take(...commands: Command[]): readonly Event[] {
    const { batch } = this.core.turn(this.nowMs, commands);
    expect(brokenInvariants(this.core.state)).toEqual([]);
    const events = batch?.events ?? [];
    for (const event of events) this.#note(event);
    this.#checkWhole(events);
    return events;
  }

  /** A second passes: agents beat, and tell what has ended. */
  step(...commands: Command[]): void {
    this.nowMs += secondMs;
    const over = [...this.running].filter(([, { endsAtMs }]) => endsAtMs <= this.nowMs);
    for (const [token] of over) this.running.delete(token);
    this.take(
      ...this.nodes.map((id): Command => {
        const running = [...this.running].flatMap(([token, one]) => (one.nodeId === id ? [token] : []));
        return { kind: 'Heartbeat', nodeId: id, cpuUsedMillicores: 0, memoryUsedMiB: 0, running };
      }),
      ...over.map(([token, { nodeId: id, taskId, end }]): Command => {
        return { kind: 'ReportResults', nodeId: id, results: [{ token, taskId, end }] };
      }),
      ...commands,
    );
  }

  #note(event: Event): void {
    if (event.kind === 'gang_admitted')
      this.groups.set(
        event.groupId,
        Array.from({ length: event.spec.gang?.size ?? 0 }, (_, at) => (event.groupId + 1 + at) as TaskId),
      );
    if (event.kind === 'attempt_placed') {
      const { seconds, fails } = this.#drawnOf(event.taskId);
      const endsAtMs = this.nowMs + seconds * secondMs;
      const end: AttemptEnd = { reason: 'exit', exitCode: fails ? 1 : 0 };
      this.running.set(event.token, { nodeId: event.nodeId, taskId: event.taskId, endsAtMs, end });
    }
    if (event.kind === 'task_succeeded' || event.kind === 'task_dead_lettered')
      this.ended.set(event.taskId, event.kind);
  }

  /** All or nothing, in each turn: of those that start, and of those that end. */
  #checkWhole(events: readonly Event[]): void {
    for (const members of this.groups.values()) {
      const of = (kinds: readonly Event['kind'][]): number =>
        events.filter(
          (event) => kinds.includes(event.kind) && 'taskId' in event && members.includes(event.taskId),
        ).length;
      expect([0, members.length]).toContain(of(['attempt_placed']));
      expect([0, members.length]).toContain(of(['task_succeeded', 'task_dead_lettered']));
    }
  }

  #heldBy(id: NodeId): { token: Token; state: 'running' }[] {
    return [...this.running].flatMap(([token, one]) =>
      one.nodeId === id ? [{ token, state: 'running' as const }] : [],
    );
  }
}

const seatsOn = (nodes: number, { cores }: Pick<Drawn, 'cores'>): number =>
  nodes * Math.floor(coresPerNode / cores);

test('gangs start as a whole or not at all, all end, and what can never sit is given up in time', () => {
  fc.assert(
    fc.property(
      fc.array(anyGang, { minLength: 1, maxLength: 6 }),
      fc.array(anyPlain, { maxLength: 12 }),
      fc.integer({ min: 1, max: nodesMost }),
      fc.array(fc.nat({ max: 60 }), { maxLength: 3 }),
      (gangs, plains, count, restartsAt) => {
        const secondsOf = new Map<TaskId, number>();
        const failing = new Set<TaskId>();
        const plant = new Plant(count, (taskId) => ({
          seconds: secondsOf.get(taskId) ?? 1,
          fails: failing.delete(taskId), // only its first attempt
        }));
        const gangOf = new Map<TaskId, Drawn>();
        const cameAtMs = new Map<TaskId, number>();
        const come = (second: number): void => {
          for (const gang of gangs.filter(({ comesAt }) => comesAt === second)) {
            const groupId = plant.core.state.nextTaskId as TaskId;
            for (let at = 0; at < gang.size; at += 1)
              secondsOf.set((groupId + 1 + at) as TaskId, gang.seconds);
            if (gang.failing < gang.size) failing.add((groupId + 1 + gang.failing) as TaskId);
            gangOf.set(groupId, gang);
            cameAtMs.set(groupId, plant.nowMs);
            submit({ ...askOf(gang), priority: gang.priority, gang: { size: gang.size, placeWithinMs } });
          }
          for (const plain of plains.filter(({ comesAt }) => comesAt === second)) {
            secondsOf.set(plant.core.state.nextTaskId as TaskId, plain.seconds);
            submit(askOf(plain));
          }
        };
        const submit = (input: object): void => {
          plant.take({ kind: 'SubmitTasks', specs: [taskSpec(input)], actor: 'ann' });
        };
        for (let second = 0; second < turnsMost; second += 1) {
          come(second);
          if (restartsAt.includes(second)) plant.restart();
          plant.step();
          for (const [groupId, gang] of gangOf) checkTime(plant, groupId, { gang, cameAtMs });
          if (second > 20 && plant.core.state.tasks.size === 0) break;
        }
        expect(plant.core.state.tasks.size).toBe(0);
        for (const [groupId, gang] of gangOf) {
          const ends = new Set((plant.groups.get(groupId) ?? []).map((member) => plant.ended.get(member)));
          expect(ends.size).toBe(1);
          if (seatsOn(count, gang) < gang.size) expect([...ends]).toEqual(['task_dead_lettered']);
        }
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

const askOf = ({ cores, seconds }: Pick<Drawn, 'cores' | 'seconds'>) => ({
  ask: { cpu: cores * 1_000, memory: 16 },
  expectedMs: seconds * secondMs,
  retry: { attemptsMax: 3, backoffMs: 500 },
});

/** In line for longer than it may be is nobody; a restart gives agents time to come back first. */
function checkTime(
  { core, nowMs, groups }: Plant,
  groupId: TaskId,
  { cameAtMs }: { gang: Drawn; cameAtMs: ReadonlyMap<TaskId, number> },
): void {
  const [leaderId] = groups.get(groupId) ?? [];
  const leader = leaderId === undefined ? undefined : core.state.tasks.get(leaderId);
  if (leader?.state !== 'ready') return;
  const sinceMs = Math.max(leader.enqueuedAtMs, cameAtMs.get(groupId) ?? 0);
  expect(nowMs - sinceMs).toBeLessThanOrEqual(placeWithinMs + rejoinWindowMs);
}

test('two gangs that each need more than half of the plant run one after the other', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: nodesMost }),
      fc.integer({ min: 2, max: 5 }),
      fc.boolean(),
      (count, gangs, restarts) => {
        const plant = new Plant(count, () => ({ seconds: 3, fails: false }));
        const size = Math.floor((count * coresPerNode) / 2) + 1;
        const gang = { size, placeWithinMs: 3_600_000 };
        for (let at = 0; at < gangs; at += 1)
          plant.take({
            kind: 'SubmitTasks',
            specs: [taskSpec({ ask: { cpu: 1_000, memory: 16 }, gang })],
            actor: 'ann',
          });
        for (let second = 0; second < 10 * gangs; second += 1) {
          expect(plant.running.size).toBeLessThanOrEqual(size);
          if (restarts && second % 4 === 2) plant.restart();
          plant.step();
        }
        expect(plant.core.state.tasks.size).toBe(0);
        expect([...plant.ended.values()].every((kind) => kind === 'task_succeeded')).toBe(true);
      },
    ),
    { numRuns: 20 },
  );
});
