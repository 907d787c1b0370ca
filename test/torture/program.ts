// A program of a trial: started with the rig's preload, its output kept in a file, stopped and killed by its number.
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const projectFolder = join(import.meta.dirname, '../..');
const preloads = {
  host: join(import.meta.dirname, 'preload/hostFaults.ts'),
  agent: join(import.meta.dirname, 'preload/agentFaults.ts'),
} as const;

/** Those that run now: none outlives the rig. */
const running = new Set<ChildProcess>();
/** Sources compiled once for all processes of this run: starting them is most of what a trial costs. */
const compiled = mkdtempSync(join(tmpdir(), 'millrace-compiled-'));
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(compiled, { recursive: true, force: true, maxRetries: 3 });
});

export interface Launch {
  readonly preload: keyof typeof preloads;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Orders, marks, clock and output of this program. */
  readonly rigFolder: string;
}
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Program {
  readonly startedMs = performance.now();
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #outputFile: string;
  #end: Ended | undefined;
  #output = '';
  #onOutput: () => void = () => undefined;

  constructor({ preload, program, args, env, rigFolder }: Launch) {
    mkdirSync(rigFolder, { recursive: true });
    this.#outputFile = join(rigFolder, 'output.log');
    const given = [...args];
    this.#child = spawn(
      process.execPath,
      ['--import', preloads[preload], join(projectFolder, program), ...given],
      {
        cwd: projectFolder,
        env: {
          ...process.env,
          ...env,
          MILLRACE_RIG: rigFolder,
          NODE_COMPILE_CACHE: compiled,
          NODE_NO_WARNINGS: '1',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    running.add(this.#child);
    appendFileSync(this.#outputFile, `---- started, pid ${String(this.#child.pid)}\n`);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#take(chunk.toString());
      });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#take(`${String(error)}\n`);
      });
      this.#child.once('exit', (code, signal) => {
        this.#end = { code, signal };
        running.delete(this.#child);
        appendFileSync(this.#outputFile, `---- ended, code ${String(code)}, signal ${String(signal)}\n`);
        resolve(this.#end);
        this.#onOutput();
      });
    });
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What the output of this life has where `pattern` matches; undefined where it ends, or the time passes, without. */
  async said(pattern: RegExp, withinMs: number): Promise<string | undefined> {
    const find = (): string | undefined => pattern.exec(this.#output)?.[1];
    return new Promise((resolve) => {
      const settle = (): void => {
        if (find() === undefined && !this.hasEnded) return;
        clearTimeout(timer);
        resolve(find());
      };
      const timer = setTimeout(() => {
        resolve(find());
      }, withinMs);
      this.#onOutput = settle;
      settle();
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.hasEnded) this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  #take(text: string): void {
    // What is looked for comes early; all of it is in the file.
    if (this.#output.length < 64 * 1024) this.#output += text;
    appendFileSync(this.#outputFile, text);
    this.#onOutput();
  }
}

export function tailOf(rigFolder: string, characters = 1_500): string {
  try {
    return readFileSync(join(rigFolder, 'output.log'), 'utf8').slice(-characters);
  } catch {
    return '';
  }
}
