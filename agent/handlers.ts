// What a program needs before it can start: its line, environment and folder, and words for what is wrong with them.
import { accessSync, constants, statSync } from 'node:fs';
import type { Dispatch } from '../scheduler/protocol/agentWire.ts';
import { formatTaskId } from '../scheduler/protocol/brands.ts';
import type { CommandWork, Work } from '../scheduler/protocol/work.ts';

export interface ProgramLine {
  readonly program: string;
  readonly programArgs: readonly string[];
}
export type Environment = Record<string, string>;

/** What a program may expect of any machine. The rest of the agent's own environment stays with the agent. */
const baseNames = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'USER', 'LOGNAME', 'SHELL'];
const windowsNames = [
  'SystemRoot',
  'SystemDrive',
  'ComSpec',
  'PATHEXT',
  'TEMP',
  'TMP',
  'USERPROFILE',
  'APPDATA',
];

export function programLine({ argv, shell }: CommandWork): ProgramLine {
  const [first = '', ...rest] = argv;
  if (!shell) return { program: first, programArgs: rest };
  return process.platform === 'win32'
    ? { program: 'cmd.exe', programArgs: ['/d', '/s', '/c', first] }
    : { program: '/bin/sh', programArgs: ['-c', first] };
}

/** Base, then the task's own, then ours, which a task cannot override. */
export function environmentOf(
  dispatch: Dispatch,
  work: Work,
  node: { readonly nodeId: string; readonly own: NodeJS.ProcessEnv },
): Environment {
  const names = process.platform === 'win32' ? [...baseNames, ...windowsNames] : baseNames;
  const base = names.flatMap((name) => {
    const value = node.own[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(base),
    ...('env' in work ? work.env : {}),
    MILLRACE_TASK: formatTaskId(dispatch.taskId),
    MILLRACE_ATTEMPT: String(dispatch.attempt),
    MILLRACE_TOKEN: String(dispatch.token),
    MILLRACE_NODE: node.nodeId,
    ...groupVariables(dispatch.group),
    ...(dispatch.gpuMask > 0 && { CUDA_VISIBLE_DEVICES: devicesOf(dispatch.gpuMask).join(',') }),
  };
}

/** Which of how many it is, and where the others of its gang run. */
const groupVariables = (group: Dispatch['group']): Environment =>
  group
    ? {
        MILLRACE_GROUP_ID: formatTaskId(group.groupId),
        MILLRACE_INDEX: String(group.index),
        MILLRACE_SIZE: String(group.size),
        ...(group.nodes && { MILLRACE_NODES: group.nodes.join(',') }),
      }
    : {};

/** Numbers of the devices whose bit is set. */
function devicesOf(mask: number): number[] {
  return Array.from({ length: 32 }, (_, device) => device).filter((device) => (mask & (1 << device)) !== 0);
}

/** Says what is wrong with a working folder; spawn would blame the program instead. */
export function folderFault(folder: string): string | undefined {
  try {
    if (!statSync(folder).isDirectory()) return `working folder ${folder} is not a folder`;
    accessSync(folder, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const cause = code === 'ENOENT' ? 'does not exist' : `cannot be used (${code ?? 'unknown cause'})`;
    return `working folder ${folder} ${cause} on this node`;
  }
}

/** `program "gcc" was not found on this node`: names the program and the cause. */
export function spawnFault(program: string, env: Environment, error: NodeJS.ErrnoException): string {
  const name = `program ${JSON.stringify(program.slice(0, 200))}`;
  const { code, message } = error;
  if (code === 'ENOENT' && program.includes('/'))
    return `${name} does not exist on this node, or its interpreter does not (ENOENT)`;
  if (code === 'ENOENT') return `${name} was not found in PATH ${(env['PATH'] ?? '').slice(0, 300)} (ENOENT)`;
  if (code === 'EACCES') return `${name} is not executable for this user (EACCES)`;
  if (code === 'E2BIG') return `${name}: arguments and environment are too long for this system (E2BIG)`;
  return `${name} could not start: ${message.slice(0, 300)}`;
}
