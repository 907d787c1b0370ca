// The peer of the preemption bench: nodes and attempts as objects, every decision looks at all of them. On each node the
// cheapest attempts go until the task fits, and what it fits beside comes back.
import type { SchedulerState } from '../../scheduler/core/state/schedulerState.ts';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';

interface NaiveAttempt {
  readonly taskId: TaskId;
  readonly priority: number;
  readonly cpu: number;
  readonly memory: number;
  startedMs: number;
}
interface NaiveNode {
  readonly labels: Readonly<Record<string, string>>;
  readonly cpuFree: number;
  readonly memoryFree: number;
  readonly attempts: readonly NaiveAttempt[];
}
export interface NaiveChoice {
  readonly count: number;
  readonly priorities: number;
  readonly lostMs: number;
}

export class NaivePreemption {
  readonly #nodes: readonly NaiveNode[];
  readonly #attempts = new Map<TaskId, NaiveAttempt>();

  constructor({ nodes, tasks, classes }: SchedulerState) {
    this.#nodes = [...nodes.occupied()].map((node) => {
      const attempts = [...nodes.attemptsOn(node)].flatMap((token) => {
        const task = tasks.byToken(token);
        if (!task) return [];
        const { ask, priority } = task.spec;
        const startedMs = task.live?.startedAtMs ?? 0;
        return [{ taskId: task.taskId, priority, cpu: ask.cpu, memory: ask.memory, startedMs }];
      });
      for (const attempt of attempts) this.#attempts.set(attempt.taskId, attempt);
      const { place } = nodes.specOf(node);
      return {
        labels: { ...classes.nodeClasses[nodes.nodeClass[node] ?? -1]?.labels, line: place.line },
        cpuFree: nodes.cpuFree[node] ?? 0,
        memoryFree: nodes.memoryFree[node] ?? 0,
        attempts,
      };
    });
  }

  restarted(taskId: TaskId, nowMs: number): void {
    const attempt = this.#attempts.get(taskId);
    if (attempt) attempt.startedMs = nowMs;
  }

  choose(spec: TaskSpec, nowMs: number): NaiveChoice | undefined {
    let best: NaiveChoice | undefined;
    for (const node of this.#nodes) {
      if (!isMeant(node, spec)) continue;
      const choice = cheapestOn(node, spec, nowMs);
      if (choice && (!best || isCheaper(choice, best))) best = choice;
    }
    return best;
  }
}

const isMeant = ({ labels }: NaiveNode, { selector }: TaskSpec): boolean =>
  Object.entries(selector).every(([label, values]) => values.includes(labels[label] ?? ''));

function cheapestOn(node: NaiveNode, { ask, priority }: TaskSpec, nowMs: number): NaiveChoice | undefined {
  const lower = node.attempts
    .filter((attempt) => attempt.priority < priority)
    .sort((a, b) => a.priority - b.priority || b.startedMs - a.startedMs);
  let { cpuFree, memoryFree } = node;
  const gone: NaiveAttempt[] = [];
  for (const attempt of lower) {
    if (cpuFree >= ask.cpu && memoryFree >= ask.memory) break;
    cpuFree += attempt.cpu;
    memoryFree += attempt.memory;
    gone.push(attempt);
  }
  if (cpuFree < ask.cpu || memoryFree < ask.memory) return undefined;
  const needed = gone.reverse().filter((attempt) => {
    if (cpuFree - attempt.cpu < ask.cpu || memoryFree - attempt.memory < ask.memory) return true;
    cpuFree -= attempt.cpu;
    memoryFree -= attempt.memory;
    return false;
  });
  return {
    count: needed.length,
    priorities: needed.reduce((sum, attempt) => sum + attempt.priority, 0),
    lostMs: needed.reduce((sum, { startedMs }) => sum + nowMs - startedMs, 0),
  };
}

function isCheaper(a: NaiveChoice, b: NaiveChoice): boolean {
  if (a.count !== b.count) return a.count < b.count;
  return a.priorities === b.priorities ? a.lostMs < b.lostMs : a.priorities < b.priorities;
}
