// What a waiting task may have stopped: attempts of lower priority, and those of equal priority that hold what is
// guaranteed to its queue or tenant. Never so much of the latter that their own queue or tenant gets less than is
// guaranteed to it.
import { preemptionsPerTaskMax } from '../../protocol/limits.ts';
import type { QueueSettings, TenantSettings } from '../../protocol/queue.ts';
import type { Amounts } from '../../protocol/view.ts';
import { isBorrowing, isSpare } from '../queue/limits.ts';
import { amountsOf, type Share } from '../queue/share.ts';
import { plainTenant } from '../queue/tenants.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import { isPreemptible, preemptionsOf, wasStoppedFor } from './preemptible.ts';

/** A queue or a tenant. */
interface Holder {
  readonly share: Share;
  readonly settings: QueueSettings | TenantSettings;
}
const nothing: Amounts = { cpu: 0, memory: 0, gpu: 0 };
const sum = (a: Amounts, b: Amounts): Amounts => ({
  cpu: a.cpu + b.cpu,
  memory: a.memory + b.memory,
  gpu: a.gpu + b.gpu,
});
const difference = (a: Amounts, b: Amounts): Amounts => ({
  cpu: a.cpu - b.cpu,
  memory: a.memory - b.memory,
  gpu: a.gpu - b.gpu,
});

/** Lasts for one decision: what others hold must not change meanwhile. */
export class Claim {
  readonly #state: SchedulerState;
  readonly #task: Task;
  /** The task would be within what is guaranteed there. */
  readonly #isOwnOfQueue: boolean;
  readonly #isOwnOfTenant: boolean;

  constructor(state: SchedulerState, task: Task) {
    this.#state = state;
    this.#task = task;
    const { queue, tenant } = task.spec;
    const isOfQueue = ({ spec }: Task): boolean => spec.queue === queue;
    const isOfTenant = ({ spec }: Task): boolean => spec.tenant === tenant;
    this.#isOwnOfQueue = isOwn(state, task, { holder: queueOf(state, task), isMember: isOfQueue });
    this.#isOwnOfTenant = isOwn(state, task, { holder: tenantOf(state, task), isMember: isOfTenant });
  }

  get isReclaim(): boolean {
    return this.#isOwnOfQueue || this.#isOwnOfTenant;
  }
  /** Attempts up to this priority come into question. */
  get priorityMost(): number {
    return this.isReclaim ? this.#task.spec.priority : this.#task.spec.priority - 1;
  }

  /** May its attempt be stopped now, if no other is? Priorities are those that tasks state, never aged ones. */
  mayStop(victim: Task): boolean {
    if (!isPreemptible(victim) || victim.spec.priority > this.priorityMost) return false;
    if (victim.copy || (victim.state !== 'running' && victim.state !== 'dispatched')) return false;
    if (victim.live?.preemptedBy !== undefined || preemptionsOf(victim) >= preemptionsPerTaskMax)
      return false;
    return !this.takesBack(victim) || (this.#mayTakeBack(victim) && this.isSound([victim]));
  }
  /** Not for its priority, but for what it holds. */
  takesBack({ spec }: Task): boolean {
    return spec.priority === this.#task.spec.priority;
  }

  /** Do all whose attempts are taken back still have what is guaranteed to them? Holds for each part of a sound set. */
  isSound(victims: readonly Task[]): boolean {
    if (!this.isReclaim) return true;
    return victims.every((victim) => !this.takesBack(victim) || this.#isSpare(victim, victims));
  }

  /** Whoever was stopped for a task has nothing of that task stopped in turn. */
  #mayTakeBack({ taskId, spec }: Task): boolean {
    const { queue, tenant } = this.#task.spec;
    const isOfOther =
      (this.#isOwnOfQueue && spec.queue !== queue) || (this.#isOwnOfTenant && spec.tenant !== tenant);
    return isOfOther && !wasStoppedFor(this.#task, taskId);
  }

  /** What a queue or tenant loses to its own task, it keeps. */
  #isSpare(victim: Task, victims: readonly Task[]): boolean {
    const { queue, tenant } = this.#task.spec;
    if (victim.spec.queue !== queue) {
      const gone = victims.filter(({ spec }) => spec.queue === victim.spec.queue);
      if (!isSpareOf(victim, queueOf(this.#state, victim), gone)) return false;
    }
    if (victim.spec.tenant === tenant) return true;
    const gone = victims.filter(({ spec }) => spec.tenant === victim.spec.tenant);
    return isSpareOf(victim, tenantOf(this.#state, victim), gone);
  }
}

function queueOf({ ready }: SchedulerState, { spec }: Task): Holder {
  return ready.mustGet(spec.queue);
}
function tenantOf({ tenants }: SchedulerState, { spec }: Task): Holder {
  const { share, settings } = tenants.of(spec.tenant);
  return { share, settings: settings ?? plainTenant };
}

/** Also beside those that room is being made for: they are about to start. O(tasks that room is kept for). */
function isOwn(
  { preemption, tasks }: SchedulerState,
  { askClass }: Task,
  { holder, isMember }: { readonly holder: Holder; readonly isMember: (task: Task) => boolean },
): boolean {
  const { share, settings } = holder;
  if (!settings.guaranteed || isBorrowing(share, settings, askClass)) return false;
  let has = share.allocated;
  for (const taskId of preemption.nominations.keys()) {
    const other = tasks.get(taskId);
    if (other?.state === 'ready' && isMember(other)) has = sum(has, amountsOf(other.spec.ask));
  }
  return !isBorrowing(has, settings, askClass);
}

function isSpareOf({ spec }: Task, { share, settings }: Holder, gone: readonly Task[]): boolean {
  if (!settings.guaranteed) return true;
  const has = difference(share.allocated, share.stopping);
  const taken = gone.reduce((amounts, other) => sum(amounts, amountsOf(other.spec.ask)), nothing);
  return isSpare(spec.ask, settings, { has, rest: difference(has, taken) });
}
