// Kind `command`: a program with its arguments, in its folder or a fresh one.
import type { CommandWork } from '../../scheduler/protocol/work.ts';
import { folderFault, programLine } from '../handlers.ts';
import { runProcess } from './process.ts';
import type { Runner } from './runner.ts';

export const runCommand: Runner<CommandWork> = ({ work, env, folder, makeFolder }, events) => {
  if (work.cwd === undefined) makeFolder();
  const cwd = work.cwd ?? folder;
  const fault = folderFault(cwd);
  if (fault !== undefined) throw new Error(fault);
  return runProcess({ ...programLine(work), cwd, env }, events);
};
