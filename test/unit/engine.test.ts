// The embedded engine: nothing leaves before it is durable, agents go before people, a failed journal releases nothing.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { type AgentPort, EmbeddedEngine } from '../../scheduler/engine/embedded.ts';
import type { JournalPort } from '../../scheduler/journal/port.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import type { Batch, Command } from '../../scheduler/protocol/events.ts';
import { pendingCommandsMax, snapshotEveryBytes } from '../../scheduler/protocol/limits.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import type { Refusal } from '../../scheduler/protocol/outcome.ts';
import { taskSpecSchema } from '../../scheduler/protocol/task.ts';

const must = <Value>(outcome: { ok: true; value: Value } | { ok: false; reason: Refusal }): Value => {
  if (!outcome.ok) throw new Error(outcome.reason.message);
  return outcome.value;
};
const spec = must(decode(taskSpecSchema, { work: { kind: 'command', argv: ['true'] } }, 'task'));
const node = must(
  decode(
    nodeSpecSchema,
    { resources: { cpu: 4_000, memory: 4_096 }, kinds: ['command'], agentVersion: '1' },
    'node',
  ),
);
const submit: Command = { kind: 'SubmitTasks', specs: [spec], actor: 'test' };
const join: Command = { kind: 'JoinNode', nodeId: nodeId('n1'), spec: node, held: [] };

function cancelFirst({ events }: Batch): Command {
  const admitted = events.find((event) => event.kind === 'task_admitted');
  if (!admitted) throw new Error('nothing was admitted');
  return { kind: 'CancelTask', taskId: admitted.taskId, actor: 'test', reason: '' };
}

/** A journal whose writes end when the test says so. */
function stage() {
  const writes: { batch: Batch; done: () => void; fail: (error: Error) => void }[] = [];
  const seen = { dispatched: 0, failures: [] as Refusal[], durable: [] as number[] };
  const snapshots: { sequence: number; parts: AsyncIterator<string> | Iterator<string> }[] = [];
  let bytesSinceSnapshot = 0;
  const journal: JournalPort = {
    append: (batch) => new Promise((done, fail) => writes.push({ batch, done, fail })),
    snapshot: (sequence, parts) => {
      if (bytesSinceSnapshot === 0) return Promise.resolve();
      bytesSinceSnapshot = 0;
      const iterator =
        Symbol.asyncIterator in parts ? parts[Symbol.asyncIterator]() : parts[Symbol.iterator]();
      snapshots.push({ sequence, parts: iterator });
      return new Promise(() => undefined); // the test reads the parts itself
    },
    backupTo: () => Promise.resolve(),
    stats: () => ({
      bytesSinceSnapshot,
      fileBytes: 0,
      isSnapshotUnderWay: false,
      rows: 0,
      commits: 0,
      lastCommitMs: 0,
      durableSequence: 0,
      pending: 0,
    }),
    close: () => Promise.resolve(),
  };
  const agents: AgentPort = {
    dispatch: () => {
      seen.dispatched += 1;
      return true;
    },
    stop: () => undefined,
    closeNode: () => undefined,
    flush: () => undefined,
  };
  let time = 1_000_000;
  const engine = new EmbeddedEngine({
    core: new Core(),
    journal,
    agents,
    nowMs: () => (time += 1),
    historyHolds: () => Promise.resolve(),
    hasRoom: () => true,
    listener: {
      onDurable: (batch) => seen.durable.push(batch.sequence),
      onDispatched: () => undefined,
      onFailure: (reason) => seen.failures.push(reason),
    },
  });
  /** Lets everything that is queued happen. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const write = async () => {
    await settle();
    const next = writes.shift();
    next?.done();
    await settle();
    return next?.batch;
  };
  const growJournal = (): void => {
    bytesSinceSnapshot = snapshotEveryBytes;
  };
  return { engine, seen, writes, settle, write, snapshots, growJournal };
}

describe('the embedded engine', () => {
  test('answers and dispatches only once the batch is durable', async () => {
    const { engine, seen, write, settle, writes } = stage();
    void engine.execute(join);
    await write();
    let isAnswered = false;
    void engine.execute(submit).then(() => (isAnswered = true));
    await settle();
    expect(writes).toHaveLength(1);
    expect({ isAnswered, dispatched: seen.dispatched }).toEqual({ isAnswered: false, dispatched: 0 });
    await write();
    expect({ isAnswered, dispatched: seen.dispatched }).toEqual({ isAnswered: true, dispatched: 1 });
  });

  test('gathers what arrives during a write into one next batch', async () => {
    const { engine, write } = stage();
    const answers = [engine.execute(join)];
    await Promise.resolve();
    for (let i = 0; i < 50; i += 1) answers.push(engine.execute(submit));
    const first = await write();
    const second = await write();
    await Promise.all(answers);
    expect(first?.events.map((event) => event.kind)).toEqual(['node_joined']);
    expect(second?.events.filter((event) => event.kind === 'task_admitted')).toHaveLength(50);
  });

  test('goes on with turns while a snapshot is read, which stays the state at which it began', async () => {
    const { engine, write, settle, snapshots, growJournal } = stage();
    const submitted = engine.execute(submit);
    const first = await write();
    await submitted;
    growJournal();
    const second = engine.execute(submit);
    await write();
    await second;
    await settle();
    const [snapshot] = snapshots;
    if (!first || !snapshot) throw new Error('no snapshot was begun');
    const parts = [(await snapshot.parts.next()).value as string];
    // The task that the snapshot has not read yet ends, and another one comes.
    for (const command of [cancelFirst(first), submit]) {
      const answered = engine.execute(command);
      await write();
      expect(await answered).toMatchObject({ ok: true });
    }
    for (let next = await snapshot.parts.next(); next.done !== true; next = await snapshot.parts.next())
      parts.push(next.value);
    const restored = Core.restored(parts);
    expect(restored.state.sequence).toBe(snapshot.sequence);
    expect([...restored.state.tasks.all()].map(({ taskId }) => taskId)).toEqual([1, 2]);
  });

  test('a failed write releases nothing, refuses what waits, and says so once', async () => {
    const { engine, seen, settle, writes } = stage();
    const answer = engine.execute(join);
    await settle();
    const late = engine.execute(submit);
    writes.shift()?.fail(new Error('disk is full'));
    expect(await answer).toMatchObject({ ok: false, reason: { code: 'storage_failed' } });
    expect(await late).toMatchObject({ ok: false, reason: { code: 'storage_failed' } });
    expect(await engine.execute(submit)).toMatchObject({ ok: false, reason: { code: 'storage_failed' } });
    expect(seen.failures.map((failure) => failure.message)).toEqual([
      'the journal could not be written: disk is full',
    ]);
    expect(seen.durable).toEqual([]);
    await engine.stop();
  });

  test('past its bound people are told to come back, agents are still heard', async () => {
    const { engine, write, settle } = stage();
    void engine.execute(join);
    await settle();
    for (let i = 0; i < pendingCommandsMax; i += 1) void engine.execute(submit);
    expect(await engine.execute(submit)).toMatchObject({
      ok: false,
      reason: { code: 'queue_full', retryAfterMs: 1_000 },
    });
    const reported = engine.execute({ kind: 'DisconnectNode', nodeId: nodeId('n1') });
    await write();
    const second = await write();
    expect((await reported).ok).toBe(true);
    expect(second?.events[0]?.kind).toBe('node_disconnected');
    void engine.stop(); // waits for the write that this test leaves under way
  });

  test('a report of start waits a moment for company instead of costing a write of its own', async () => {
    const { engine, write, settle, writes } = stage();
    void engine.execute(join);
    await write();
    void engine.execute(submit);
    const placed = await write();
    const event = placed?.events.find((found) => found.kind === 'attempt_placed');
    if (!event) throw new Error('nothing was placed');
    void engine.execute({ kind: 'ReportStarted', nodeId: nodeId('n1'), tokens: [event.token] });
    await settle();
    expect(writes).toHaveLength(0);
    void engine.execute(submit);
    const batch = await write();
    expect(batch?.events.map((found) => found.kind)).toContain('attempt_started');
    expect(batch?.events.map((found) => found.kind)).toContain('task_admitted');
    await engine.stop();
  });
});
