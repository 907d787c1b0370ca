// The production host with its edges, in processes of their own: what they use, by the system's count, and their metrics.
import { type ChildProcess, fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MissingInput } from '../bench.ts';

/** Of `utime` and `stime` in /proc: the same on every Linux that Node runs on. */
const ticksPerS = 100;
const pageBytes = 4_096;

export class HostUnderLoad {
  readonly #child: ChildProcess;
  readonly url: string;
  readonly secrets: Readonly<Record<'enrolmentToken' | 'consoleToken', string>>;

  private constructor(child: ChildProcess, url: string, folder: string) {
    this.#child = child;
    this.url = url;
    this.secrets = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as HostUnderLoad['secrets'];
  }

  static async start(
    folder: string,
    args: readonly string[],
    children: ChildProcess[],
  ): Promise<HostUnderLoad> {
    if (process.platform !== 'linux') throw new MissingInput('this bench reads /proc: it runs on Linux');
    const entry = join(import.meta.dirname, '../../scheduler/host/entry.ts');
    const child = fork(entry, ['--data', folder, '--port', '0', ...args], {
      execArgv: ['--max-semi-space-size=16'],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    children.push(child);
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        const found = /agents join at (http:\/\/\S+)/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.once('exit', (code) => {
        reject(new Error(`the host ended with ${String(code)}: ${said}`));
      });
    });
    return new HostUnderLoad(child, url, folder);
  }

  /** Of the host and its edges together. */
  get rssKB(): number {
    const pages = this.#pids().map((pid) => Number(readProc(pid, 'statm').split(' ')[1]));
    return (sum(pages) * pageBytes) / 1_024;
  }
  get cpuS(): number {
    return sum(
      this.#pids().map((pid) => {
        // The name in brackets may hold spaces: fields are counted from behind it.
        const fields = readProc(pid, 'stat')
          .replace(/^.*\) /, '')
          .split(' ');
        return (Number(fields[11]) + Number(fields[12])) / ticksPerS;
      }),
    );
  }

  async metrics(): Promise<(name: string) => number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return (name) => Number(new RegExp(`^millrace_${name} (\\S+)`, 'm').exec(text)?.[1]);
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('exit', () => {
        resolve();
      });
      this.#child.kill('SIGTERM');
    });
  }

  #pids(): number[] {
    const own = this.#child.pid ?? 0;
    const children = readdirSync(`/proc/${String(own)}/task`).flatMap((thread) =>
      readProc(own, `task/${thread}/children`).trim().split(' ').filter(Boolean).map(Number),
    );
    return [own, ...children];
  }
}

const readProc = (pid: number, name: string): string => readFileSync(`/proc/${String(pid)}/${name}`, 'utf8');
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
