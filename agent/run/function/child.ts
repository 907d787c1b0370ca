// The process that runs handlers, one attempt after the other: loads the module, checks the input, tells the end.
import { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import * as v from 'valibot';
import { checkpointBytesMax } from '../../../scheduler/protocol/limits.ts';
import { resultBytesMax } from '../../../scheduler/protocol/workLimits.ts';
import { type Handler, type HandlerAttempt, handlerMark } from '../../sdk/handler.ts';
import type { EndMessage, FromHandler, RunMessage, ToHandler } from './messages.ts';

type End = Pick<EndMessage, 'reason' | 'exitCode' | 'message' | 'result'>;
const written = { stdout: 0, stderr: 0 };
const questions = new Map<number, (isMine: boolean) => void>();
const handlers = new Map<string, Handler>();
let questionsAsked = 0;
let abort = new AbortController();
const state: { hasSpawned: boolean } = { hasSpawned: false };

/** Not in Node's types: a pipe that blocks, so that output waits in the pipe and not in this process's memory. */
interface Blocking {
  readonly _handle?: { readonly setBlocking?: (isBlocking: boolean) => void };
}
for (const stream of ['stdout', 'stderr'] as const) {
  (process[stream] as Blocking)._handle?.setBlocking?.(true);
  const write = process[stream].write.bind(process[stream]) as (...args: unknown[]) => boolean;
  process[stream].write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    written[stream] += Buffer.byteLength(chunk);
    return write(chunk, ...rest);
  };
}
// A process that an attempt began may outlive it in this group: the whole group is then killed, this process with it.
const proto = ChildProcess.prototype as unknown as { spawn: (...args: unknown[]) => unknown };
const spawnChild = proto.spawn;
proto.spawn = function spawn(this: unknown, ...args: unknown[]): unknown {
  state.hasSpawned = true;
  return spawnChild.apply(this, args);
};
// Handlers import the kit by its name, wherever their folder is.
const isBundle = import.meta.url.endsWith('.cjs');
const kitUrl = new URL(isBundle ? './kit.cjs' : '../../sdk/handler.ts', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) => {
    return next(specifier === 'millrace' ? kitUrl : specifier, context);
  },
});

process.on('message', (message: ToHandler) => {
  if (message.kind === 'run') void serve(message);
  else if (message.kind === 'cancel') abort.abort(new Error(message.message));
  else questions.get(message.question)?.(message.standing === 'mine');
});
// The agent is gone: nobody would hear the end.
process.on('disconnect', () => process.exit(1));

const tell = (message: FromHandler): void => {
  process.send?.(message);
};

const hasBegunAny = (): boolean => state.hasSpawned;

async function serve(message: RunMessage): Promise<void> {
  abort = new AbortController();
  state.hasSpawned = false;
  const before = { ...written };
  const given = attemptOf(message);
  const end = await endOf(message, given.attempt);
  const isSpent = hasBegunAny() || process.getActiveResourcesInfo().length > idleResources;
  tell({
    kind: 'end',
    ...end,
    written: { stdout: written.stdout - before.stdout, stderr: written.stderr - before.stderr },
    isSpent,
    hasFolder: given.hasFolder(),
  });
}

async function endOf(message: RunMessage, attempt: HandlerAttempt): Promise<End> {
  let handler: Handler;
  try {
    handler = await handlerIn(message.file);
  } catch (error) {
    return { reason: 'refused', message: `handler ${message.file}: ${(error as Error).message}` };
  }
  const read = handler.input ? v.safeParse(handler.input, message.input) : undefined;
  if (read && !read.success) {
    const [issue] = read.issues;
    const path = ['input', v.getDotPath(issue)].filter((part) => part !== null).join('.');
    return { reason: 'exit', exitCode: 2, message: `${path}: ${issue.message}` };
  }
  try {
    return answered(await handler.run(read ? read.output : message.input, attempt));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : inspect(error)}\n`);
    const said = error instanceof Error ? error.message : inspect(error);
    return { reason: 'exit', exitCode: 1, message: `the handler failed: ${said}` };
  }
}

function answered(value: unknown): End {
  const text = value === undefined ? undefined : (JSON.stringify(value) as string | undefined);
  if (text === undefined) return { reason: 'exit', exitCode: 0 };
  const bytes = Buffer.byteLength(text);
  if (bytes <= resultBytesMax) return { reason: 'exit', exitCode: 0, result: text };
  const limit = String(resultBytesMax);
  const message = `the handler returned ${String(bytes)} bytes, at most ${limit} are kept: write them to a file`;
  return { reason: 'exit', exitCode: 1, message };
}

async function handlerIn(file: string): Promise<Handler> {
  const known = handlers.get(file);
  if (known) return known;
  const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
  const handler = module.default;
  if (typeof handler !== 'object' || handler === null || !(handlerMark in handler))
    throw new Error('its default export is not made by defineHandler of millrace');
  if (!('run' in handler) || typeof handler.run !== 'function') throw new Error('it has no function run');
  handlers.set(file, handler as Handler);
  return handler as Handler;
}

function attemptOf({ taskId, attempt, token, nodeId, folder, before }: RunMessage) {
  let hasFolder = false;
  const given: HandlerAttempt = {
    ...{ taskId, attempt, token, nodeId, before, signal: abort.signal },
    get folder() {
      if (!hasFolder) mkdirSync(folder, { recursive: true, mode: 0o700 });
      hasFolder = true;
      return folder;
    },
    progress: (share, note) => {
      const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
      process.stdout.write(`progress ${String(percent)} %${note === undefined ? '' : ` ${note}`}\n`);
    },
    checkpoint: (text) => {
      if (Buffer.byteLength(text) > checkpointBytesMax)
        throw new Error(`a checkpoint has at most ${String(checkpointBytesMax)} bytes`);
      tell({ kind: 'checkpoint', text });
    },
    stillMine: () =>
      new Promise((resolve) => {
        questionsAsked += 1;
        const question = questionsAsked;
        questions.set(question, (isMine) => {
          questions.delete(question);
          resolve(isMine);
        });
        tell({ kind: 'ask', question });
      }),
    log: (...words) => {
      process.stdout.write(
        `${words.map((word) => (typeof word === 'string' ? word : inspect(word))).join(' ')}\n`,
      );
    },
  };
  return { attempt: given, hasFolder: () => hasFolder };
}

/** What keeps this process alive without any attempt: the channel and the streams. Timers of a handler are more. */
const idleResources = process.getActiveResourcesInfo().length;
