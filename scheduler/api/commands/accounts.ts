// millrace whoami, users, put-user, reset-password, remove-user, tokens, create-token, revoke-token.
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, onlyWord, type Options, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { removal } from './removal.ts';
import { printRows, timeOf, type Tools } from './tools.ts';

const rightsOptions: Options = {
  role: { type: 'string', value: 'ROLE', about: 'viewer, operator, engineer or administrator' },
  queue: { type: 'string', value: 'NAME', multiple: true, about: 'acts on this queue only (default: all)' },
};
const roleOf = (given: Given): string => {
  const role = given.text('role');
  if (role === undefined) throw wrongUsage('give --role');
  return role;
};
const queuesOf = (given: Given): '*' | readonly string[] =>
  given.texts('queue').length === 0 ? '*' : given.texts('queue');
const inWords = (queues: '*' | readonly string[]): string => (queues === '*' ? 'all' : queues.join(','));

export const whoami: Command = {
  form: '',
  about: 'Says who the token stands for.',
  options: {},
  run: async (_given, { client, out, isJson }) => {
    const who = await client.ask(answerSchemas.WhoAmI, { method: 'GET', path: '/whoami' });
    const words = `${who.user} (${who.role}), queues: ${inWords(who.queues)}\n`;
    out(isJson ? `${JSON.stringify(who)}\n` : words);
    return exitCodes.ok;
  },
};

export const users: Command = {
  form: '',
  about: 'Lists who may log in.',
  options: {},
  run: async (_given, tools) => {
    const list = await tools.client.ask(answerSchemas.UserList, { method: 'GET', path: '/users' });
    printRows(tools, list.users, ['USER', 'ROLE', 'QUEUES', 'PASSWORD SINCE', 'SESSIONS'], (row) => [
      row.user,
      row.role,
      inWords(row.queues),
      row.mustChange ? 'to be changed' : timeOf(row.passwordAtMs),
      row.sessions,
    ]);
    return exitCodes.ok;
  },
};

export const putUser: Command = {
  form: 'NAME --role ROLE [--password-stdin]',
  about: 'Makes a user, or sets role and queues of one.',
  options: {
    ...rightsOptions,
    'password-stdin': {
      type: 'boolean',
      about: 'reads the first password of a new user from standard input',
    },
  },
  run: async (given, tools) => {
    const name = onlyWord(given, 'user');
    const password = given.flag('password-stdin') ? await readPassword(tools) : undefined;
    const settings = {
      role: roleOf(given),
      queues: queuesOf(given),
      ...(password !== undefined && { password }),
    };
    const call = { method: 'PUT', path: userPath(name), body: JSON.stringify(settings) } as const;
    const row = await tools.client.ask(answerSchemas.UserRow, call);
    tools.out(tools.isJson ? `${JSON.stringify(row)}\n` : `${row.user}: ${row.role}\n`);
    return exitCodes.ok;
  },
};

export const resetPassword: Command = {
  form: 'NAME',
  about: 'Sets another password, read from standard input, to be changed at the next login.',
  options: {},
  run: async (given, tools) => {
    const name = onlyWord(given, 'user');
    const body = JSON.stringify({ password: await readPassword(tools) });
    const call = { method: 'PUT', path: `${userPath(name)}/password`, body } as const;
    const answer = await tools.client.ask(answerSchemas.PasswordChanged, call);
    tools.out(
      tools.isJson ? `${JSON.stringify({ user: name, ...answer })}\n` : `${name}: password changed\n`,
    );
    return exitCodes.ok;
  },
};

export const removeUser = removal('user', 'Takes a user away. The last administrator stays.');

export const tokens: Command = {
  form: '',
  about: 'Lists API tokens, without the tokens themselves.',
  options: {},
  run: async (_given, tools) => {
    const list = await tools.client.ask(answerSchemas.ApiTokenList, { method: 'GET', path: '/tokens' });
    printRows(tools, list.tokens, ['TOKEN', 'ROLE', 'QUEUES', 'BY', 'ENDS', 'LAST USED'], (row) => [
      row.name,
      row.role,
      inWords(row.queues),
      row.createdBy,
      row.isExpired ? 'ended' : timeOf(row.expiresAtMs),
      row.lastUsedAtMs === undefined ? '-' : timeOf(row.lastUsedAtMs),
    ]);
    return exitCodes.ok;
  },
};

export const createToken: Command = {
  form: 'NAME --role ROLE [--days N]',
  about: 'Makes an API token for a program and prints it, this one time.',
  options: {
    ...rightsOptions,
    days: { type: 'string', value: 'N', about: 'ends after so many days (default 365)' },
  },
  run: async (given, { client, out, isJson }) => {
    const name = onlyWord(given, 'token');
    const days = given.number('days');
    const draft = { name, role: roleOf(given), queues: queuesOf(given), ...(days !== undefined && { days }) };
    const call = { method: 'POST', path: '/tokens', body: JSON.stringify(draft) } as const;
    const made = await client.ask(answerSchemas.NewApiToken, call);
    out(isJson ? `${JSON.stringify(made)}\n` : `${made.token}\n`);
    return exitCodes.ok;
  },
};

export const revokeToken: Command = {
  form: 'NAME',
  about: 'Ends an API token.',
  options: {},
  run: async (given, { client, out, isJson }) => {
    const name = onlyWord(given, 'token');
    const call = { method: 'DELETE', path: `/tokens/${encodeURIComponent(name)}` } as const;
    const answer = await client.ask(answerSchemas.Revoked, call);
    out(isJson ? `${JSON.stringify({ name, ...answer })}\n` : `${name} revoked\n`);
    return exitCodes.ok;
  },
};

const userPath = (name: string): string => `/users/${encodeURIComponent(name)}`;

/** One line: a password among the words of a command would be seen by others. */
async function readPassword({ input, say }: Tools): Promise<string> {
  say('password: ');
  let text = '';
  for await (const piece of input) {
    text += String(piece);
    if (text.includes('\n')) break;
  }
  const [line = ''] = text.split(/\r?\n/);
  if (line === '') throw wrongUsage('no password came on standard input');
  return line;
}
