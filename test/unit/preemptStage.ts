// A stage on which tasks are stopped for others: a minute after the start, with a queue that may have it done.
import type { Core } from '../../scheduler/core/cycle.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { nodeId, queueName, type TaskId, type Token } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import { liveOf, startedCore } from './coreStage.ts';

export const urgent = { queue: 'urgent', priority: 8, ask: { cpu: 4_000 } };
export const small = { isPreemptible: true, priority: 2, ask: { cpu: 1_000 }, graceMs: 3_000 };
export const stopped: AttemptEnd = { reason: 'cancelled' };

/** A minute after the start, with a queue that may preempt and nodes of 4 cores. */
export function preemptStage(nodes: readonly string[] = ['N1']) {
  const stage = startedCore();
  stage.give({ kind: 'PutQueue', queue: queueName('urgent'), change: { canPreempt: true }, actor: 'ann' });
  for (const node of nodes) stage.join(node);
  const beats = () =>
    nodes.map((node) => stage.beat(node, ...stage.core.state.nodes.attemptsOn(mustIndex(stage.core, node))));
  const wait = (forMs: number): Event[] => stage.wait(forMs, beats);
  wait(61_000);
  const begun = (input: object): TaskId => {
    const id = stage.submitOne(input);
    const live = liveOf(stage.core, id);
    stage.started(live.nodeId, live.token);
    return id;
  };
  const end = (id: TaskId, how: AttemptEnd = stopped) => {
    const live = liveOf(stage.core, id);
    return stage.ended(live.nodeId, id, live.token, how);
  };
  const task = (id: TaskId) => stage.core.state.tasks.get(id);
  const isStopped = (id: TaskId): boolean => isBeingStopped(task(id));
  return { ...stage, wait, waitWith: stage.wait, begun, end, task, isStopped };
}
function mustIndex(core: Core, name: string) {
  const node = core.state.nodes.indexOf(nodeId(name));
  if (node === undefined) throw new Error(`${name} is not there`);
  return node;
}
export const isBeingStopped = (task: Task | undefined): boolean => task?.live?.preemptedBy !== undefined;
export const stops = (events: readonly Event[]): Token[] =>
  events.flatMap((event) => (event.kind === 'attempt_preempt_requested' ? [event.token] : []));
