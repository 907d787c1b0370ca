// Methods of logins, users and tokens.
import type { Params } from '../protocol/consoleWire.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { AccountResults } from '../protocol/accounts.ts';
import type { AccountsPort } from './accountsPort.ts';
import type { MethodTable } from './methodTable.ts';
import type { Seat } from './seat.ts';

export const accountMethods = (accounts: AccountsPort): Pick<MethodTable, keyof AccountResults> => ({
  login: (params, seat) => login(params, seat, accounts),
  logout: (_params, seat) => {
    seat.leave();
    return accepted({ loggedOut: true });
  },
  whoAmI: (_params, seat) => accepted(seat.who),
  changePassword: async (typed, { ticket }) => {
    if (ticket === undefined) return refused(noPassword);
    return answer(await accounts.changePassword(ticket, typed), { changed: true });
  },
  listUsers: () => accepted({ users: accounts.listUsers() }),
  saveUser: (draft) => accounts.saveUser(draft),
  removeUser: ({ user }) => answer(accounts.removeUser(user), { removed: true }),
  resetPassword: async (typed) => answer(await accounts.resetPassword(typed), { changed: true }),
  listTokens: () => accepted({ tokens: accounts.listTokens() }),
  createToken: (draft, { actor }) => accounts.createToken(draft, actor),
  revokeToken: ({ name }) => answer(accounts.revokeToken(name), { revoked: true }),
});

async function login(
  params: Params<'login'>,
  seat: Seat,
  accounts: AccountsPort,
): Promise<Outcome<AccountResults['login'], Refusal>> {
  const { source } = seat.session;
  const entered =
    'token' in params ? accounts.resume(params.token, source) : await accounts.login(params, source);
  if (!entered.ok) return entered;
  // The token of the session that this window had is of no use any more.
  if (seat.ticket !== undefined && seat.ticket !== entered.value.ticket) seat.leave();
  seat.enter(entered.value.ticket);
  return accepted({ token: entered.value.token, who: seat.who });
}

const answer = <Value>(outcome: Outcome<void, Refusal>, value: Value): Outcome<Value, Refusal> =>
  outcome.ok ? accepted(value) : outcome;

const noPassword = refusal('wrong_state', 'who came without a login has no password to change');
