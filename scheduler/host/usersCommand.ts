// millrace users reset: the way back for an administrator who lost the password. It needs the files of the data folder,
// and who can write those can do everything anyway.
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { exitCodes } from '../api/commands/exitCodes.ts';
import { AccountsFile, type StoredUser } from '../accounts/accountsFile.ts';
import { PasswordHasher } from '../accounts/passwords.ts';
import { userNameSchema } from '../protocol/accounts.ts';
import { decode } from '../protocol/decode.ts';

const usage = `millrace users reset NAME --data DIR
  Makes NAME an administrator with a new password, which is printed. The host must not run.
  --data DIR   data folder of the host (default ${join(homedir(), '.millrace', 'hub')})
`;
/** Without those that are read as another one. Twenty of them are 98 random bits. */
const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
const passwordLength = 20;

interface Output {
  readonly out: (text: string) => void;
  readonly say: (text: string) => void;
}

/** `args` after `users reset`. Resolves to the exit code. */
export async function runUsersReset(args: readonly string[], { out, say }: Output): Promise<number> {
  const asked = read(args);
  if (asked === 'help') {
    out(usage);
    return exitCodes.ok;
  }
  if (typeof asked === 'string') {
    say(`millrace: ${asked}; see millrace users reset --help\n`);
    return exitCodes.usage;
  }
  const { user, folder } = asked;
  if (isRunning(folder)) {
    say(`millrace: a host runs with ${folder}; stop it first, or use millrace reset-password ${user}\n`);
    return exitCodes.refused;
  }
  const file = AccountsFile.open(folder);
  const password = Array.from({ length: passwordLength }, () => letters[randomInt(letters.length)]).join('');
  const written = file.ok
    ? file.value.write({ users: await withAdministrator(file.value, user, password) })
    : file;
  if (!written.ok) {
    say(`millrace: ${written.reason.message}\n`);
    return exitCodes.refused;
  }
  out(`${user} is administrator, with the password ${password} until the first login\n`);
  return exitCodes.ok;
}

async function withAdministrator(
  { accounts: { users } }: AccountsFile,
  user: string,
  password: string,
): Promise<readonly StoredUser[]> {
  const nowMs = Date.now();
  const found = users.find((one) => one.user === user);
  const changed: StoredUser = {
    user,
    role: 'administrator',
    queues: '*',
    password: await new PasswordHasher().hash(password),
    mustChange: true,
    createdAtMs: found?.createdAtMs ?? nowMs,
    passwordAtMs: nowMs,
  };
  return [...users.filter((one) => one.user !== user), changed];
}

/** In words what is wrong, or `help`. */
function read(args: readonly string[]): string | { readonly user: string; readonly folder: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { data: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) return 'help';
    const [user, ...more] = positionals;
    const name = decode(userNameSchema, user, 'the name');
    if (!name.ok || more.length > 0) return 'give one name, in small letters';
    const folder = values.data ?? process.env['MILLRACE_DATA'] ?? join(homedir(), '.millrace', 'hub');
    return { user: name.value, folder: resolve(folder) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** By hub.json, which a host that stopped in order takes away; of one that did not, the process is gone. */
function isRunning(folder: string): boolean {
  try {
    const { pid } = JSON.parse(readFileSync(join(folder, 'hub.json'), 'utf8')) as { pid?: unknown };
    return typeof pid === 'number' && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // there, and somebody else's
  }
}
