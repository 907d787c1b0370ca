// The recorded past over HTTP. Each asks the console by the method that windows use.
import { recorderMethodSchemas } from '../protocol/recorder.ts';
import { timeSchema, whole } from '../protocol/consoleParams.ts';
import * as examples from './examples.ts';
import { type Answer, type Ask, jsonOf, type Operation, readTaskId } from './operation.ts';
import type { QueryFields } from './query.ts';

const { recorderNodes, recorderTasks, seekRecorder } = recorderMethodSchemas;
const atMs: QueryFields = {
  atMs: { kind: 'number', schema: timeSchema, about: 'The time that is asked for: milliseconds since 1970' },
};
const refuses = ['wrong_state'] as const;
const { queues, nodes, tasks, use } = examples.health;
const state = {
  isOn: true,
  reachesBackToMs: 1_793_913_600_000,
  untilMs: 1_794_000_000_000,
  bytes: 81_920_000,
  bytesMax: 4_294_967_296,
  keepHours: 24,
  snapshots: 9,
  gaps: 0,
  notices: [],
};
const past = {
  atMs: 1_793_950_000_000,
  batchAtMs: 1_793_949_999_500,
  sequence: 4_711,
  epoch: 3,
  nodes,
  tasks,
  use: {
    cpuTotal: use.cpuTotal,
    cpuAllocated: use.cpuAllocated,
    memoryTotal: use.memoryTotal,
    memoryAllocated: use.memoryAllocated,
  },
  queues,
};

export const recorderOperations: readonly Operation[] = [
  {
    id: 'getRecorder',
    method: 'GET',
    path: '/recorder',
    about: 'How far back the flight recorder reaches, what it takes, and the seek that is under way.',
    answer: { name: 'RecorderState', status: 200, example: state },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('getRecorder', {})),
  },
  {
    id: 'seekRecorder',
    method: 'GET',
    path: '/recorder/at',
    about:
      'Counts and queues as they were at a time. A later time is reached by replaying only what lies between.',
    query: {
      ...atMs,
      withDigest: {
        kind: 'flag',
        schema: seekRecorder.entries.withDigest,
        about: 'With the digest of the state then',
      },
    },
    answer: { name: 'PastSummary', status: 200, example: past },
    refuses,
    run: async ({ caller, query }) => jsonOf(await caller.call('seekRecorder', query)),
  },
  {
    id: 'recorderNodes',
    method: 'GET',
    path: '/recorder/nodes',
    about: 'Nodes as they were at a time. Use as measured is not recorded; metric history has it.',
    query: {
      ...atMs,
      text: {
        kind: 'text',
        schema: recorderNodes.entries.text.wrapped,
        about: 'Part of the name or the place',
      },
      state: { kind: 'text', schema: recorderNodes.entries.state.wrapped, about: 'In this state' },
      offset: { kind: 'number', schema: whole, about: 'Rows to skip' },
      limit: { kind: 'number', schema: recorderNodes.entries.limit, about: 'Rows of a page' },
    },
    answer: { name: 'NodePage', status: 200, example: { rows: [examples.node], total: 1 } },
    refuses,
    run: async ({ caller, query }) => jsonOf(await caller.call('recorderNodes', query)),
  },
  {
    id: 'recorderTasks',
    method: 'GET',
    path: '/recorder/tasks',
    about: 'Tasks that were live at a time, newest first.',
    query: {
      ...atMs,
      text: {
        kind: 'text',
        schema: recorderNodes.entries.text.wrapped,
        about: 'Part of name or program line',
      },
      queue: { kind: 'text', schema: recorderNodes.entries.text.wrapped, about: 'In this queue' },
      before: { kind: 'number', schema: whole, about: 'Below this task id: `nextBefore` of the page before' },
      limit: { kind: 'number', schema: recorderTasks.entries.limit, about: 'Rows of a page' },
    },
    answer: { name: 'LivePage', status: 200, example: { rows: [], total: 0 } },
    refuses,
    run: listTasks,
  },
  {
    id: 'recorderWhy',
    method: 'GET',
    path: '/recorder/tasks/{taskId}/why',
    about: 'Why a task that was live at a time waited, or where it was.',
    query: atMs,
    answer: { name: 'WhyAnswer', status: 200, example: examples.why },
    refuses: ['wrong_state', 'unknown_task'],
    run: whyThen,
  },
  {
    id: 'stopSeek',
    method: 'POST',
    path: '/recorder/stop',
    about: 'Ends the seek that is under way; whoever asked for it is refused `wrong_state`.',
    answer: { name: 'SeekStopped', status: 200, example: { stopped: true } },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('stopSeek', {})),
  },
];

async function listTasks({ caller, query: { text, queue, ...rest } }: Ask): Promise<Answer> {
  const filter = { ...(text !== undefined && { text }), ...(queue !== undefined && { queue }) };
  return jsonOf(await caller.call('recorderTasks', { ...rest, filter }));
}

async function whyThen(ask: Ask): Promise<Answer> {
  const taskId = readTaskId(ask);
  if (!taskId.ok) return taskId;
  return jsonOf(await ask.caller.call('recorderWhy', { ...ask.query, taskId: taskId.value }));
}
