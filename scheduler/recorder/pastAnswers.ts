// What a core of the past answers, by question.
import type { Core } from '../core/cycle.ts';
import { formatTaskId, ms } from '../protocol/brands.ts';
import { refusal, Refused } from '../protocol/outcome.ts';
import type { PastAsks, PastQuestion, PastSummary, RecorderResults } from '../protocol/recorder.ts';
import { pastFrame, pastTopology } from './pastFrame.ts';
import type { PastAsk } from './pastMessages.ts';

type Answers = {
  readonly [Name in PastQuestion]: (core: Core, asks: PastAsks<Name>) => RecorderResults[Name];
};

const answers: Answers = {
  seekRecorder: summaryOf,
  recorderTopology: (core) => pastTopology(core.view()),
  recorderFrame: (core, { atMs, metric }) => pastFrame(core.view(), atMs, metric),
  recorderTasks: (core, { filter, before, limit }) => core.view().liveTasks(filter, before, limit),
  recorderNodes: (core, { text, state, offset, limit }) =>
    core.view().nodes({ ...(text !== undefined && { text }), ...(state && { state }) }, offset, limit),
  recorderWhy: (core, { taskId, atMs }) => {
    const why = core.view().why(taskId);
    if (why) return why;
    const said = `${formatTaskId(taskId)} was not live at ${new Date(atMs).toISOString()}`;
    throw new Refused(refusal('unknown_task', said, { field: 'taskId' }));
  },
};

export function answerOf(core: Core, { question, asks }: PastAsk): RecorderResults[PastQuestion] {
  // The table is typed by name; the compiler cannot see that both sides of this call have the same one.
  const answer = answers[question] as (core: Core, asks: unknown) => RecorderResults[PastQuestion];
  return answer(core, asks);
}

function summaryOf(core: Core, { atMs, withDigest }: PastAsks<'seekRecorder'>): PastSummary {
  const view = core.view();
  const { cpuTotal, cpuAllocated, memoryTotal, memoryAllocated } = view.fleetUse();
  return {
    atMs,
    batchAtMs: ms(core.state.lastBatchAtMs),
    sequence: core.state.sequence,
    ...(withDigest && { digest: core.digest() }),
    epoch: view.epoch(),
    nodes: view.nodeCounts(),
    tasks: view.taskCounts(),
    use: { cpuTotal, cpuAllocated, memoryTotal, memoryAllocated },
    queues: view.queues(),
  };
}
