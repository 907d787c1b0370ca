// What an attempt left reaches the next one, over a restart and a requeue too.
import { expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { failure, liveOf, startedCore } from './coreStage.ts';

const retry = { attemptsMax: 2, backoffMs: 100, backoffCapMs: 100 };

test('the newest checkpoint goes with the next dispatch; one that leaves none takes nothing away', () => {
  const stage = startedCore();
  stage.join('N1');
  const id = stage.submitOne({ retry: { ...retry, attemptsMax: 9 } });
  const dispatched = () => stage.core.state.tasks.get(id)?.checkpoint;
  const end = (left?: string): void => {
    const how = left === undefined ? failure : { ...failure, checkpoint: left };
    stage.ended('N1', id, liveOf(stage.core, id).token, how);
    stage.wait(500, () => [stage.beat('N1')]);
  };
  end('at 10');
  expect(dispatched()).toBe('at 10');
  end('at 20');
  end();
  expect(dispatched()).toBe('at 20');
  const kept = stage.core
    .view()
    .task(id)
    ?.attempts.map((attempt) => attempt.end?.checkpoint);
  expect(kept).toEqual([undefined, 'at 20', undefined, undefined]);
  expect(Core.restored(stage.core.snapshotParts()).digest()).toBe(stage.core.digest());
});

test('the dispatch carries it', () => {
  const stage = startedCore();
  stage.join('N1');
  const id = stage.submitOne({ retry: { ...retry, backoffMs: 0, backoffCapMs: 0 } });
  const how = { ...failure, checkpoint: 'half' };
  const [dispatch] = stage.ended('N1', id, liveOf(stage.core, id).token, how).dispatches;
  expect(dispatch).toMatchObject({ taskId: id, attempt: 2, checkpoint: 'half' });
});

test('a task that a person puts back goes on from there', () => {
  const stage = startedCore();
  stage.join('N1');
  const id = stage.submitOne({ retry: { attemptsMax: 1 } });
  const how = { ...failure, checkpoint: 'half' };
  const [record] = stage.ended('N1', id, liveOf(stage.core, id).token, how).ended;
  if (!record) throw new Error('it lives');
  const [dispatch] = stage.give({ kind: 'RequeueTask', record, actor: 'ann' }).dispatches;
  expect(dispatch).toMatchObject({ taskId: id, checkpoint: 'half' });
});
