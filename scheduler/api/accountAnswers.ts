// Answers about users and API tokens, as schemas.
import * as v from 'valibot';
import { type ApiTokenRow, roles, type UserRow, type WhoAmI } from '../protocol/accounts.ts';
import { answerOf, amount, count } from './answerOf.ts';

const queues = v.union([v.literal('*'), v.array(v.string())]);
const rights = { role: v.picklist(roles), queues };
const tokenEntries = {
  name: v.string(),
  ...rights,
  createdAtMs: amount,
  createdBy: v.string(),
  expiresAtMs: amount,
  isExpired: v.boolean(),
  lastUsedAtMs: v.exactOptional(amount),
};
const user = answerOf<UserRow>()(
  v.object({
    user: v.string(),
    ...rights,
    mustChange: v.boolean(),
    createdAtMs: amount,
    passwordAtMs: amount,
    lastLoginAtMs: v.exactOptional(amount),
    sessions: count,
  }),
);
const token = answerOf<ApiTokenRow>()(v.object(tokenEntries));

export const accountAnswers = {
  WhoAmI: answerOf<WhoAmI>()(
    v.object({
      user: v.string(),
      role: v.picklist([...roles, 'nobody']),
      queues,
      source: v.string(),
      mustChange: v.exactOptional(v.boolean()),
      hasAccounts: v.boolean(),
    }),
  ),
  UserRow: user,
  UserList: v.object({ users: v.array(user) }),
  PasswordChanged: v.object({ changed: v.boolean() }),
  ApiTokenRow: token,
  ApiTokenList: v.object({ tokens: v.array(token) }),
  NewApiToken: v.object({ ...tokenEntries, token: v.string() }),
  Revoked: v.object({ revoked: v.boolean() }),
};
