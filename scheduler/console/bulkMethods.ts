// Methods that act on all tasks that match a filter: how many there are, and the job that does it.
import type { TaskId } from '../protocol/brands.ts';
import type { BulkPreview } from '../protocol/bulk.ts';
import type { Params } from '../protocol/consoleWire.ts';
import { bulkSetsKept } from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { StorageJob } from '../protocol/storage.ts';
import { isEnded, type TaskState } from '../protocol/task.ts';
import type { LiveSet, TaskFilter } from '../protocol/view.ts';
import { cancelAll, requeueAll } from './bulkRun.ts';
import { BulkTrail } from './bulkTrail.ts';
import type { MethodTable } from './methodTable.ts';
import type { BulkWork, ConsolePorts } from './ports.ts';
import { splitFilter } from './splitFilter.ts';

type BulkMethod = 'previewBulk' | 'startBulk';
type Filter = Params<'previewBulk'>['filter'];
type Start = Params<'startBulk'>;

export function bulkMethods(ports: ConsolePorts): Pick<MethodTable, BulkMethod> {
  const sets = new KeptSets();
  return {
    previewBulk: ({ act, filter }) =>
      act === 'requeue' ? previewRequeue(filter, ports) : previewCancel(filter, ports),
    startBulk: (params, { session: { user: actor, source } }) => {
      const trail = new BulkTrail(params.act, { actor, source }, ports.audit);
      const starting = { actor, ports, sets, trail };
      const started =
        params.act === 'requeue' ? startRequeue(params, starting) : startCancel(params, starting);
      // It does not run before the caller's turn is over.
      if (started.ok) trail.jobId = started.value.jobId;
      return started;
    },
  };
}

interface Starting {
  readonly actor: string;
  readonly ports: ConsolePorts;
  readonly sets: KeptSets;
  readonly trail: BulkTrail;
}
type StartedJob = Outcome<StorageJob, Refusal>;

/** What earlier requeues put back, so that it can be cancelled as one. The oldest set goes first. */
class KeptSets {
  readonly #sets = new Map<number, readonly TaskId[]>();

  keep(jobId: number, taskIds: readonly TaskId[]): void {
    this.#sets.set(jobId, taskIds);
    if (this.#sets.size > bulkSetsKept) this.#sets.delete(this.#sets.keys().next().value ?? jobId);
  }
  of(jobId: number): readonly TaskId[] | undefined {
    return this.#sets.get(jobId);
  }
}

function startRequeue({ filter, ofJob }: Start, { actor, ports, sets, trail }: Starting): StartedJob {
  if (ofJob !== undefined) return refused(onlyCancelOfJob);
  if (filter === undefined) return refused(noFilter);
  const states = requeueStates(filter);
  if (states.length === 0) return refused(noStates);
  const { ended = {} } = splitFilter({ ...filter, states: [...states] });
  const run: BulkWork['run'] = (report, signal) =>
    requeueAll(ended, ports, {
      actor,
      report,
      signal,
      hit: trail.hit,
      keep: (taskIds) => {
        sets.keep(trail.jobId, taskIds);
      },
    }).finally(() => {
      trail.end();
    });
  return ports.storage.startBulk({ kind: 'requeue', actor, run });
}

function startCancel({ filter, ofJob, reason }: Start, { actor, ports, sets, trail }: Starting): StartedJob {
  if ((filter === undefined) === (ofJob === undefined)) return refused(noFilter);
  const set = filter === undefined ? keptSet(ofJob ?? 0, sets) : liveSetOf(filter, ports);
  if (!set.ok) return set;
  const run: BulkWork['run'] = (report, signal) =>
    cancelAll(set.value, ports, { actor, reason, report, signal, hit: trail.hit }).finally(() => {
      trail.end();
    });
  return ports.storage.startBulk({ kind: 'cancel', actor, run });
}

function keptSet(jobId: number, sets: KeptSets): Outcome<LiveSet, Refusal> {
  const taskIds = sets.of(jobId);
  if (taskIds) return accepted({ taskIds, groups: [], unbegun: 0 });
  const said = `job ${jobId} put nothing back that is still known; cancel by a filter`;
  return refused(refusal('wrong_state', said, { field: 'ofJob' }));
}

function liveSetOf(filter: Filter, { view }: ConsolePorts): Outcome<LiveSet, Refusal> {
  const live = liveFilter(filter);
  return live ? accepted(view.liveSet(live)) : refused(onlyEnded);
}
const liveFilter = (filter: Filter): TaskFilter | undefined => splitFilter(filter).live;

async function previewRequeue(
  filter: Filter,
  { history }: ConsolePorts,
): Promise<Outcome<BulkPreview, Refusal>> {
  const states = requeueStates(filter);
  if (states.length === 0) return refused(noStates);
  const { ended = {} } = splitFilter({ ...filter, states: [...states] });
  const { groups, total, isEstimate } = await history.groups(ended, 'state');
  const counted = groups.map(({ key, tasks }) => ({ state: key as TaskState, tasks }));
  return accepted({ states: counted, total, isEstimate, unbegun: 0 });
}

function previewCancel(filter: Filter, { view }: ConsolePorts): Outcome<BulkPreview, Refusal> {
  const live = liveFilter(filter);
  if (!live) return refused(onlyEnded);
  const { taskIds, groups, unbegun } = view.liveSet(live);
  const total = taskIds.length + groups.reduce((sum, { tasks }) => sum + tasks, 0);
  const counts = new Map(view.liveGroups(live, 'state'));
  counts.delete('cancelling');
  if (unbegun > 0) counts.set('held', (counts.get('held') ?? 0) + unbegun);
  const states = [...counts]
    .map(([key, tasks]) => ({ state: key as TaskState, tasks }))
    .sort((a, b) => b.tasks - a.tasks);
  return accepted({ states, total, isEstimate: false, unbegun });
}

/** Named, since a requeue of all that ever ended is nothing that anybody wants by leaving a word out. */
const requeueStates = ({ states = [] }: Filter): readonly TaskState[] =>
  states.filter((state) => isEnded(state) && state !== 'succeeded');

const noStates = refusal(
  'bad_message',
  'name the states that are put back: dead_letter, cancelled, or both; tasks that succeeded are submitted anew',
  { field: 'filter.states' },
);
const onlyEnded = refusal(
  'bad_message',
  'only live tasks are cancelled: name states of live tasks, or none',
  {
    field: 'filter.states',
  },
);
const noFilter = refusal('bad_message', 'give either filter, or ofJob to cancel what a requeue put back', {
  field: 'filter',
});
const onlyCancelOfJob = refusal('bad_message', 'ofJob is for act cancel; a requeue takes a filter', {
  field: 'ofJob',
});
