// What-ifs over a record that a real core made: an unchanged plant repeats what was, and a smaller one is slower.
import { expect, test } from 'vitest';
import { ms, nodeId } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import type { WhatIfAnswer, WhatIfChange } from '../../scheduler/protocol/whatIf.ts';
import { nodeSpec, success, taskSpec } from './coreStage.ts';
import { RecorderStage } from './recorderStage.ts';

interface Truth {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly placements: number;
  readonly waits: readonly number[];
}

/** 40 tasks of 10 s in 80 s, on 2 nodes of 2 slots: some wait. They are commands, so only the record knows how long. */
async function recordedLoad(stage: RecorderStage): Promise<Truth> {
  await stage.turn([{ kind: 'StartEpoch', seed: 7 }]);
  for (const line of ['L0', 'L1'])
    await stage.turn([
      {
        kind: 'JoinNode',
        nodeId: nodeId(`N-${line}`),
        spec: nodeSpec({ kinds: ['command'], place: { line }, resources: { slots: 2 } }),
        held: [],
      },
    ]);
  const fromMs = stage.nowMs;
  const ends = new Map<number, number>();
  const waits: number[] = [];
  let placements = 0;
  for (let second = 1; second <= 200; second += 1) {
    const commands: Command[] = ['N-L0', 'N-L1'].map((name) => ({
      kind: 'Heartbeat',
      nodeId: nodeId(name),
      cpuUsedMillicores: 0,
      memoryUsedMiB: 0,
      running: [...stage.core.state.tasks.all()].flatMap(({ live }) => (live ? [live.token] : [])),
    }));
    for (const { live, taskId } of stage.core.state.tasks.all()) {
      if (!live) continue;
      const { token } = live;
      const isNew = !ends.has(token);
      if (isNew) {
        placements += 1;
        waits.push(live.placedAtMs - (stage.core.state.tasks.get(taskId)?.submittedAtMs ?? 0));
        ends.set(token, live.placedAtMs + 10_000);
        commands.push({ kind: 'ReportStarted', nodeId: live.nodeId, tokens: [token] });
      }
      if ((ends.get(token) ?? 0) <= stage.nowMs + 1_000)
        commands.push({
          kind: 'ReportResults',
          nodeId: live.nodeId,
          results: [{ token, taskId, end: success }],
        });
    }
    if (second % 2 === 0 && second <= 80)
      commands.push({
        kind: 'SubmitTasks',
        actor: 'mes',
        specs: [taskSpec({ work: { kind: 'command', argv: ['inspect'] } })],
      });
    await stage.turn(commands);
  }
  return { fromMs, untilMs: stage.nowMs, placements, waits: waits.sort((a, b) => a - b) };
}

async function answered(
  stage: RecorderStage,
  truth: Truth,
  changes: readonly WhatIfChange[],
  more: { readonly stateAtMs?: number } = {},
): Promise<WhatIfAnswer> {
  await stage.recorder.state();
  const { whatIfs } = stage.recorder;
  const { stateAtMs } = more;
  const started = whatIfs.start(
    {
      fromMs: ms(truth.fromMs),
      untilMs: ms(truth.untilMs),
      changes: [...changes],
      verify: true,
      ...(stateAtMs !== undefined && { stateAtMs: ms(stateAtMs) }),
    },
    'ann',
  );
  expect(started.ok).toBe(true);
  await expect.poll(() => whatIfs.newest()?.state, { timeout: 20_000 }).not.toBe('running');
  const { answer, message } = whatIfs.newest() ?? {};
  if (!answer) throw new Error(message);
  return answer;
}

test('an unchanged plant gives the recorded placements and waits, and equal digests each time', async () => {
  const stage = await new RecorderStage().open();
  const truth = await recordedLoad(stage);
  const { baseline, changed, digestsEqual, leftOut, notes } = await answered(stage, truth, []);
  expect(digestsEqual).toBe(true);
  expect(baseline.digest).toBe(changed.digest);
  expect(baseline.placements).toBe(truth.placements);
  expect(baseline).toMatchObject({
    submitted: 40,
    succeeded: 40,
    refused: 0,
    liveAtEnd: 0,
    estimatedRuns: 0,
  });
  const [waits] = baseline.waits;
  // The stage moved in steps of a second.
  expect(Math.abs((waits?.maxMs ?? 0) - (truth.waits.at(-1) ?? 0))).toBeLessThanOrEqual(1_000);
  expect(Math.abs((waits?.p50Ms ?? 0) - (truth.waits[19] ?? 0))).toBeLessThanOrEqual(1_000);
  expect({ leftOut, notes }).toEqual({ leftOut: {}, notes: [] });
  await stage.close();
});

test('a drained line lengthens waits, more nodes shorten them', async () => {
  const stage = await new RecorderStage().open();
  const truth = await recordedLoad(stage);
  const drained = await answered(stage, truth, [{ kind: 'drain', select: { line: 'L1' } }]);
  const p95 = (answer: WhatIfAnswer, which: 'baseline' | 'changed'): number =>
    answer[which].waits[0]?.p95Ms ?? 0;
  expect(p95(drained, 'changed')).toBeGreaterThan(p95(drained, 'baseline') + 10_000);
  expect(drained.digestsEqual).toBe(true);
  const removed = await answered(stage, truth, [{ kind: 'remove', select: { nodes: [nodeId('N-L1')] } }]);
  expect(removed.changed.waits).toEqual(drained.changed.waits);
  const grown = await answered(stage, truth, [{ kind: 'add', like: nodeId('N-L0'), count: 4 }]);
  expect(p95(grown, 'baseline')).toBeGreaterThan(0);
  expect(p95(grown, 'changed')).toBe(0);
  await stage.close();
});

test('the load of the past may meet the plant of now', async () => {
  const stage = await new RecorderStage().open();
  const truth = await recordedLoad(stage);
  const now = await answered(stage, truth, [{ kind: 'cordon', select: { line: 'L0' } }], {
    stateAtMs: truth.untilMs,
  });
  expect(now.baseline).toMatchObject({ submitted: 40, succeeded: 40 });
  expect(now.changed.waits[0]?.maxMs).toBeGreaterThan(now.baseline.waits[0]?.maxMs ?? 0);
  expect(now.digestsEqual).toBe(true);
  await stage.close();
});

test('a what-if is refused where it names nothing, and ends when it is cancelled', async () => {
  const stage = await new RecorderStage().open();
  const truth = await recordedLoad(stage);
  await expect(answered(stage, truth, [{ kind: 'drain', select: { line: 'L9' } }])).rejects.toThrow(
    'no node of then matches {"line":"L9"}',
  );
  const { whatIfs } = stage.recorder;
  const span = { fromMs: ms(truth.fromMs), untilMs: ms(truth.untilMs), changes: [], verify: false };
  expect(whatIfs.start({ ...span, untilMs: span.fromMs }, 'ann')).toMatchObject({ ok: false });
  const started = whatIfs.start(span, 'ann');
  expect(whatIfs.start(span, 'ann')).toMatchObject({ ok: false, reason: { code: 'too_many' } });
  const runId = started.ok ? started.value.runId : 0;
  expect(whatIfs.cancel(runId)).toMatchObject({ ok: true, value: { state: 'cancelled' } });
  expect(whatIfs.cancel(runId)).toMatchObject({ ok: false });
  await stage.close();
});

test('arrays and workflows come again as what they were', async () => {
  const stage = await new RecorderStage().open();
  await stage.begin();
  const fromMs = stage.nowMs;
  const spec = taskSpec({ queue: 'default' });
  const first = { ref: 'a', spec, after: [], when: 'all_success' as const };
  await stage.turn([
    { kind: 'SubmitTasks', actor: 'mes', specs: [taskSpec({ array: { count: 5 } })] },
    {
      kind: 'SubmitWorkflow',
      actor: 'mes',
      workflow: { name: 'line', tasks: [first, { ...first, ref: 'b', after: ['a'] }] },
    },
  ]);
  for (let round = 0; round < 4; round += 1) await stage.endAll();
  const truth = { fromMs, untilMs: stage.nowMs + 60_000, placements: 7, waits: [] };
  const { baseline, leftOut, digestsEqual } = await answered(stage, truth, []);
  expect(baseline).toMatchObject({ placements: 7, succeeded: 7, liveAtEnd: 0 });
  expect({ leftOut, digestsEqual }).toEqual({ leftOut: {}, digestsEqual: true });
  await stage.close();
});
