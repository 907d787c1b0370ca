// People and programs: submit, cancel, put back, cordon. They call again where the host could not take a call, and keep
// what they were told, so that the promises can be held against what became of them.
import type { NodeId, TaskId } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import type { Refusal } from '../../scheduler/protocol/outcome.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import type { Workflow } from '../../scheduler/protocol/workflow.ts';
import type { Checks } from './checks.ts';
import type { FakeHistory } from './fakeHistory.ts';
import type { FakeHost } from './fakeHost.ts';
import type { Answer } from './fakeHub.ts';
import { ModeLoad } from './modeLoad.ts';
import type { Plan } from './plan.ts';
import { licences, windowFrom } from './placementLoad.ts';
import { tenantCommands } from './queueLoad.ts';
import type { World } from './world.ts';

export interface OperatorParts {
  readonly world: World;
  readonly host: FakeHost;
  readonly history: FakeHistory;
  readonly checks: Checks;
  readonly plan: Plan;
}
const actor = 'sim';
const answerWithinMs = 4_000;
const windowsPerRun = 4;
const openEveryMs = 10_000;
const comeBack = ['recovering', 'storage_failed', 'stopping', 'queue_full'];

export class Operator {
  readonly counts = { submits: 0, repeats: 0, cancels: 0, requeues: 0, unanswered: 0, forgotten: 0 };
  readonly #parts: OperatorParts;
  /** Calls that have to get through and have not yet. */
  #open = 0;
  readonly #cordoned = new Set<NodeId>();

  readonly modes: ModeLoad;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
    const say = (command: Command, tries?: number): void => {
      this.#untilTaken(command, tries);
    };
    this.modes = new ModeLoad({ ...parts, say });
  }

  get isIdle(): boolean {
    return this.#open === 0;
  }

  /** Spreads the plan's work over this time. */
  begin(overMs: number): void {
    const { world, plan } = this.#parts;
    for (const { queue, weight, canPreempt, change } of plan.queues)
      this.#untilTaken({ kind: 'PutQueue', queue, change: { weight, canPreempt, ...change }, actor });
    for (const command of tenantCommands(plan, actor)) this.#untilTaken(command);
    for (const licence of licences) this.#untilTaken({ kind: 'PutLicence', ...licence, actor });
    const windows = plan.kind === 'mixed' ? windowsPerRun : 0;
    for (let window = 0; window < windows; window += 1)
      this.#planned(world.between(1_500, overMs), () => {
        this.#putWindow();
      });
    for (const workflow of plan.workflows)
      this.#planned(world.between(1_500, overMs), () => {
        this.#untilTaken(
          { kind: 'SubmitWorkflow', workflow, actor },
          Infinity,
          this.#workflowAnswered(workflow),
        );
      });
    for (let at = 0; at < plan.specs.length;) {
      const specs = plan.specs.slice(at, at + world.pick([1, 1, 5, 40]));
      at += specs.length;
      this.#planned(world.between(1_500, overMs), () => {
        this.#submit(specs);
      });
    }
  }

  /** By the core's time: the wall clock may jump by a day. */
  #putWindow(): void {
    const { world, host, plan } = this.#parts;
    const nowMs = host.core?.state.nodes.nowMs;
    if (nowMs !== undefined && nowMs > 0)
      this.#untilTaken({ kind: 'PutWindow', window: windowFrom(world, nowMs, plan.nodes), actor }, 1);
  }

  cordon(nodeId: NodeId, forMs: number): void {
    this.#cordoned.add(nodeId);
    this.#untilTaken({ kind: 'SetCordon', nodeId, isCordoned: true, actor }, 1);
    this.#parts.world.after(forMs, () => {
      this.#uncordon(nodeId);
    });
  }
  uncordonAll(): void {
    for (const nodeId of this.#cordoned) this.#uncordon(nodeId);
  }
  /** Opens what is set aside, now and from time to time: what waits for such a node must end. */
  openSetAside(): void {
    const { world, host } = this.#parts;
    const nodes = host.core?.state.nodes;
    for (const node of nodes?.setAside.keys() ?? []) if (nodes) this.#uncordon(nodes.idOf(node));
    world.after(openEveryMs, () => {
      this.openSetAside();
    });
  }
  /** Takes a node out of the plant; refused where it is connected, or may still run something. */
  forget(nodeId: NodeId): void {
    this.#parts.host.execute({ kind: 'ForgetNode', nodeId, actor }, (answer) => {
      if (answer.ok) this.counts.forgotten += 1;
    });
  }
  putWeight(weight: number): void {
    const { queue } = this.#parts.world.pick(this.#parts.plan.queues);
    this.#untilTaken({ kind: 'PutQueue', queue, change: { weight }, actor });
  }

  /** Puts back one task that has ended without success. */
  requeueOne(): void {
    const { world, history } = this.#parts;
    const failed = history
      .all()
      .filter(({ taskId, state }) => state !== 'succeeded' && history.knowsAsEnded(taskId));
    if (failed.length === 0) return;
    const record = history.endsOf(world.pick(failed).taskId).at(-1);
    if (!record) return;
    this.counts.requeues += 1;
    this.#parts.host.execute({ kind: 'RequeueTask', record, actor }, () => undefined);
  }

  #submit(specs: readonly TaskSpec[]): void {
    const { world } = this.#parts;
    const keyed = specs.filter(({ key }) => key !== undefined);
    const plain = specs.filter(({ key }) => key === undefined);
    if (plain.length > 0) this.#call({ kind: 'SubmitTasks', specs: plain, actor }, this.#answered(plain));
    if (keyed.length === 0) return;
    this.#untilTaken({ kind: 'SubmitTasks', specs: keyed, actor }, Infinity, this.#answered(keyed));
    if (!world.chance(0.5)) return;
    this.counts.repeats += 1;
    this.#planned(world.between(1, 20_000), () => {
      this.#untilTaken({ kind: 'SubmitTasks', specs: keyed, actor }, Infinity, this.#answered(keyed));
    });
  }

  readonly #answered = (specs: readonly TaskSpec[]) => (answer: Answer) => {
    if (!answer.ok) return;
    for (const [at, given] of (answer.value.answers ?? []).entries()) {
      if (!given.ok) {
        this.#refusedOne(specs[at], given.refusal);
        continue;
      }
      this.counts.submits += 1;
      this.#parts.checks.submitAnswered(given.taskId, specs[at]?.key);
      if (this.#parts.world.chance(0.06)) this.#cancelLater(given.taskId);
    }
  };

  #refusedOne(spec: TaskSpec | undefined, { code, message }: Refusal): void {
    const { world, host, checks } = this.#parts;
    // The queue was put in batches that the journal lost.
    if (['unknown_queue', 'unknown_licence'].includes(code) && host.counts.repairs > 0) return;
    if (spec && spec.queue === this.modes.drained) return;
    if (spec && code === 'wrong_state')
      this.#planned(world.between(1_000, 8_000), () => {
        this.#submit([spec]);
      });
    else checks.report('refused-submit', message);
  }

  readonly #workflowAnswered =
    ({ tasks }: Workflow) =>
    (answer: Answer) => {
      const [given] = answer.ok ? (answer.value.answers ?? []) : [];
      if (given?.ok !== true) return;
      for (const at of tasks.keys())
        this.#parts.checks.submitAnswered((given.taskId + 1 + at) as TaskId, undefined);
      if (this.#parts.world.chance(0.1)) this.#cancelLater(given.taskId);
    };

  #cancelLater(taskId: TaskId): void {
    this.#planned(this.#parts.world.between(0, 15_000), () => {
      this.counts.cancels += 1;
      this.#call({ kind: 'CancelTask', taskId, actor, reason: '' }, () => undefined);
    });
  }

  #uncordon(nodeId: NodeId): void {
    this.#untilTaken({ kind: 'SetCordon', nodeId, isCordoned: false, actor });
  }

  #planned(delayMs: number, run: () => void): void {
    this.#open += 1;
    this.#parts.world.after(delayMs, () => {
      this.#open -= 1;
      run();
    });
  }

  /** Once: who calls without a key cannot know what became of a call without an answer. */
  #call(command: Command, onAnswer: (answer: Answer) => void): void {
    this.#untilTaken(command, 1, onAnswer);
  }

  /** Calls again after a refusal that time lifts, or where no answer came, up to `tries` times. */
  #untilTaken(
    command: Command,
    tries = Infinity,
    onAnswer: (answer: Answer) => void = () => undefined,
  ): void {
    const { world, host } = this.#parts;
    this.#open += 1;
    let isOver = false;
    const over = (again: boolean): void => {
      if (isOver) return;
      isOver = true;
      this.#open -= 1;
      if (again && tries > 1)
        this.#planned(Math.max(0, world.awayUntilMs - world.nowMs) + world.between(300, 1_500), () => {
          this.#untilTaken(command, tries - 1, onAnswer);
        });
    };
    host.execute(command, (answer) => {
      onAnswer(answer);
      over(!answer.ok && comeBack.includes(answer.reason.code));
    });
    world.after(answerWithinMs, () => {
      if (!isOver) this.counts.unanswered += 1;
      over(true);
    });
  }
}
