// A real host for a bench, in a process of its own, on any free port.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export interface BenchHost {
  readonly child: ChildProcess;
  readonly address: string;
}

const entry = join(import.meta.dirname, '../../scheduler/host/entry.ts');

export async function startHost(dataFolder: string): Promise<BenchHost> {
  const child = spawn(process.execPath, [entry, '--data', dataFolder, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = /agents join at (http:\/\/\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => {
      reject(new Error(`the host ended with ${String(code)}: see host.log in ${dataFolder}`));
    });
  });
  return { child, address };
}
