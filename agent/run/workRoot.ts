// `--work-root`: the folder that working folders of tasks must lie in. It keeps mistakes in, not attackers: a program
// may still open any file that its user may.
import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import type { Work } from '../../scheduler/protocol/work.ts';

/** Why this work may not begin here; links are followed. A folder that does not exist is named later, by its kind. */
export function outsideWorkRoot(work: Work, workRoot: string | undefined): string | undefined {
  if (workRoot === undefined || work.kind !== 'command' || work.cwd === undefined) return undefined;
  const root = real(workRoot);
  if (root === undefined)
    return `the folder of --work-root, ${workRoot}, does not exist on this node: make it`;
  const folder = real(work.cwd);
  if (folder === undefined || folder === root || folder.startsWith(root.endsWith(sep) ? root : root + sep))
    return undefined;
  return `working folder ${work.cwd} lies outside of ${workRoot}, which is all that this node allows (--work-root)`;
}

function real(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
