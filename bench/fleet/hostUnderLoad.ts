// The production host with its edges, in processes of their own: what they use, by the system's count, and their metrics.
import type { ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pinOf } from '../../agent/trust.ts';
import { request } from '../../scheduler/api/commands/request.ts';
import { MissingInput } from '../bench.ts';
import { forkHost } from '../hostProcess.ts';

/** Of `utime` and `stime` in /proc: the same on every Linux that Node runs on. */
const ticksPerS = 100;
const pageBytes = 4_096;

export class HostUnderLoad {
  readonly #child: ChildProcess;
  readonly url: string;
  readonly secrets: Readonly<Record<'consoleToken', string>>;
  /** PEM, where the host speaks TLS. */
  readonly authority: string | undefined;

  private constructor(child: ChildProcess, url: string, folder: string) {
    this.#child = child;
    this.url = url;
    this.secrets = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as HostUnderLoad['secrets'];
    this.authority = url.startsWith('https:') ? authorityIn(folder) : undefined;
  }

  static async start(
    folder: string,
    args: readonly string[],
    children: ChildProcess[],
  ): Promise<HostUnderLoad> {
    if (process.platform !== 'linux') throw new MissingInput('this bench reads /proc: it runs on Linux');
    const { child, url } = await forkHost(folder, children, { args, execArgv: ['--max-semi-space-size=16'] });
    return new HostUnderLoad(child, url, folder);
  }

  /** By which agents know the host. */
  get pin(): string | undefined {
    return this.authority === undefined ? undefined : pinOf(new X509Certificate(this.authority).raw);
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
    const asked = { method: 'GET', headers: {}, body: undefined, authority: this.authority };
    const text = await (await request(`${this.url}/metrics`, asked)).text();
    return (name) => Number(new RegExp(`^millrace_${name} (\\S+)`, 'm').exec(text)?.[1]);
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }
  /** As if it had crashed: its edges notice and end by themselves. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('exit', () => {
        resolve();
      });
      this.#child.kill(signal);
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

function authorityIn(folder: string): string {
  const text = readFileSync(join(folder, 'tls.json'), 'utf8');
  return (JSON.parse(text) as { authority: { certificate: string } }).authority.certificate;
}

const readProc = (pid: number, name: string): string => readFileSync(`/proc/${String(pid)}/${name}`, 'utf8');
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
