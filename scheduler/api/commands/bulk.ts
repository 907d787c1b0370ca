// millrace tasks requeue, tasks cancel: one act on all tasks that match, after their number was seen and confirmed.
import type { InferOutput } from 'valibot';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { filterOf, filterOptions } from './filterOptions.ts';
import { followJob } from './jobs.ts';
import { linesOf } from './lines.ts';
import type { Tools } from './tools.ts';

type Preview = InferOutput<typeof answerSchemas.BulkPreview>;
const acts = ['requeue', 'cancel'] as const;
type Act = (typeof acts)[number];

export const tasks: Command = {
  form: 'requeue|cancel [options]',
  about: 'Puts back, or cancels, all tasks that match; says how many, and asks. Ctrl-C stops it where it is.',
  options: {
    ...filterOptions,
    yes: { type: 'boolean', about: 'without being asked' },
    reason: { type: 'string', value: 'TEXT', about: 'written beside tasks that are cancelled' },
    'of-job': { type: 'string', value: 'JOB', about: 'cancel: those that this requeue put back' },
  },
  run: async (given, tools) => {
    const act = actOf(given);
    const ofJob = given.number('of-job');
    const names = Object.keys(filterOptions);
    if (ofJob !== undefined && given.areSet(names).length > 0)
      throw wrongUsage('--of-job takes no filter beside it');
    if (ofJob === undefined && given.areSet(names).length === 0)
      throw wrongUsage('give a filter: all tasks of the plant are not meant by a word left out');
    const filter = ofJob === undefined ? filterOf(given) : undefined;
    if (filter && !given.flag('yes') && !(await isConfirmed(act, filter, tools))) return exitCodes.usage;
    const body = JSON.stringify({ act, filter, ofJob, reason: given.text('reason') });
    return followJob({ method: 'POST', path: '/tasks/bulk', body }, tools);
  },
};

function actOf({ words }: Given): Act {
  const act = acts.find((name) => name === words[0]);
  if (act !== undefined && words.length === 1) return act;
  throw wrongUsage('say requeue or cancel, and which tasks by options; for tasks by id see retry and cancel');
}

/** Read from standard input, so that a script that says nothing does nothing. */
async function isConfirmed(act: Act, filter: object, tools: Tools): Promise<boolean> {
  const body = JSON.stringify({ act, filter });
  const call = { method: 'POST', path: '/tasks/bulk/preview', body } as const;
  const preview = await tools.client.ask(answerSchemas.BulkPreview, call);
  tools.say(`${inWords(preview)}\n`);
  if (preview.total === 0) return false;
  tools.say(`type yes to ${act} them: `);
  for await (const { text } of linesOf(tools.input))
    if (text.trim().toLowerCase() === 'yes') return true;
    else break;
  tools.say('nothing was done; --yes answers for you\n');
  return false;
}

function inWords({ total, isEstimate, states, unbegun }: Preview): string {
  const parts = states.map(({ state, tasks: count }) => `${count} ${state}`).join(', ');
  const arrays = unbegun > 0 ? `, of them ${unbegun} elements of arrays that have not begun` : '';
  return `${isEstimate ? 'about ' : ''}${total} tasks match${parts === '' ? '' : `: ${parts}`}${arrays}`;
}
