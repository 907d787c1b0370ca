// millrace remove-...: takes away what has a name.
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';

/** `field`: what its name is called in answers, where that is not the thing itself. */
export const removal = (thing: string, about: string, field = thing): Command => ({
  form: 'NAME...',
  about,
  options: {},
  run: async ({ words }, { client, out, isJson }) => {
    if (words.length === 0) throw wrongUsage(`name at least one ${thing}`);
    for (const name of words) {
      const path = `/${thing}s/${encodeURIComponent(name)}`;
      const answer = await client.ask(answerSchemas.Removed, { method: 'DELETE', path });
      out(isJson ? `${JSON.stringify({ [field]: name, ...answer })}\n` : `${name} removed\n`);
    }
    return exitCodes.ok;
  },
});
