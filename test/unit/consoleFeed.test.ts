// What is pushed to windows, how often, and what a slow window misses.
import { expect, test } from 'vitest';
import { ms, taskId, token } from '../../scheduler/protocol/brands.ts';
import type { LogPiece, OverviewFrame, Push } from '../../scheduler/protocol/consoleFrames.ts';
import { openConsole, openLink, type Link } from './consoleStage.ts';

const pushes = (link: Link): Push[] => link.sent.filter((message): message is Push => 'push' in message);
const frames = (link: Link): OverviewFrame[] =>
  pushes(link).filter((push): push is OverviewFrame => push.push === 'overview');
const piece: LogPiece = { token: token(1), piece: 1, stream: 'stdout', offset: 0, text: 'hi', atMs: ms(0) };

test('a window that watches gets a full frame at once and one per tick, numbered; others get none', async () => {
  const stage = openConsole();
  const other = openLink(stage.console);
  await stage.result('watchOverview', { on: true });
  stage.tick();
  stage.tick();
  expect(frames(stage.link).map((frame) => frame.sequence)).toEqual([1, 2, 3]);
  expect(frames(stage.link)[0]).toMatchObject({
    push: 'overview',
    epoch: 7,
    isRecovering: false,
    nodes: { online: 8 },
    tasks: { running: 6 },
    badMessages: 3,
    alarms: [],
  });
  expect(pushes(other)).toEqual([]);
  await stage.result('watchOverview', { on: false });
  stage.tick();
  expect(frames(stage.link)).toHaveLength(3);
});

test('traces come with the first frame and then once a second', async () => {
  const stage = openConsole();
  await stage.result('watchOverview', { on: true });
  for (let i = 0; i < 8; i += 1) stage.tick();
  const withTraces = frames(stage.link).flatMap((frame) => (frame.traces ? [frame.sequence] : []));
  expect(withTraces).toEqual([1, 2, 6]);
});

test('a slow window misses frames, sees it by the number, and gets the traces it missed', async () => {
  const stage = openConsole();
  await stage.result('watchOverview', { on: true });
  stage.tick();
  stage.link.isSlow.value = true;
  for (let i = 0; i < 5; i += 1) stage.tick();
  stage.link.isSlow.value = false;
  stage.tick();
  const last = frames(stage.link).at(-1);
  expect(frames(stage.link).map((frame) => frame.sequence)).toEqual([1, 2, 8]);
  expect(last?.traces?.online).toEqual([8]);
});

test('output goes to those who watch the task, until they stop or are gone', async () => {
  const stage = openConsole();
  const other = openLink(stage.console);
  await stage.result('watchLog', { taskId: 1, on: true });
  await other.ask('watchLog', { taskId: 1, on: true });
  stage.console.onLog(taskId(1), [piece]);
  stage.console.onLog(taskId(2), [piece]);
  await stage.result('watchLog', { taskId: 1, on: false });
  stage.console.onLog(taskId(1), [piece]);
  other.close('test');
  stage.console.onLog(taskId(1), [piece]);
  const frame = { push: 'log', taskId: 1, pieces: [piece] };
  expect(pushes(stage.link)).toEqual([frame]);
  expect(pushes(other)).toEqual([frame, frame]);
});

test('a window follows 16 tasks at most, and the same task twice is one', async () => {
  const stage = openConsole();
  for (let i = 1; i <= 16; i += 1) await stage.result('watchLog', { taskId: i, on: true });
  await stage.result('watchLog', { taskId: 16, on: true });
  expect(await stage.refusal('watchLog', { taskId: 17, on: true })).toMatchObject({ code: 'too_many' });
  await stage.result('watchLog', { taskId: 3, on: false });
  await stage.result('watchLog', { taskId: 17, on: true });
});

test('a window that is gone gets no more frames, and closing the console closes its links', async () => {
  const stage = openConsole();
  await stage.result('watchOverview', { on: true });
  stage.link.close('test');
  stage.tick();
  expect(frames(stage.link)).toHaveLength(1);
  const second = openLink(stage.console);
  let isClosed = false;
  second.onClose(() => {
    isClosed = true;
  });
  stage.console.close();
  expect(isClosed).toBe(true);
});

test('dispatch latencies and the last hour reach the frame', async () => {
  const stage = openConsole({
    history: {
      endedPerMinute: () =>
        Promise.resolve([{ minuteMs: ms(900_000), succeeded: 2, deadLettered: 0, cancelled: 0 }]),
    } as never,
  });
  stage.console.onDispatched(2);
  stage.console.onBatch({
    sequence: 1,
    atMs: ms(1_000_000),
    events: [{ kind: 'task_succeeded', taskId: taskId(1) }],
  });
  await stage.result('watchOverview', { on: true });
  stage.tick();
  expect(frames(stage.link)[1]).toMatchObject({ lastHour: { succeeded: 3 } });
  expect(frames(stage.link)[1]?.dispatchMs?.p50).toBeCloseTo(2, 0);
});
