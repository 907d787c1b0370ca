// `millrace-agent doctor`: what this node has and lacks for the agent, why it matters, and what to do about it.
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { delimiter, dirname, join } from 'node:path';
import { openTrust } from './keptAuthority.ts';
import type { Settings } from './settings.ts';
import { type HubTrust, memoryTrust, TlsLine } from './trust.ts';

/** `limited`: the agent works and something of it does not. `missing`: the agent does not work. */
interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'limited' | 'missing';
  readonly found: string;
  /** Of what is not `ok`: the next step. */
  readonly remedy?: string;
}

/** A hub answers from memory; this is for a slow network. */
const answerWithinMs = 5_000;
/** Schedules and reported times are read by people; the hub's answer tells its time to one second. */
const clockOffMaxMs = 5_000;
/** Ledger and output of days without the hub. */
const diskRoomBytes = 1024 ** 3;
/** Two pipes and a log for each of 400 attempts, and the agent's own. */
const openFilesMin = 4_096;

/** Looks at everything, changes nothing, never rejects. */
export async function examine(settings: Settings): Promise<readonly Finding[]> {
  const { dataFolder } = settings;
  return [
    ...(await examineHub(settings)),
    dataFinding(dataFolder),
    openFilesFinding(),
    cgroupFinding(),
    toolFinding(
      'containers',
      ['podman', 'docker'],
      'tasks of kind container cannot run; install podman or docker',
    ),
    toolFinding('bpftrace', ['bpftrace'], 'profiles come from /proc alone; install bpftrace for more'),
  ];
}

/** For people: one line each, remedies below. */
export function findingLines(findings: readonly Finding[]): string {
  const lines = findings.map(({ check, state, found, remedy }) => {
    const line = `${state.padEnd(8)} ${check.padEnd(11)} ${found}`;
    return remedy === undefined ? line : `${line}\n${' '.repeat(21)}-> ${remedy}`;
  });
  return `${lines.join('\n')}\n`;
}

async function examineHub(settings: Settings): Promise<Finding[]> {
  const { hub, hubPin, dataFolder } = settings;
  // With a pin in memory only: what is kept is the agent's business, at its first join.
  const trust =
    hubPin !== undefined && hub.startsWith('https:')
      ? { ok: true as const, value: memoryTrust(hubPin) }
      : openTrust(dataFolder, hub, hubPin);
  if (!trust.ok)
    return [
      { check: 'hub', state: 'missing', found: 'not asked: unknown whom to trust', remedy: trust.reason },
    ];
  try {
    const { offMs, status } = await askHub(hub, trust.value);
    const how = trust.value ? 'its certificate is of the known authority' : 'in plain text';
    return [
      { check: 'hub', state: 'ok', found: `${hub} answers (${String(status)}), ${how}` },
      clockFinding(offMs),
    ];
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const remedy = 'is the address right, does the hub run, does a firewall stand in between?';
    return [{ check: 'hub', state: 'missing', found: `${hub}: ${message || String(code)}`, remedy }];
  }
}

/** `offMs`: how far this clock is ahead of the hub's, from the middle of question and answer. */
function askHub(hub: string, trust: HubTrust | undefined): Promise<{ offMs: number; status: number }> {
  const url = `${hub.replace(/^ws/, 'http').replace(/\/+$/, '')}/health`;
  const signal = AbortSignal.timeout(answerWithinMs);
  const askedMs = Date.now();
  return new Promise((resolve, reject) => {
    const request = trust
      ? getSecure(url, { agent: new TlsLine(trust), signal })
      : getPlain(url, { agent: false, signal });
    request.once('error', reject);
    request.once('response', (response) => {
      response.resume();
      const middleMs = (askedMs + Date.now()) / 2;
      // The hub's time is cut to whole seconds: half a second more is the best guess.
      const hubMs = Date.parse(response.headers.date ?? '') + 500;
      resolve({ offMs: middleMs - hubMs, status: response.statusCode ?? 0 });
    });
  });
}

export function clockFinding(offMs: number): Finding {
  const check = 'clock';
  if (Number.isNaN(offMs)) return { check, state: 'limited', found: 'the hub did not tell its time' };
  const seconds = (Math.abs(offMs) / 1_000).toFixed(0);
  const found = `${seconds} s ${offMs < 0 ? 'behind' : 'ahead of'} the hub`;
  if (Math.abs(offMs) <= clockOffMaxMs) return { check, state: 'ok', found };
  return {
    check,
    state: 'limited',
    found,
    remedy: 'reported times are wrong; turn on a time service (chrony)',
  };
}

function dataFinding(dataFolder: string): Finding {
  const check = 'data';
  let folder = dataFolder;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    const found = `${dataFolder}: ${String(Math.floor((bavail * bsize) / 1024 ** 2))} MiB free`;
    if (bavail * bsize >= diskRoomBytes) return { check, state: 'ok', found };
    return {
      check,
      state: 'limited',
      found,
      remedy: 'make room: 1 GiB holds the output of days without the hub',
    };
  } catch (error) {
    const remedy = 'give this user the folder, or name another with --data';
    return { check, state: 'missing', found: (error as Error).message, remedy };
  }
}

function openFilesFinding(): Finding {
  const check = 'open files';
  const limit = /^Max open files\s+(\S+)/m.exec(readOr('/proc/self/limits'))?.[1];
  if (limit === undefined) return { check, state: 'ok', found: 'this system names no limit' };
  if (limit === 'unlimited' || Number(limit) >= openFilesMin) return { check, state: 'ok', found: limit };
  const remedy = `many attempts at a time fail; raise it to ${String(openFilesMin)} (LimitNOFILE=, ulimit -n)`;
  return { check, state: 'limited', found: limit, remedy };
}

/** Version 2, its own group writable, and the controllers that bounds need. */
function cgroupFinding(): Finding {
  const check = 'cgroups';
  const remedy = 'tasks run without bounds of the kernel; the systemd unit of the bundle has Delegate=yes';
  const own = /^0::(.*)$/m.exec(readOr('/proc/self/cgroup'))?.[1];
  if (own === undefined) return { check, state: 'limited', found: 'no cgroup version 2 here', remedy };
  const folder = join('/sys/fs/cgroup', own);
  const controllers = readOr(join(folder, 'cgroup.controllers')).trim().split(' ');
  const lacking = ['cpu', 'memory', 'pids'].filter((name) => !controllers.includes(name));
  if (lacking.length > 0)
    return { check, state: 'limited', found: `${folder} lacks ${lacking.join(', ')}`, remedy };
  try {
    accessSync(join(folder, 'cgroup.procs'), constants.W_OK);
    accessSync(folder, constants.W_OK);
    return { check, state: 'ok', found: `${folder} is this user's` };
  } catch {
    return { check, state: 'limited', found: `${folder} cannot be written`, remedy };
  }
}

function toolFinding(check: string, names: readonly string[], remedy: string): Finding {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
  if (found !== undefined) return { check, state: 'ok', found };
  return { check, state: 'limited', found: `no ${names.join(' and no ')} on PATH`, remedy };
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
