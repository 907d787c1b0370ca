// Users and API tokens over HTTP. Each asks the console by the method that windows use.
import type { GenericSchema } from 'valibot';
import * as v from 'valibot';
import { accountMethodSchemas } from '../protocol/accounts.ts';
import { refusal, refused } from '../protocol/outcome.ts';
import { type Answer, type Ask, jsonOf, type Operation } from './operation.ts';
import { removal } from './removal.ts';

const { saveUser, resetPassword, createToken } = accountMethodSchemas;
const userSchema: GenericSchema = v.omit(saveUser, ['user']);
const passwordSchema: GenericSchema = v.omit(resetPassword, ['user']);
const atMs = 1_790_000_000_000;
const rights = { role: 'operator', queues: ['press-3'] };
const user = { user: 'ann', ...rights, mustChange: true, createdAtMs: atMs, passwordAtMs: atMs, sessions: 0 };
const token = {
  name: 'mes',
  ...rights,
  createdAtMs: atMs,
  createdBy: 'ann',
  expiresAtMs: atMs + 365 * 86_400_000,
  isExpired: false,
};

export const accountOperations: readonly Operation[] = [
  {
    id: 'whoAmI',
    method: 'GET',
    path: '/whoami',
    about: 'Who the token stands for, and what that allows.',
    answer: {
      name: 'WhoAmI',
      status: 200,
      example: { user: 'program:mes', ...rights, source: '10.0.0.7', hasAccounts: true },
    },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('whoAmI', {})),
  },
  {
    id: 'listUsers',
    method: 'GET',
    path: '/users',
    about: 'Who may log in, with which role, on which queues.',
    answer: { name: 'UserList', status: 200, example: { users: [user] } },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('listUsers', {})),
  },
  {
    id: 'saveUser',
    method: 'PUT',
    path: '/users/{user}',
    about: 'Makes a user, with a password to be changed at the first login, or sets role and queues of one.',
    body: { name: 'UserSettings', schema: userSchema, example: rights },
    answer: { name: 'UserRow', status: 200, example: user },
    refuses: ['unknown_user', 'weak_password', 'wrong_state'],
    run: (ask) => withBody(ask, 'saveUser'),
  },
  {
    id: 'resetPassword',
    method: 'PUT',
    path: '/users/{user}/password',
    about: 'Another password, to be changed at the next login. Ends the sessions.',
    body: { name: 'NewPassword', schema: passwordSchema, example: { password: 'three blue wagons roll' } },
    answer: { name: 'PasswordChanged', status: 200, example: { changed: true } },
    refuses: ['unknown_user', 'weak_password'],
    run: (ask) => withBody(ask, 'resetPassword'),
  },
  removal('removeUser', {
    path: '/users/{user}',
    about: 'Takes a user away and ends the sessions. The last administrator stays.',
    refuses: ['unknown_user', 'wrong_state'],
  }),
  {
    id: 'listTokens',
    method: 'GET',
    path: '/tokens',
    about: 'API tokens, without the tokens themselves.',
    answer: { name: 'ApiTokenList', status: 200, example: { tokens: [token] } },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('listTokens', {})),
  },
  {
    id: 'createToken',
    method: 'POST',
    path: '/tokens',
    about: 'Makes an API token for a program. The answer holds it, this one time.',
    body: { name: 'ApiTokenSettings', schema: createToken, example: { name: 'mes', ...rights, days: 365 } },
    answer: { name: 'NewApiToken', status: 200, example: { ...token, token: 'mrt_8Yq2v0Xc7rB1n5KsTz4Lw9' } },
    refuses: ['too_many', 'wrong_state'],
    run: async ({ caller, body }) => jsonOf(await caller.call('createToken', body)),
  },
  {
    id: 'revokeToken',
    method: 'DELETE',
    path: '/tokens/{name}',
    about: 'Ends an API token: its program is refused from its next request on.',
    answer: { name: 'Revoked', status: 200, example: { revoked: true } },
    refuses: ['unknown_user'],
    run: async ({ caller, path }) => jsonOf(await caller.call('revokeToken', path)),
  },
];

async function withBody({ caller, path, body }: Ask, method: 'saveUser' | 'resetPassword'): Promise<Answer> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return jsonOf(await caller.call(method, { ...body, ...path }));
  return refused(refusal('bad_message', 'the body is one JSON object'));
}
