// Users, passwords, sessions, failures and API tokens: who comes in, for how long, and who has to wait.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Accounts } from '../../scheduler/accounts/accounts.ts';
import { weaknessOf } from '../../scheduler/accounts/passwordRules.ts';
import { PasswordHasher, presentCost } from '../../scheduler/accounts/passwords.ts';
import * as limits from '../../scheduler/protocol/accountLimits.ts';
import type { AuditAct } from '../../scheduler/protocol/audit.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import type { Outcome, Refusal } from '../../scheduler/protocol/outcome.ts';

const password = 'three blue wagons roll';
const other = 'seven green lathes hum';
/** The cheapest there is: what is tested does not depend on the cost. */
const cost = { cost: 2, blockSize: 1, parallel: 1 };
let folder = '';
let nowMs = 0;
let acts: AuditAct[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-accounts-'));
  nowMs = 1_000_000;
  acts = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function open(): Accounts {
  const opened = Accounts.open({
    folder,
    clock: () => ms(nowMs),
    audit: (act) => acts.push(act),
    isOwners: (token) => token === 'owners',
    cost,
  });
  if (!opened.ok) throw new Error(opened.reason.message);
  return opened.value;
}
function valueOf<Value>(outcome: Outcome<Value, Refusal>): Value {
  if (!outcome.ok) throw new Error(outcome.reason.message);
  return outcome.value;
}
async function withAnn(): Promise<Accounts> {
  const accounts = open();
  valueOf(await accounts.saveUser({ user: 'ann', role: 'administrator', queues: '*', password }));
  return accounts;
}
async function withBob(): Promise<Accounts> {
  const accounts = await withAnn();
  valueOf(await accounts.saveUser({ user: 'bob', role: 'operator', queues: ['press'], password: other }));
  return accounts;
}
const ann = { user: 'ann', password };
const bob = { user: 'bob', password: other };

describe('the window of the workstation', () => {
  test('acts as administrator until the first administrator was made, and then as nobody', async () => {
    const accounts = open();
    expect(accounts.atWindow()).toMatchObject({ user: 'local', role: 'administrator' });
    await accounts.saveUser({ user: 'vi', role: 'viewer', queues: '*', password });
    expect(accounts.atWindow()).toMatchObject({ user: 'local' });
    await accounts.saveUser({ user: 'ann', role: 'administrator', queues: '*', password });
    expect(accounts.atWindow()).toMatchObject({ user: 'nobody', role: 'nobody' });
  });
});

describe('a login', () => {
  test('gives a session with the rights of the user, in any case of letters', async () => {
    const accounts = await withBob();
    const { session, token, ticket } = valueOf(await accounts.login({ ...bob, user: 'BOB' }, 'a'));
    expect(session).toEqual({
      user: 'bob',
      role: 'operator',
      queues: ['press'],
      source: 'a',
      mustChange: true,
    });
    expect(valueOf(accounts.resume(token, 'b')).ticket).toBe(ticket);
    expect(acts.at(-1)).toMatchObject({ action: 'login_ok', actor: 'bob', source: 'a', outcome: 'done' });
  });
  test('is refused in the same words for a wrong password and a name that nobody has', async () => {
    const accounts = await withAnn();
    const wrong = await accounts.login({ user: 'ann', password: 'x' }, 'a');
    const unknown = await accounts.login({ user: 'eve', password: 'x' }, 'a');
    expect(wrong).toMatchObject({ ok: false, reason: { code: 'wrong_password' } });
    expect(unknown).toEqual(wrong);
    expect(acts.map(({ details }) => details?.['user'])).toEqual(['ann', 'unknown']);
    expect(JSON.stringify(acts)).not.toContain('eve');
  });
  test('waits longer after each failure beyond the free ones, also with the right password', async () => {
    const accounts = await withAnn();
    const waits: number[] = [];
    for (let tries = 0; tries < limits.loginFailuresFree + 2; tries += 1) {
      const refused = await accounts.login({ user: 'ann', password: 'x' }, 'a');
      const waitMs = refused.ok ? -1 : (refused.reason.retryAfterMs ?? 0);
      waits.push(waitMs);
      if (waitMs > 0)
        expect(await accounts.login(ann, 'a')).toMatchObject({
          reason: { code: 'too_many', retryAfterMs: waitMs },
        });
      nowMs += waitMs;
    }
    expect(waits).toEqual([0, 0, 0, 0, 1_000, 2_000, 4_000]);
    expect(acts.filter(({ action }) => action === 'locked_out')).toHaveLength(3);
    expect(await accounts.login(ann, 'a')).toMatchObject({ ok: true });
  });
  test('the wait for a name that nobody has is the same', async () => {
    const accounts = await withAnn();
    const last = [];
    for (const user of ['ann', 'eve'])
      for (let tries = 0; tries < limits.loginFailuresFree; tries += 1)
        last.push(await accounts.login({ user, password: 'x' }, user));
    expect(last[4]).toEqual(last[9]);
    expect(last[4]).toMatchObject({ reason: { retryAfterMs: 1_000 } });
  });
  test('many tries at once are as many failures', async () => {
    const accounts = await withAnn();
    const tries = Array.from({ length: 12 }, () => accounts.login({ user: 'ann', password: 'x' }, 'a'));
    const codes = (await Promise.all(tries)).map((outcome) => (outcome.ok ? '' : outcome.reason.code));
    expect(codes.filter((code) => code === 'wrong_password')).toHaveLength(limits.loginFailuresFree);
    expect(codes.filter((code) => code === 'too_many')).toHaveLength(12 - limits.loginFailuresFree);
  });
  test('who guesses from elsewhere keeps nobody out for long', async () => {
    const accounts = await withAnn();
    for (let at = 0; at < limits.sharedFailuresFree + 20; at += 1) {
      await accounts.login({ user: 'ann', password: 'x' }, `guesser${at}`);
      nowMs += limits.nameWaitMaxMs;
    }
    expect(await accounts.login(ann, 'home')).toMatchObject({ ok: true });
  });
  test('one address that tries many names waits, though each name failed once', async () => {
    const accounts = await withAnn();
    for (let at = 0; at < limits.sharedFailuresFree; at += 1)
      await accounts.login({ user: `user${at}`, password: 'x' }, 'a');
    expect(await accounts.login(ann, 'a')).toMatchObject({ reason: { code: 'too_many' } });
    expect(await accounts.login(ann, 'b')).toMatchObject({ ok: true });
  });
});

describe('a session', () => {
  test('ends when idle, and at its longest though it is used', async () => {
    const accounts = await withAnn();
    const idle = valueOf(await accounts.login(ann, 'a'));
    nowMs += limits.sessionIdleMs - 1;
    expect(accounts.look(idle.ticket)).toBeDefined();
    nowMs += 1;
    expect(accounts.look(idle.ticket)).toBeUndefined();
    const used = valueOf(await accounts.login(ann, 'a'));
    for (let ageMs = 60_000; ageMs < limits.sessionLongestMs; ageMs += 60_000) {
      nowMs += 60_000;
      expect(accounts.use(used.ticket)).toBeDefined();
    }
    nowMs += 60_000;
    expect(accounts.use(used.ticket)).toBeUndefined();
    expect(accounts.resume(used.token, 'a')).toMatchObject({ reason: { code: 'not_logged_in' } });
  });
  test('has the rights its user has now, and ends with the user', async () => {
    const accounts = await withBob();
    const { ticket } = valueOf(await accounts.login(bob, 'a'));
    await accounts.saveUser({ user: 'bob', role: 'viewer', queues: '*' });
    expect(accounts.look(ticket)).toMatchObject({ role: 'viewer', queues: '*' });
    accounts.removeUser('bob');
    expect(accounts.look(ticket)).toBeUndefined();
  });
  test('of a name that is made anew is not the old one', async () => {
    const accounts = await withBob();
    const { ticket } = valueOf(await accounts.login(bob, 'a'));
    accounts.removeUser('bob');
    valueOf(await accounts.saveUser({ ...bob, role: 'administrator', queues: '*' }));
    expect(accounts.look(ticket)).toBeUndefined();
  });
  test('is over after logout and after a restart; the account stays', async () => {
    const accounts = await withAnn();
    const { ticket } = valueOf(await accounts.login(ann, 'a'));
    accounts.logout(ticket);
    expect(accounts.look(ticket)).toBeUndefined();
    expect(acts.at(-1)).toMatchObject({ action: 'logged_out', actor: 'ann' });
    const second = valueOf(await accounts.login(ann, 'a'));
    const reopened = open();
    expect(reopened.resume(second.token, 'a')).toMatchObject({ ok: false });
    expect(await reopened.login(ann, 'a')).toMatchObject({ ok: true });
  });
});

describe('a password', () => {
  test('is changed with the old one; the other sessions end and this one stays', async () => {
    const accounts = await withBob();
    const here = valueOf(await accounts.login(bob, 'a'));
    const there = valueOf(await accounts.login(bob, 'b'));
    const wrong = await accounts.changePassword(here.ticket, { old: 'x', next: password });
    expect(wrong).toMatchObject({ reason: { code: 'wrong_password', field: 'old' } });
    valueOf(await accounts.changePassword(here.ticket, { old: other, next: password }));
    expect(accounts.look(here.ticket)?.mustChange).toBeUndefined();
    expect(accounts.look(there.ticket)).toBeUndefined();
    expect(await accounts.login(bob, 'a')).toMatchObject({ ok: false });
    expect(acts.some(({ action, actor }) => action === 'password_changed' && actor === 'bob')).toBe(true);
  });
  test('that an administrator gives has to be changed, and ends the sessions', async () => {
    const accounts = await withAnn();
    const { ticket } = valueOf(await accounts.login(ann, 'a'));
    valueOf(await accounts.resetPassword({ user: 'ann', password: other }));
    expect(accounts.look(ticket)).toBeUndefined();
    const again = valueOf(await accounts.login({ user: 'ann', password: other }, 'a'));
    expect(again.session.mustChange).toBe(true);
  });
  test.each([
    ['short one 4567', 'bob'],
    ['aaaaaaaaaaaaaaaaaaaa', 'bob'],
    ['abcabcabcabcabcabc', 'bob'],
    ['password12345678', 'bob'],
    ['Millrace-millrace', 'bob'],
    ['roberta-roberta-1', 'roberta'],
  ])('%s is too easy for %s', (text, user) => {
    expect(weaknessOf(text, user, 'password')).toMatchObject({ code: 'weak_password', field: 'password' });
  });
  test.each([[password], ['correct horse battery staple'], ['三辆蓝色的小火车慢慢开过老车间门口']])(
    '%s may be used',
    (text) => {
      expect(weaknessOf(text, 'bob', 'password')).toBeUndefined();
    },
  );
  test('is stored with its parameters, and hashed anew with harder ones at a good login', async () => {
    await withAnn();
    const stored = () => readFileSync(join(folder, 'users.json'), 'utf8');
    expect(stored()).toContain('scrypt$2$1$1$');
    const harder = Accounts.open({
      folder,
      clock: () => ms(nowMs),
      audit: () => undefined,
      isOwners: () => false,
      cost: { ...cost, cost: 4 },
    });
    valueOf(await valueOf(harder).login(ann, 'a'));
    expect(stored()).toContain('scrypt$4$1$1$');
    expect(await open().login(ann, 'a')).toMatchObject({ ok: true });
  });
  test('is right only where one is stored; the present cost takes the memory that was chosen', async () => {
    const hasher = new PasswordHasher(cost);
    const hash = await hasher.hash(password);
    expect(await hasher.verify(password, hash)).toEqual({ matches: true, isOld: false });
    expect(await hasher.verify(other, hash)).toMatchObject({ matches: false });
    expect(await hasher.verify(password, undefined)).toMatchObject({ matches: false });
    expect(128 * presentCost.cost * presentCost.blockSize).toBe(32 * 1024 * 1024);
  });
});

describe('users', () => {
  test('the last administrator is neither removed nor demoted', async () => {
    const accounts = await withBob();
    expect(accounts.removeUser('ann')).toMatchObject({ reason: { code: 'wrong_state' } });
    const demoted = await accounts.saveUser({ user: 'ann', role: 'engineer', queues: '*' });
    expect(demoted).toMatchObject({ reason: { code: 'wrong_state' } });
    valueOf(await accounts.saveUser({ user: 'bob', role: 'administrator', queues: '*' }));
    expect(accounts.removeUser('ann')).toMatchObject({ ok: true });
  });
  test('have no name that means something else, and none without a password', async () => {
    const accounts = await withAnn();
    const owner = await accounts.saveUser({ user: 'owner', role: 'viewer', queues: '*', password });
    expect(owner).toMatchObject({ reason: { code: 'bad_message', field: 'user' } });
    const bare = await accounts.saveUser({ user: 'bob', role: 'viewer', queues: '*' });
    expect(bare).toMatchObject({ reason: { field: 'password' } });
    const second = await accounts.saveUser({ user: 'ann', role: 'viewer', queues: '*', password: other });
    expect(second).toMatchObject({ reason: { code: 'wrong_state', field: 'password' } });
  });
  test('no row, session or act holds a password or its hash', async () => {
    const accounts = await withBob();
    await accounts.login(bob, 'a');
    const seen = JSON.stringify([accounts.listUsers(), acts]);
    expect(seen).not.toContain('scrypt');
    expect(seen).not.toContain(other);
    expect(accounts.listUsers().map(({ user, sessions }) => [user, sessions])).toEqual([
      ['ann', 0],
      ['bob', 1],
    ]);
  });
});

describe('an API token', () => {
  const draft = { name: 'mes', role: 'operator', queues: ['press'], days: 2 } as const;
  const mes = { ...draft, queues: [...draft.queues] };
  test('is shown once, and acts as its program until it ends', async () => {
    const accounts = await withAnn();
    const { token } = valueOf(accounts.createToken(mes, 'ann'));
    expect(readFileSync(join(folder, 'users.json'), 'utf8')).not.toContain(token);
    const session = open().byToken(token, 'a');
    expect(session?.()).toEqual({ user: 'program:mes', role: 'operator', queues: ['press'], source: 'a' });
    nowMs += 2 * 24 * 3_600_000;
    expect(session?.()).toMatchObject({ role: 'nobody' });
    expect(open().byToken(token, 'a')).toBeUndefined();
    expect(open().listTokens()).toMatchObject([{ name: 'mes', createdBy: 'ann', isExpired: true }]);
  });
  test('that is revoked is nobody at its next request', async () => {
    const accounts = await withAnn();
    const { token } = valueOf(accounts.createToken(mes, 'ann'));
    const session = accounts.byToken(token, 'a');
    valueOf(accounts.revokeToken('mes'));
    expect(session?.()).toMatchObject({ user: 'nobody', role: 'nobody' });
    expect(accounts.revokeToken('mes')).toMatchObject({ reason: { code: 'unknown_user' } });
  });
  test('the owner of the data folder acts as administrator, under that name', async () => {
    const accounts = await withAnn();
    expect(accounts.byToken('owners', 'a')?.()).toMatchObject({ user: 'owner', role: 'administrator' });
    expect(valueOf(accounts.resume('owners', 'a')).session).toMatchObject({ user: 'owner' });
    expect(accounts.byToken('guess', 'a')).toBeUndefined();
  });
});

describe('the file', () => {
  test('is for its owner only', async () => {
    await withAnn();
    expect(statSync(join(folder, 'users.json')).mode & 0o777).toBe(0o600);
  });
  test.each([
    ['{'],
    ['{}'],
    ['{"version":1,"users":[{"user":"a"}],"tokens":[]}'],
    ['{"version":2,"users":[],"tokens":[]}'],
  ])('that holds %s is refused, rather than letting anybody in', (text) => {
    writeFileSync(join(folder, 'users.json'), text);
    const opened = Accounts.open({
      folder,
      clock: () => ms(0),
      audit: () => undefined,
      isOwners: () => false,
    });
    expect(opened).toMatchObject({ ok: false, reason: { code: 'storage_failed' } });
  });
});
