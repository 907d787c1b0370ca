// Kind `function`: a handler of a module in the node's handlers folder, in a process with a bound of its memory.
import { readdirSync, statSync } from 'node:fs';
import * as module from 'node:module';
import { join } from 'node:path';
import { formatTaskId, type Token } from '../../../scheduler/protocol/brands.ts';
import type { AttemptEnd } from '../../../scheduler/protocol/attempt.ts';
import type { FunctionWork } from '../../../scheduler/protocol/work.ts';
import { signalGroup } from '../../processTree.ts';
import type { Standing } from '../../stillMine.ts';
import { messageLengthMax, type Job, type Run, type RunEvents, type Runner } from '../runner.ts';
import type { EndMessage, FromHandler, ToHandler } from './messages.ts';
import { HandlerPool, type HandlerProcess } from './pool.ts';

export const handlerEndings = ['.js', '.mjs', '.ts'];
/** Of the end of a process's errors, enough to hold what V8 says of its heap. */
const tailLengthMax = 4_096;

export interface FunctionParts {
  readonly nodeId: string;
  readonly handlersFolder: string;
  readonly stillMine: (token: Token) => Promise<Standing>;
}

/** True where the folder has a module that may be a handler, and this runtime can give it the kit. */
export function hasHandlers(folder: string): boolean {
  // Node before 22.15 has no such hooks, whatever its types say.
  if (!('registerHooks' in module)) return false;
  try {
    return readdirSync(folder).some((name) => handlerEndings.some((ending) => name.endsWith(ending)));
  } catch {
    return false;
  }
}

export class FunctionRunner {
  readonly #parts: FunctionParts;
  readonly #pool = new HandlerPool();

  constructor(parts: FunctionParts) {
    this.#parts = parts;
  }

  readonly run: Runner<FunctionWork> = (job, events) => {
    const { file, changedMs } = fileOf(this.#parts.handlersFolder, job.work.handler);
    const process = this.#pool.take({
      key: `${String(job.dispatch.memory)} ${file} ${String(changedMs)}`,
      memoryMiB: job.dispatch.memory,
      cwd: this.#parts.handlersFolder,
      env: baseOf(job),
    });
    const giveBack = (): void => {
      this.#pool.giveBack(process);
    };
    return new FunctionRun(job, events, { ...this.#parts, process, file, giveBack }).run;
  };

  close(): void {
    this.#pool.close();
  }
}

function fileOf(folder: string, handler: string): { readonly file: string; readonly changedMs: number } {
  for (const ending of handlerEndings) {
    const file = join(folder, `${handler}${ending}`);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat?.isFile()) return { file, changedMs: stat.mtimeMs };
  }
  throw new Error(`this node has no handler ${handler}: there is no ${handler}.js, .mjs or .ts in ${folder}`);
}

/** Nothing of one attempt: the process serves others after it. */
function baseOf({ env }: Job): Record<string, string> {
  const own = Object.entries(env).filter(([name]) => !name.startsWith('MILLRACE_'));
  const electron = process.env['ELECTRON_RUN_AS_NODE'];
  return { ...Object.fromEntries(own), ...(electron !== undefined && { ELECTRON_RUN_AS_NODE: electron }) };
}

interface RunParts extends FunctionParts {
  readonly process: HandlerProcess;
  readonly file: string;
  readonly giveBack: () => void;
}

/** One attempt in a process of the pool. */
class FunctionRun {
  readonly #job: Job<FunctionWork>;
  readonly #events: RunEvents;
  readonly #parts: RunParts;
  readonly #arrived = { stdout: 0, stderr: 0 };
  readonly #listeners: (() => void)[] = [];
  #end: EndMessage | undefined;
  #exit: Pick<AttemptEnd, 'exitCode' | 'signal'> | undefined;
  #errorTail = '';

  constructor(job: Job<FunctionWork>, events: RunEvents, parts: RunParts) {
    this.#job = job;
    this.#events = events;
    this.#parts = parts;
    this.#listen();
    this.#begin();
  }

  get run(): Run {
    return {
      ask: () => {
        this.#send({ kind: 'cancel', message: 'the attempt is to end' });
      },
      kill: () => {
        signalGroup(this.#parts.process.pid, 'SIGKILL');
      },
    };
  }

  #begin(): void {
    const { dispatch, work, folder } = this.#job;
    const { file, nodeId, process } = this.#parts;
    setImmediate(() => {
      this.#events.started(process.pid);
    });
    this.#send({
      ...{ kind: 'run', file, nodeId, folder, input: work.input },
      ...{ taskId: formatTaskId(dispatch.taskId), attempt: dispatch.attempt, token: dispatch.token },
      ...(dispatch.checkpoint !== undefined && { before: dispatch.checkpoint }),
    });
  }

  #listen(): void {
    const { child } = this.#parts.process;
    for (const stream of ['stdout', 'stderr'] as const)
      this.#on(child[stream], 'data', (chunk: Buffer) => {
        this.#arrived[stream] += chunk.length;
        if (stream === 'stderr')
          this.#errorTail = (this.#errorTail + chunk.toString('latin1')).slice(-tailLengthMax);
        this.#events.output(stream, chunk);
        this.#endWhenComplete();
      });
    this.#on(child, 'message', (message: FromHandler) => {
      this.#heard(message);
    });
    this.#on(child, 'exit', (exitCode: number | null, signal: NodeJS.Signals | null) => {
      this.#exit = { ...(exitCode !== null && { exitCode }), ...(signal !== null && { signal }) };
      signalGroup(this.#parts.process.pid, 'SIGKILL');
    });
    this.#on(child, 'close', () => {
      this.#died();
    });
  }

  /** As the emitter's own `on`, taken away again at the end: the process serves others. */
  #on(emitter: NodeJS.EventEmitter | null, name: string, listener: (...args: never[]) => void): void {
    const heard = listener as (...args: unknown[]) => void;
    emitter?.on(name, heard);
    this.#listeners.push(() => emitter?.off(name, heard));
  }

  #heard(message: FromHandler): void {
    if (message.kind === 'checkpoint') this.#events.checkpoint(message.text);
    else if (message.kind === 'ask') {
      const { question } = message;
      void this.#parts.stillMine(this.#job.dispatch.token).then((standing) => {
        this.#send({ kind: 'standing', question, standing });
      });
    } else {
      this.#end = message;
      this.#endWhenComplete();
    }
  }

  /** The end and the output come by different ways: what was written before the end belongs to this attempt. */
  #endWhenComplete(): void {
    const { written } = this.#end ?? {};
    if (!written || this.#arrived.stdout < written.stdout || this.#arrived.stderr < written.stderr) return;
    if (this.#end?.isSpent === true) signalGroup(this.#parts.process.pid, 'SIGKILL');
    else this.#finish();
  }

  #died(): void {
    if (this.#end) {
      this.#finish();
      return;
    }
    this.#job.makeFolder();
    const heapMessage = `the handler took more than its ${String(this.#job.dispatch.memory)} MiB`;
    const { exitCode, signal } = this.#exit ?? {};
    if (this.#errorTail.includes('heap out of memory'))
      this.#leave({ reason: 'out_of_memory', message: heapMessage, ...this.#exit });
    else if (signal !== undefined) this.#leave({ reason: 'signal', signal });
    else {
      const message = 'the handler ended its process before it had returned';
      this.#leave({ reason: 'exit', exitCode: exitCode === 0 ? 1 : (exitCode ?? 1), message });
    }
  }

  #finish(): void {
    const { process, giveBack } = this.#parts;
    const { reason = 'exit', exitCode, message, result, hasFolder = false, isSpent = true } = this.#end ?? {};
    if (hasFolder) this.#job.makeFolder();
    this.#leave({
      reason,
      ...(exitCode !== undefined && { exitCode }),
      ...(message !== undefined && { message: message.slice(0, messageLengthMax) }),
      ...(result !== undefined && { result }),
    });
    if (!isSpent && process.child.connected) giveBack();
  }

  #leave(end: AttemptEnd): void {
    for (const takeAway of this.#listeners.splice(0)) takeAway();
    this.#events.end(end);
  }

  #send(message: ToHandler): void {
    // A process that has just died cannot be told; its exit ends the attempt.
    this.#parts.process.child.send(message, () => undefined);
  }
}
