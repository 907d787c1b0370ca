// What the guard answers an attempt: is it still ours, one line in a file once per task, a command once per task.
import { resolve } from 'node:path';
import { formatTaskId, type Token } from '../../scheduler/protocol/brands.ts';
import type { AttemptName } from '../hubMessages.ts';
import type { Standing } from '../stillMine.ts';
import { appendOnce, lineTextMax } from './appendOnce.ts';
import type { Question } from './door.ts';
import { type Answer, exits } from './exits.ts';
import { onceNameMax, type OnceRecords } from './onceRecords.ts';

export interface GuardParts {
  readonly stillMine: (token: Token) => Promise<Standing>;
  readonly records: OnceRecords;
}

const answers: Readonly<Record<Standing, Answer>> = {
  mine: { code: exits.mine, said: 'mine' },
  not_mine: { code: exits.notMine, said: 'this attempt is no longer this node’s: end without the effect' },
  unknown: {
    code: exits.unknown,
    said: 'the hub does not answer, and the lease of this attempt may have run out',
  },
};

export function answerGuard(parts: GuardParts, question: Question): Promise<Answer> {
  const verb = question.words[0] ?? '';
  const answer = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  return answer?.(parts, question) ?? Promise.resolve(misused('the guard knows check, append and once'));
}

const verbs: Readonly<Record<string, (parts: GuardParts, question: Question) => Promise<Answer>>> = {
  check: async ({ stillMine }, { attempt }) => answers[await stillMine(attempt.token)],

  append: async ({ stillMine }, { attempt, folder, words }) => {
    const [, file = '', text = ''] = words;
    if (file === '' || /[\n\r\0]/.test(text) || text.length > lineTextMax)
      return misused(`append takes a file and one line of at most ${String(lineTextMax)} characters`);
    // The file itself keeps an effect from happening twice, so an unknown standing does not hinder it.
    const standing = await stillMine(attempt.token);
    if (standing === 'not_mine') return answers.not_mine;
    return appendOnce(resolve(folder, file), { ...callOf(attempt), text });
  },

  begin: async ({ stillMine, records }, { attempt, words }) => {
    const name = words[1] ?? '';
    if (name === '' || name.length > onceNameMax)
      return misused(`once takes a name of 1 to ${String(onceNameMax)} characters`);
    const standing = await stillMine(attempt.token);
    return standing === 'mine' ? records.begin({ ...callOf(attempt), name }) : answers[standing];
  },

  end: ({ records }, { attempt, words }) =>
    Promise.resolve(records.end({ ...callOf(attempt), name: words[1] ?? '' }, Number(words[2]))),
};

const callOf = ({ taskId, token }: AttemptName) => ({ task: formatTaskId(taskId), token });
const misused = (said: string): Answer => ({ code: exits.usage, said });
