// Copies of stragglers: when a second attempt is started, and what becomes of the two.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { nodeId, type TaskId, type Token } from '../../scheduler/protocol/brands.ts';
import { attemptLeaseMs, rejoinWindowMs } from '../../scheduler/protocol/limits.ts';
import { failure, liveOf, startedCore, success } from './coreStage.ts';

const fast = { backoffMs: 100, backoffCapMs: 100 };
const weld = { name: 'weld', isRepeatable: true, retry: fast };

/** Nodes that beat for all they run, and a way to let one fall silent. */
function plant(...names: string[]) {
  const stage = startedCore();
  const { core } = stage;
  const silent = new Set<string>();
  stage.wait(rejoinWindowMs + 1_000);
  for (const name of names) stage.join(name);
  const wait = (forMs: number) =>
    stage.wait(forMs, () =>
      names
        .filter((name) => !silent.has(name))
        .map((name) => {
          const node = core.state.nodes.indexOf(nodeId(name));
          return stage.beat(name, ...(node === undefined ? [] : core.state.nodes.attemptsOn(node)));
        }),
    );
  /** Tasks of the same name that run this long: what is usual from then on. */
  const usual = (runMs: number, count = 8): void => {
    for (let at = 0; at < count; at += 1) {
      const id = stage.submitOne(weld);
      const { nodeId: on, token } = liveOf(core, id);
      stage.started(on, token);
      wait(runMs);
      stage.ended(on, id, token, success);
    }
  };
  /** A task whose first attempt has begun. */
  const begin = (input: object = weld): { id: TaskId; first: { token: Token; nodeId: string } } => {
    const id = stage.submitOne(input);
    const first = liveOf(core, id);
    stage.started(first.nodeId, first.token);
    return { id, first };
  };
  const copyOf = (id: TaskId) => core.state.tasks.get(id)?.copy;
  /** One that straggles and has its copy. */
  const copied = (input: object = weld) => {
    const { id, first } = begin({ ...input, expectedMs: 1_000 });
    wait(12_000);
    const copy = copyOf(id);
    if (!copy) throw new Error('no copy was placed');
    stage.started(copy.nodeId, copy.token);
    return { id, first, copy };
  };
  return { ...stage, wait, usual, begin, copyOf, copied, silent };
}

describe('a straggler', () => {
  test('gets a copy once it has run twice as long as usual, and 10 s more, on another node', () => {
    const { usual, begin, wait, copyOf } = plant('N1', 'N2');
    usual(2_000);
    const { id, first } = begin();
    wait(11_000);
    expect(copyOf(id)).toBeUndefined();
    wait(2_000);
    const copy = copyOf(id);
    expect(copy?.nodeId).not.toBe(first.nodeId);
    expect(copy?.token).toBeGreaterThan(first.token);
    expect(copy?.attempt).toBe(2);
  });

  test('is judged by what it expects of itself while too few of its like have ended', () => {
    const { usual, begin, wait, copyOf } = plant('N1', 'N2');
    usual(1_000, 7);
    const { id } = begin({ ...weld, expectedMs: 60_000 });
    wait(119_000);
    expect(copyOf(id)).toBeUndefined();
    wait(2_000);
    expect(copyOf(id)).toBeDefined();
  });

  test.each([
    ['does not say that it is safe to repeat', { isRepeatable: false }],
    ['runs at most once', { delivery: 'at_most_once' }],
    ['has nothing to be compared with', { expectedMs: undefined }],
  ])('gets none where it %s', (_why, input) => {
    const { begin, wait, copyOf } = plant('N1', 'N2');
    const { id } = begin(JSON.parse(JSON.stringify({ ...weld, expectedMs: 1_000, ...input })) as object);
    wait(60_000);
    expect(copyOf(id)).toBeUndefined();
  });

  test('gets none where only its own node has room', () => {
    const { begin, wait, copyOf } = plant('N1');
    const { id } = begin({ ...weld, expectedMs: 1_000 });
    wait(60_000);
    expect(copyOf(id)).toBeUndefined();
  });

  test('takes no room that a task waits for, and gets its copy once nobody does', () => {
    const { begin, wait, copyOf, submitOne, give, core, ended } = plant('N1', 'N2');
    const { id: small } = begin({ ask: { cpu: 1_000 }, selector: { node: ['N2'] } });
    const { id } = begin({ ...weld, expectedMs: 1_000, selector: { node: ['N1', 'N2'] } });
    const large = submitOne({ ask: { cpu: 4_000 }, selector: { node: ['N1', 'N2'] } });
    wait(60_000);
    expect(copyOf(id)).toBeUndefined();
    give({ kind: 'CancelTask', taskId: large, actor: 'ann', reason: '' });
    ended('N2', small, liveOf(core, small).token);
    wait(30_000);
    expect(copyOf(id)).toBeDefined();
  });
});

describe('of two attempts', () => {
  test('the first to succeed counts, the other is stopped, and its result is stale', () => {
    const { copied, ended, core } = plant('N1', 'N2');
    const { id, first, copy } = copied();
    const turned = ended(copy.nodeId, id, copy.token);
    expect(turned.stops).toEqual([first.token]);
    expect(turned.ended).toMatchObject([{ state: 'succeeded' }]);
    expect(turned.ended[0]?.attempts.map(({ token, end }) => [token, end?.reason])).toEqual([
      [first.token, 'cancelled'],
      [copy.token, 'exit'],
    ]);
    expect(ended(first.nodeId, id, first.token).events).toEqual([]);
    expect(core.state.staleReports).toBe(1);
  });

  test('each is still the one while both run, and neither is once one has succeeded', () => {
    const { copied, ended, core } = plant('N1', 'N2');
    const { id, first, copy } = copied();
    const view = core.view();
    for (const one of [first, copy]) expect(view.attemptByToken(one.token)?.record.nodeId).toBe(one.nodeId);
    ended(first.nodeId, id, first.token);
    for (const one of [first, copy]) expect(view.attemptByToken(one.token)).toBeUndefined();
  });

  test.each(['first', 'copy'] as const)('where the %s fails, the other goes on', (which) => {
    const { copied, ended, core } = plant('N1', 'N2');
    const { id, ...two } = copied();
    const [failing, other] = which === 'first' ? [two.first, two.copy] : [two.copy, two.first];
    const turned = ended(failing.nodeId, id, failing.token, failure);
    expect(turned.events.map(({ kind }) => kind)).toEqual(['attempt_ended']);
    expect(liveOf(core, id).token).toBe(other.token);
    expect(core.state.tasks.get(id)).toMatchObject({ state: 'running', copy: undefined });
    expect(ended(other.nodeId, id, other.token).ended).toMatchObject([{ state: 'succeeded' }]);
  });

  test('both failing is followed by one retry', () => {
    const { copied, ended, core } = plant('N1', 'N2');
    const { id, first, copy } = copied();
    ended(first.nodeId, id, first.token, failure);
    const { events } = ended(copy.nodeId, id, copy.token, failure);
    expect(events.map(({ kind }) => kind)).toEqual(['attempt_ended', 'task_backed_off']);
    expect(core.state.tasks.get(id)?.past.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  test('a cancel stops both, and the task ends with the second', () => {
    const { copied, ended, give } = plant('N1', 'N2');
    const { id, first, copy } = copied();
    const stopped = give({ kind: 'CancelTask', taskId: id, actor: 'ann', reason: '' });
    expect(stopped.stops).toEqual([first.token, copy.token]);
    expect(ended(first.nodeId, id, first.token, { reason: 'cancelled' }).ended).toEqual([]);
    expect(ended(copy.nodeId, id, copy.token, { reason: 'cancelled' }).ended).toMatchObject([
      { state: 'cancelled' },
    ]);
  });

  test('the one on a node that falls silent is lost, the other goes on', () => {
    const { copied, wait, silent, core } = plant('N1', 'N2');
    const { id, first, copy } = copied();
    silent.add(first.nodeId);
    wait(attemptLeaseMs + 11_000);
    expect(liveOf(core, id).token).toBe(copy.token);
    expect(core.state.tasks.get(id)?.past).toMatchObject([{ token: first.token, end: { reason: 'lost' } }]);
  });

  test('a node that comes back without its copy is sent it again, where it had not begun', () => {
    const { begin, wait, copyOf, join } = plant('N1', 'N2');
    const { id } = begin({ ...weld, expectedMs: 1_000 });
    wait(12_000);
    const copy = copyOf(id);
    const { dispatches } = join(copy?.nodeId ?? '');
    expect(dispatches.map(({ token }) => token)).toEqual([copy?.token]);
  });

  test('both are in a snapshot, hold capacity, and end as before', () => {
    const { copied, core, now } = plant('N1', 'N2');
    const { id, first, copy } = copied();
    const restored = Core.restored(core.snapshotParts());
    expect(restored.digest()).toBe(core.digest());
    const going = startedCore(undefined, restored);
    going.jump(now() - going.now());
    expect(restored.view().node(nodeId(first.nodeId))?.attempts).toBe(1);
    expect(restored.view().node(copy.nodeId)?.cpuAllocated).toBe(100);
    going.join(first.nodeId, {}, [{ token: first.token, state: 'running' }]);
    going.join(copy.nodeId, {}, [{ token: copy.token, state: 'running' }]);
    const turned = going.ended(first.nodeId, id, first.token);
    expect(turned.stops).toEqual([copy.token]);
    expect(turned.ended).toMatchObject([{ state: 'succeeded' }]);
    expect(restored.view().node(copy.nodeId)?.cpuAllocated).toBe(0);
  });
});
