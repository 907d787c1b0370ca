// Brings the output of all attempts to the hub: coalesced, within the flow window, resumed where the hub left off.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { LogAck, LogChunk, LogStream } from '../scheduler/protocol/agentWire.ts';
import type { TaskId, Token } from '../scheduler/protocol/brands.ts';
import { logChunkBytesMax, logWindowBytes } from '../scheduler/protocol/limits.ts';
import { type StreamPiece, StreamLog } from './attemptLog.ts';
import { whole } from './hubMessages.ts';

/** Output is sent at most this often per attempt, unless a whole piece is there: cost is per message. */
const coalesceMs = 30;
/** Logs of ended attempts that the hub has not stored: beyond this the oldest are given up. */
const keptLogBytesMax = 512 * 1024 * 1024;

const streams = ['stdout', 'stderr'] as const;
const progressSchema = v.object({ acked: whole, dropped: whole, isGivenUp: v.optional(v.boolean()) });
const sidecarSchema = v.object({ stdout: progressSchema, stderr: progressSchema });

interface AttemptStreams {
  readonly token: Token;
  readonly taskId: TaskId;
  readonly stdout: StreamLog;
  readonly stderr: StreamLog;
  hasEnded: boolean;
}
export interface ShipperOptions {
  readonly folder: string;
  /** Sends a piece; false while there is no joined connection. */
  readonly send: (chunk: LogChunk) => boolean;
  readonly onGivenUp?: (token: Token, bytes: number) => void;
  /** Bytes of ended attempts' output that are kept while the hub does not take them. */
  readonly keptBytesMax?: number;
}

export class LogShipper {
  readonly #options: ShipperOptions;
  readonly #attempts = new Map<Token, AttemptStreams>();
  readonly #waiting = new Set<AttemptStreams>();
  #timer: NodeJS.Timeout | undefined;
  #keptBytes = 0;

  constructor(options: ShipperOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  }

  open(token: Token, taskId: TaskId): void {
    const stdout = new StreamLog(this.#pathOf(token, 'stdout'));
    const stderr = new StreamLog(this.#pathOf(token, 'stderr'));
    this.#attempts.set(token, { token, taskId, stdout, stderr, hasEnded: false });
  }

  /** Takes logs that an earlier life of the agent left; removes those of attempts nobody knows. */
  recover(taskIdOf: (token: Token) => TaskId | undefined): void {
    for (const token of tokensIn(this.#options.folder)) {
      const taskId = taskIdOf(token);
      const progress = this.#readProgress(token);
      const stdout = StreamLog.recover(this.#pathOf(token, 'stdout'), progress.stdout);
      const stderr = StreamLog.recover(this.#pathOf(token, 'stderr'), progress.stderr);
      const attempt = { token, taskId: taskId ?? (0 as TaskId), stdout, stderr, hasEnded: true };
      this.#attempts.set(token, attempt);
      this.#keptBytes += stdout.stored + stderr.stored;
      if (taskId === undefined) this.drop(token);
    }
  }

  write(token: Token, stream: LogStream, chunk: Uint8Array): void {
    const attempt = this.#attempts.get(token);
    if (!attempt) return;
    attempt[stream].write(chunk);
    if (attempt[stream].unsent >= logChunkBytesMax) this.#pump(attempt, logChunkBytesMax);
    if (attempt.stdout.unsent + attempt.stderr.unsent > 0) this.#pumpSoon(attempt);
  }

  /** No more output. Sends the rest at once, so that it mostly reaches the hub before the result. */
  end(token: Token): void {
    const attempt = this.#attempts.get(token);
    if (!attempt || attempt.hasEnded) return;
    for (const stream of streams) attempt[stream].end();
    attempt.hasEnded = true;
    this.#keptBytes += attempt.stdout.stored + attempt.stderr.stored;
    this.#pump(attempt, 1);
    this.#writeProgress(attempt);
    this.#settle(attempt);
    this.#giveUpOldest();
  }

  acked(ack: LogAck): void {
    const attempt = this.#attempts.get(ack.token);
    if (!attempt) return;
    attempt[ack.stream].ack(ack.offset);
    if (this.#settle(attempt)) return;
    this.#writeProgress(attempt);
    this.#pump(attempt, 1);
  }

  /** After a join: everything the hub has not stored, from the acknowledged offsets on. */
  resume(): void {
    for (const attempt of this.#attempts.values()) {
      for (const stream of streams) attempt[stream].rewind();
      this.#pump(attempt, 1);
    }
  }

  /** The hub does not want it: revoked, or given up. */
  drop(token: Token): void {
    const attempt = this.#attempts.get(token);
    if (!attempt) return;
    this.#attempts.delete(token);
    this.#waiting.delete(attempt);
    if (attempt.hasEnded) this.#keptBytes -= attempt.stdout.stored + attempt.stderr.stored;
    for (const stream of streams) attempt[stream].remove();
    rmSync(this.#sidecarOf(token), { force: true });
  }

  /** True while pieces wait that the hub has not stored. */
  get isBusy(): boolean {
    return this.#attempts.size > 0;
  }
  close(): void {
    clearTimeout(this.#timer);
  }

  #pumpSoon(attempt: AttemptStreams): void {
    this.#waiting.add(attempt);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const each of waiting) this.#pump(each, 1);
    }, coalesceMs);
  }

  /** Sends pieces while the window has room; `bytesMin` leaves small remainders to the timer. */
  #pump(attempt: AttemptStreams, bytesMin: number): void {
    for (;;) {
      const room = logWindowBytes - attempt.stdout.inFlight - attempt.stderr.inFlight;
      // The stream with less under way goes first, so that a loud one does not silence the other.
      const order =
        attempt.stderr.inFlight < attempt.stdout.inFlight
          ? (['stderr', 'stdout'] as const)
          : (['stdout', 'stderr'] as const);
      if (!order.some((stream) => this.#sendNext(attempt, stream, { room, bytesMin }))) return;
    }
  }

  #sendNext(attempt: AttemptStreams, stream: LogStream, bounds: { room: number; bytesMin: number }): boolean {
    const log = attempt[stream];
    if (log.unsent < bounds.bytesMin && !log.hasMarker) return false;
    const piece: StreamPiece | undefined = log.next(bounds.room);
    if (!piece) return false;
    const { token, taskId } = attempt;
    if (this.#options.send({ token, taskId, stream, ...piece })) return true;
    log.rewind();
    return false;
  }

  /** True where nothing is left to do for the attempt. */
  #settle(attempt: AttemptStreams): boolean {
    const isSettled = attempt.stdout.isSettled && attempt.stderr.isSettled;
    if (isSettled) this.drop(attempt.token);
    return isSettled;
  }

  #giveUpOldest(): void {
    for (const attempt of this.#attempts.values()) {
      if (this.#keptBytes <= (this.#options.keptBytesMax ?? keptLogBytesMax)) return;
      if (!attempt.hasEnded) continue;
      const before = attempt.stdout.stored + attempt.stderr.stored;
      if (before === 0) continue;
      for (const stream of streams) attempt[stream].giveUp();
      this.#keptBytes -= before - attempt.stdout.stored - attempt.stderr.stored;
      this.#writeProgress(attempt);
      this.#options.onGivenUp?.(attempt.token, before);
    }
  }

  /** Small and not fsynced: losing it costs a piece sent twice, which the hub recognises by its offset. */
  #writeProgress(attempt: AttemptStreams): void {
    const { stdout, stderr } = { stdout: attempt.stdout.progress, stderr: attempt.stderr.progress };
    if (stdout.acked + stdout.dropped + stderr.acked + stderr.dropped === 0) return;
    try {
      writeFileSync(this.#sidecarOf(attempt.token), JSON.stringify({ stdout, stderr }), { mode: 0o600 });
    } catch {
      // A full disk: the pieces go again from the start after a restart.
    }
  }

  #readProgress(token: Token): v.InferOutput<typeof sidecarSchema> {
    try {
      return v.parse(sidecarSchema, JSON.parse(readFileSync(this.#sidecarOf(token), 'utf8')));
    } catch {
      return { stdout: { acked: 0, dropped: 0 }, stderr: { acked: 0, dropped: 0 } };
    }
  }

  #pathOf(token: Token, stream: LogStream): string {
    return join(this.#options.folder, `${String(token)}.${stream}`);
  }
  #sidecarOf(token: Token): string {
    return join(this.#options.folder, `${String(token)}.progress`);
  }
}

function tokensIn(folder: string): Set<Token> {
  const tokens = readdirSync(folder)
    .map((name) => /^(\d+)\.(?:stdout|stderr|progress)$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map((digits) => Number(digits) as Token);
  return new Set(tokens.sort((a, b) => a - b));
}
