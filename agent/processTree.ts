// Process groups: naming one so that a later agent recognises it, signalling it whole, and what /proc tells of it.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A group leader, told apart from a later process with the same number by its start time and the boot it lived in. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat. Absent where there is no /proc. */
  readonly startTicks?: number | undefined;
  readonly boot?: string | undefined;
}
export interface ProcessStat {
  readonly pid: number;
  readonly group: number;
  readonly startTicks: number;
  /** User and system time of the process and of children it has waited for. */
  readonly cpuTicks: number;
  readonly isZombie: boolean;
}

export function identify(pid: number): ProcessIdentity {
  const startTicks = readStat(pid)?.startTicks;
  return startTicks === undefined ? { pid } : { pid, startTicks, boot: bootId() };
}

/** True where the very process of `identity` is alive. Without /proc: where any process has its number. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.startTicks === undefined) return hasProcess(identity.pid);
  const stat = readStat(identity.pid);
  return stat?.startTicks === identity.startTicks && !stat.isZombie && identity.boot === bootId();
}

/** Signals every process of the group that `leader` leads. False where nothing of it is left. */
export function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  if (process.platform === 'win32') {
    // Windows has no groups and no SIGTERM: taskkill ends the tree at once.
    spawn('taskkill', ['/pid', String(leader), '/T', '/F'], { stdio: 'ignore' }).on('error', () => undefined);
    return true;
  }
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}

/**
 * Kills what is left of an attempt whose agent died. Its leader is recognised by start time and boot; where the
 * leader has ended and children live on in its group, they are recognised by the token in their environment.
 */
export function killSurvivors(identity: ProcessIdentity, token: number): boolean {
  if (identity.startTicks === undefined || identity.boot !== bootId()) return false;
  const members = readAllStats().filter((stat) => stat.group === identity.pid && !stat.isZombie);
  const leader = members.find((stat) => stat.pid === identity.pid);
  const isOurs = leader
    ? leader.startTicks === identity.startTicks
    : members.some((stat) => hasToken(stat.pid, token));
  return isOurs && signalGroup(identity.pid, 'SIGKILL');
}

/**
 * Kills the group of every process that has this door in its environment, except of attempts that are over: what those
 * left behind on purpose is not ours. Answers the tokens. One pass over /proc: some 30 us per process.
 */
export function killStrays(doorFolder: string, isOver: (token: number) => boolean): Set<number> {
  const tokens = new Set<number>();
  for (const { pid, group, isZombie } of readAllStats()) {
    if (isZombie || pid === process.pid) continue;
    const environment = environmentOf(pid);
    if (!environment.includes(`MILLRACE_DOOR=${doorFolder}`)) continue;
    const token = Number(environment.find((pair) => pair.startsWith('MILLRACE_TOKEN='))?.slice(15));
    if (Number.isSafeInteger(token) && !isOver(token) && signalGroup(group, 'SIGKILL')) tokens.add(token);
  }
  return tokens;
}

/** Every process of this machine, in one pass over /proc: about 10 us each. Empty where there is no /proc. */
export function readAllStats(): ProcessStat[] {
  const stats: ProcessStat[] = [];
  for (const name of readOr([], () => readdirSync('/proc'))) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (stat) stats.push(stat);
  }
  return stats;
}

export function readResidentMiB(pid: number): number {
  const status = readOr('', () => readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}

function readStat(pid: number): ProcessStat | undefined {
  const text = readOr('', () => readFileSync(`/proc/${String(pid)}/stat`, 'latin1'));
  // The second field is the program's name in brackets and may hold anything: count from behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  if (fields.length < 20) return undefined;
  return {
    pid,
    group: field(5),
    startTicks: field(22),
    cpuTicks: field(14) + field(15) + field(16) + field(17),
    isZombie: fields[0] === 'Z' || fields[0] === 'X',
  };
}

let knownBoot: string | undefined;
function bootId(): string {
  knownBoot ??= readOr('', () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  return knownBoot;
}

function hasProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function hasToken(pid: number, token: number): boolean {
  return environmentOf(pid).includes(`MILLRACE_TOKEN=${String(token)}`);
}

function environmentOf(pid: number): string[] {
  return readOr('', () => readFileSync(`/proc/${String(pid)}/environ`, 'utf8')).split('\0');
}

/** Processes end while we read about them: that is no error. */
function readOr<Value>(otherwise: Value, read: () => Value): Value {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
