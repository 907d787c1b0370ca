// One act on all tasks that match: counted first, done in steps, and what changed meanwhile is left and counted.
import { describe, expect, test } from 'vitest';
import type { BulkWork } from '../../scheduler/console/ports.ts';
import { StorageJobs } from '../../scheduler/host/storageJobs.ts';
import { ms, taskId } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { bulkSetsKept, bulkStepTasks } from '../../scheduler/protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../scheduler/protocol/outcome.ts';
import type { StorageJob } from '../../scheduler/protocol/storage.ts';
import { type ConsoleStage, openConsole, recordOf, storageStub } from './consoleStage.ts';

type Executed = Outcome<object, Refusal>;
interface Stage extends ConsoleStage {
  /** The newest job, once it has ended. */
  readonly lastEnd: () => Promise<StorageJob>;
  readonly start: (params: object) => Promise<StorageJob>;
}

function openStage(
  execute: (command: Command) => Executed = () => accepted({}),
  onFound: () => void = () => undefined,
): Stage {
  const jobs = new StorageJobs(
    () => ms(5),
    () => undefined,
  );
  const ends: Promise<StorageJob>[] = [];
  const commands: Command[] = [];
  const stage = openConsole({
    execute: (command) => {
      commands.push(command);
      return Promise.resolve(execute(command));
    },
    storage: {
      ...storageStub,
      startBulk: (work) => {
        const run: BulkWork['run'] = (report, signal) =>
          work.run((progress) => {
            if (progress.total === 0) onFound();
            report(progress);
          }, signal);
        const started = jobs.startBulk({ ...work, run });
        if (!started.ok) return started;
        ends.push(started.value.ended);
        return accepted(started.value.job);
      },
      cancelJob: (jobId, actor) => jobs.cancel(jobId, actor),
    },
  });
  return {
    ...stage,
    commands,
    lastEnd: async () => {
      const end = await ends.at(-1);
      if (!end) throw new Error('no job was started');
      return end;
    },
    start: async (params) => (await stage.result('startBulk', params)) as StorageJob,
  };
}

const failed = { states: ['dead_letter'] };
function fill(stage: Stage, count: number): void {
  for (let id = 1; id <= count; id += 1) stage.ended.set(id, recordOf(id, 'dead_letter'));
}
const idsOf = (commands: readonly Command[]): readonly number[] =>
  commands.flatMap((command) =>
    command.kind === 'RequeueTask'
      ? [command.record.taskId]
      : command.kind === 'CancelTask'
        ? [command.taskId]
        : [],
  );

describe('a requeue of all that match', () => {
  test('says how many there are, by state, and does nothing yet', async () => {
    const stage = openStage();
    fill(stage, 3);
    stage.ended.set(4, recordOf(4, 'cancelled'));
    stage.ended.set(5, recordOf(5, 'succeeded'));
    const filter = { states: ['dead_letter', 'cancelled', 'succeeded', 'running'] };
    expect(await stage.result('previewBulk', { act: 'requeue', filter })).toEqual({
      states: [
        { state: 'dead_letter', tasks: 3 },
        { state: 'cancelled', tasks: 1 },
      ],
      total: 4,
      isEstimate: false,
      unbegun: 0,
    });
    expect(stage.commands).toEqual([]);
  });

  test('names its states: all that ever ended is nothing that a word left out means', async () => {
    const stage = openStage();
    for (const filter of [{}, { states: ['succeeded'] }, { states: ['running'] }]) {
      const why = { code: 'bad_message', field: 'filter.states' };
      expect(await stage.refusal('previewBulk', { act: 'requeue', filter })).toMatchObject(why);
      expect(await stage.refusal('startBulk', { act: 'requeue', filter })).toMatchObject(why);
    }
  });

  test('puts back every one of them, oldest first, over several steps', async () => {
    const stage = openStage();
    const count = 2 * bulkStepTasks + 10;
    fill(stage, count);
    const job = await stage.start({ act: 'requeue', filter: failed });
    expect(job).toMatchObject({ kind: 'requeue', state: 'running', actor: 'operator' });
    expect(await stage.lastEnd()).toMatchObject({
      state: 'done',
      done: count,
      total: count,
      bulk: { changed: count, skipped: [], canBeCancelled: true },
    });
    expect(idsOf(stage.commands)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
  });

  test('leaves what changed meanwhile, and counts it by why', async () => {
    const stage: Stage = openStage(
      (command) => {
        const id = idsOf([command])[0];
        if (id === 3) return refused(refusal('queue_full', 'queue q is full'));
        if (id === 4) return refused(refusal('wrong_state', 'T-4 is live'));
        if (id === 5) return refused(refusal('wrong_state', 'T-5 is a member of a gang'));
        return id === 6 ? refused(refusal('unknown_queue', 'there is no queue q')) : accepted({});
      },
      () => {
        stage.live.set(7, recordOf(7, 'running'));
        stage.ended.delete(8);
        stage.ended.set(9, recordOf(9, 'cancelled'));
      },
    );
    fill(stage, 10);
    const gang = { kind: 'gang', groupId: taskId(90), index: 0, size: 2 } as const;
    stage.ended.set(5, { ...recordOf(5, 'dead_letter'), group: gang });
    await stage.start({ act: 'requeue', filter: failed });
    const { bulk, state, done, total } = await stage.lastEnd();
    expect([state, done, total, bulk?.changed]).toEqual(['done', 10, 10, 3]);
    const tasks = Object.fromEntries(bulk?.skipped.map((skip) => [skip.reason, skip.tasks]) ?? []);
    expect(tasks).toEqual({ changed: 3, grouped: 1, no_room: 1, refused: 1, gone: 1 });
    expect(bulk?.skipped.find(({ reason }) => reason === 'no_room')?.message).toBe('queue q is full');
    expect(idsOf(stage.commands)).toEqual([1, 2, 3, 4, 5, 6, 10]);
  });

  test('stops where it is when it is cancelled, and keeps what it did', async () => {
    const first: { cancel?: () => void } = {};
    const stage = openStage(() => {
      first.cancel?.();
      return accepted({});
    });
    fill(stage, 3 * bulkStepTasks);
    // Its first job. The answer waits for its record, and the job does not.
    first.cancel = () => {
      delete first.cancel;
      void stage.result('cancelJob', { jobId: 1 });
    };
    await stage.start({ act: 'requeue', filter: failed });
    const job = await stage.lastEnd();
    expect(job).toMatchObject({ state: 'cancelled', done: bulkStepTasks, total: 3 * bulkStepTasks });
    expect(job.bulk).toMatchObject({ changed: bulkStepTasks, canBeCancelled: true });
    expect(stage.commands).toHaveLength(bulkStepTasks);
  });

  test('ends as failed where the host takes no commands any more', async () => {
    const stage = openStage(() => refused(refusal('stopping', 'the host is stopping')));
    fill(stage, 2 * bulkStepTasks);
    await stage.start({ act: 'requeue', filter: failed });
    expect(await stage.lastEnd()).toMatchObject({ state: 'failed', message: 'the host is stopping' });
    expect(stage.commands).toHaveLength(bulkStepTasks);
  });

  test('is alone: another one is refused until it has ended', async () => {
    const stage = openStage();
    fill(stage, 1);
    await stage.start({ act: 'requeue', filter: failed });
    expect(await stage.refusal('startBulk', { act: 'cancel', filter: {} })).toMatchObject({
      code: 'too_many',
    });
    await stage.lastEnd();
    expect(await stage.start({ act: 'cancel', filter: {} })).toMatchObject({ kind: 'cancel' });
    await stage.lastEnd();
  });
});

describe('a cancel of all that match', () => {
  test('hits live tasks only, with its reason', async () => {
    const stage = openStage();
    for (const id of [1, 2]) stage.live.set(id, recordOf(id, 'ready'));
    stage.live.set(3, recordOf(3, 'running'));
    const params = { act: 'cancel', filter: { states: ['ready', 'dead_letter'] } };
    expect(await stage.result('previewBulk', params)).toMatchObject({ total: 2, isEstimate: false });
    await stage.start({ ...params, reason: 'wrong order' });
    expect((await stage.lastEnd()).bulk).toEqual({ changed: 2, skipped: [] });
    expect(stage.commands).toMatchObject([
      { kind: 'CancelTask', taskId: 2, reason: 'wrong order', actor: 'operator' },
      { kind: 'CancelTask', taskId: 1 },
    ]);
  });

  test('is refused where only states of ended tasks are named', async () => {
    const params = { act: 'cancel', filter: failed };
    const stage = openStage();
    expect(await stage.refusal('previewBulk', params)).toMatchObject({ field: 'filter.states' });
    expect(await stage.refusal('startBulk', params)).toMatchObject({ field: 'filter.states' });
  });

  test('takes back what a requeue put back, and only that', async () => {
    const stage = openStage(({ kind }) =>
      kind === 'RequeueTask' && stage.commands.length === 2
        ? refused(refusal('queue_full', 'full'))
        : accepted({}),
    );
    fill(stage, 3);
    const { jobId } = await stage.start({ act: 'requeue', filter: failed });
    await stage.lastEnd();
    stage.commands.length = 0;
    await stage.start({ act: 'cancel', ofJob: jobId });
    expect((await stage.lastEnd()).bulk).toEqual({ changed: 2, skipped: [] });
    expect(idsOf(stage.commands)).toEqual([1, 3]);
  });

  test('takes a filter or a job, not both, and a job that put something back', async () => {
    const stage = openStage();
    for (const params of [{}, { filter: {}, ofJob: 1 }])
      expect(await stage.refusal('startBulk', { act: 'cancel', ...params })).toMatchObject({
        field: 'filter',
      });
    expect(await stage.refusal('startBulk', { act: 'cancel', ofJob: 1 })).toMatchObject({
      code: 'wrong_state',
    });
    expect(await stage.refusal('startBulk', { act: 'requeue', ofJob: 1 })).toMatchObject({ field: 'ofJob' });
  });

  test('knows the newest requeues only', async () => {
    const stage = openStage();
    fill(stage, 1);
    const jobIds: number[] = [];
    for (let times = 0; times <= bulkSetsKept; times += 1) {
      jobIds.push((await stage.start({ act: 'requeue', filter: failed })).jobId);
      await stage.lastEnd();
    }
    const [oldest, next] = jobIds;
    expect(await stage.refusal('startBulk', { act: 'cancel', ofJob: oldest })).toMatchObject({
      field: 'ofJob',
    });
    expect(await stage.start({ act: 'cancel', ofJob: next })).toMatchObject({ kind: 'cancel' });
    await stage.lastEnd();
  });
});
