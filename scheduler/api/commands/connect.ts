// Where the hub is and with which token: from options, the environment, or the files of its data folder.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { decode } from '../../protocol/decode.ts';
import { Client } from './client.ts';
import { type Given, wrongUsage } from './command.ts';
import { CommandFailed, exitCodes } from './exitCodes.ts';

const hubFileSchema = v.object({ address: v.string() });
const secretsSchema = v.object({ apiToken: v.string() });
const tlsSchema = v.object({ authority: v.object({ certificate: v.string() }) });
type Environment = Readonly<Record<string, string | undefined>>;

/** Fails where neither says where the hub is, or no token is known. */
export function connect(given: Given, environment: Environment): Client {
  const folder = resolve(
    given.text('data') ?? environment['MILLRACE_DATA'] ?? join(homedir(), '.millrace', 'hub'),
  );
  const hub = given.text('hub') ?? environment['MILLRACE_HUB'] ?? addressIn(folder);
  const token = given.text('token') ?? environment['MILLRACE_TOKEN'] ?? tokenIn(folder);
  if (!/^https?:\/\/[^\s/?#]+\/?$/.test(hub))
    throw wrongUsage(`--hub ${hub}: it is an address like http://127.0.0.1:7443`);
  const authority = hub.startsWith('https:') ? authorityOf(given, environment, folder) : undefined;
  // A hub on all interfaces writes 0.0.0.0, which not every system can connect to.
  const reached = hub.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]').replace(/\/+$/, '');
  return new Client(reached, token, authority);
}

function addressIn(folder: string): string {
  const found = readFileIn(folder, 'hub.json', hubFileSchema);
  if (found !== undefined) return found.address;
  const message = `no hub runs with the data folder ${folder}; start it (npm run hub), or give --data or --hub`;
  throw new CommandFailed(exitCodes.noHub, message);
}

/** Of a file that was named, or of the hub's data folder. Undefined: those that Node trusts. */
function authorityOf(given: Given, environment: Environment, folder: string): string | undefined {
  const path = given.text('ca') ?? environment['MILLRACE_CA'];
  if (path === undefined) return readFileIn(folder, 'tls.json', tlsSchema)?.authority.certificate;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw wrongUsage(`--ca ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function tokenIn(folder: string): string {
  const found = readFileIn(folder, 'secrets.json', secretsSchema);
  if (found !== undefined) return found.apiToken;
  const message = `no API token: give MILLRACE_TOKEN, or --data with the folder of the hub (looked in ${folder})`;
  throw new CommandFailed(exitCodes.token, message);
}

function readFileIn<Schema extends v.GenericSchema>(
  folder: string,
  name: string,
  schema: Schema,
): v.InferOutput<Schema> | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, name), 'utf8');
  } catch {
    return undefined; // absent, or not ours to read
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const found = decode(schema, parsed, join(folder, name));
  return found.ok ? found.value : undefined;
}
