// A core to write tests against: specs with defaults filled in by the contract, a clock to move, and turns to take.
import * as v from 'valibot';
import { Core, type TurnResult } from '../../scheduler/core/cycle.ts';
import type { Policy } from '../../scheduler/core/place/policy.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { type NodeId, nodeId, type TaskId, type Token } from '../../scheduler/protocol/brands.ts';
import type { SubmitAnswer } from '../../scheduler/protocol/consoleAnswers.ts';
import type { Command, Event } from '../../scheduler/protocol/events.ts';
import { rejoinWindowMs } from '../../scheduler/protocol/limits.ts';
import { type NodeSpec, nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import type { Outcome, Refusal } from '../../scheduler/protocol/outcome.ts';
import { type TaskRecord, type TaskSpec, taskSpecSchema } from '../../scheduler/protocol/task.ts';
import { type AttemptEnd } from '../../scheduler/protocol/attempt.ts';

export const startMs = 1_750_000_000_000;

/** A task of 100 millicores and 64 MiB that runs for a second, unless said otherwise. */
export const taskSpec = (input: object = {}): TaskSpec =>
  v.parse(taskSpecSchema, { work: { kind: 'simulated', runMs: 1_000 }, ...input });
/** A node of 4 cores and 4 GiB that offers simulated work, unless said otherwise. */
export function nodeSpec({
  resources = {},
  ...input
}: { readonly resources?: object; readonly [field: string]: unknown } = {}): NodeSpec {
  const offered = { kinds: ['simulated'], agentVersion: 'test', ...input };
  return v.parse(nodeSpecSchema, { ...offered, resources: { cpu: 4_000, memory: 4_096, ...resources } });
}

export interface Turned extends TurnResult {
  readonly events: readonly Event[];
  readonly dispatches: readonly Dispatch[];
  readonly ended: readonly TaskRecord[];
  readonly stops: readonly Token[];
}

/** A core whose epoch has begun. Every turn is checked against the invariants. */
export function startedCore(policy?: Policy, from?: Core) {
  const core = from ?? new Core({ policy });
  let nowMs = startMs;
  const take = (commands: readonly Command[]): Turned => {
    const result = core.turn(nowMs, commands);
    const broken = brokenInvariants(core.state);
    if (broken.length > 0) throw new Error(broken.join('\n'));
    return {
      ...result,
      events: result.batch?.events ?? [],
      dispatches: result.effects.flatMap((effect) => (effect.kind === 'dispatch' ? [effect.dispatch] : [])),
      ended: result.effects.flatMap((effect) => (effect.kind === 'task_ended' ? [effect.record] : [])),
      stops: result.effects.flatMap((effect) => (effect.kind === 'stop' ? [effect.token] : [])),
    };
  };
  const give = (...commands: Command[]): Turned => take(commands);
  /** Lets time pass in steps of half a second, as the engine's tick does, and gives all that happened. */
  const wait = (forMs: number, eachTick: () => readonly Command[] = () => []): Event[] => {
    const events: Event[] = [];
    for (const untilMs = nowMs + forMs; nowMs < untilMs;) {
      nowMs = Math.min(untilMs, nowMs + 500);
      events.push(...take(eachTick()).events);
    }
    return events;
  };
  /** The clock moves and nothing runs. */
  const jump = (byMs: number): void => {
    nowMs += byMs;
  };
  give({ kind: 'StartEpoch', seed: 7 });
  return { core, give, wait, jump, now: () => nowMs, ...shortcuts(give) };
}

/** What most tests say, in short. */
function shortcuts(give: (...commands: Command[]) => Turned) {
  const submit = (...inputs: object[]): readonly SubmitAnswer[] => {
    const specs = inputs.map(taskSpec);
    const [outcome] = give({ kind: 'SubmitTasks', specs, actor: 'ann' }).answers;
    return outcome?.ok === true ? (outcome.value.answers ?? []) : [];
  };
  return {
    submit,
    submitOne: (input: object = {}): TaskId => mustTaskId(submit(input)[0]),
    join: (
      name: string,
      input: Parameters<typeof nodeSpec>[0] = {},
      held: { token: Token; state: 'running' | 'finished' }[] = [],
    ): Turned => give({ kind: 'JoinNode', nodeId: nodeId(name), spec: nodeSpec(input), held }),
    started: (node: string, token: Token): Turned =>
      give({ kind: 'ReportStarted', nodeId: nodeId(node), tokens: [token] }),
    ended: (node: string, taskId: TaskId, token: Token, end: AttemptEnd = success): Turned =>
      give({ kind: 'ReportResults', nodeId: nodeId(node), results: [{ token, taskId, end }] }),
    beat: (node: string, ...running: Token[]): Command => ({
      kind: 'Heartbeat',
      nodeId: nodeId(node),
      cpuUsedMillicores: 0,
      memoryUsedMiB: 0,
      running,
    }),
  };
}

export const success: AttemptEnd = { reason: 'exit', exitCode: 0 };
export const failure: AttemptEnd = { reason: 'exit', exitCode: 1 };

export function mustTaskId(answer: SubmitAnswer | undefined): TaskId {
  if (answer?.ok !== true) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer.taskId;
}
/** The live attempt of a task. */
export function liveOf(
  core: Core,
  taskId: TaskId,
): { readonly token: Token; readonly nodeId: NodeId; readonly gpuMask: number } {
  const live = core.state.tasks.get(taskId)?.live;
  if (!live) throw new Error(`task ${String(taskId)} has no live attempt`);
  return live;
}
export function reasonOf<Value>(outcome: Outcome<Value, Refusal> | undefined): Refusal | undefined {
  return outcome?.ok === false ? outcome.reason : undefined;
}

export const kindsOf = (events: readonly Event[]) => events.map(({ kind }) => kind);

/** A core whose rejoin window is over, a node that beats, and a task that runs there. */
export function running(input: object = {}) {
  const stage = startedCore();
  stage.wait(rejoinWindowMs + 1_000);
  stage.join('N1');
  const id = stage.submitOne(input);
  const { token } = liveOf(stage.core, id);
  stage.started('N1', token);
  return { ...stage, id, token };
}
