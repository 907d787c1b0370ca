// A host in a process of its own, listening on a port of its choice.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

const entry = join(import.meta.dirname, '../scheduler/host/entry.ts');

export interface HostProcess {
  readonly child: ChildProcess;
  /** Where agents join. */
  readonly url: string;
}

/** Resolves once it listens; rejects with what it said where it ends before. It is added to `children` at once. */
export async function forkHost(
  folder: string,
  children: ChildProcess[],
  {
    args = [],
    execArgv = process.execArgv,
  }: { readonly args?: readonly string[]; readonly execArgv?: string[] } = {},
): Promise<HostProcess> {
  const child = fork(entry, ['--data', folder, '--port', '0', ...args], {
    execArgv,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  children.push(child);
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = /agents join at (https?:\/\/\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => {
      reject(new Error(`the host ended with ${String(code)}: ${said}`));
    });
  });
  return { child, url };
}
