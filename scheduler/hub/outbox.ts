// What one node has been told to run and has not confirmed, and what it is to be told at the end of this turn.
import type { Dispatch } from '../protocol/agentWire.ts';
import type { Token } from '../protocol/brands.ts';
import * as limits from '../protocol/limits.ts';
import type { Work } from '../protocol/work.ts';

/** Fixed part of one dispatch in JSON: its braces, names and numbers. */
const dispatchBytes = 400;
/** Most bytes that JSON needs for one UTF-16 unit: `\u0000`. */
const bytesPerUnitMax = 6;
/** Quotes, comma and colon around a text. */
const textBytes = 6;

export class Outbox {
  readonly #unconfirmed = new Set<Token>();
  #dispatches: Dispatch[] = [];
  #stops: Token[] = [];

  /** False where the node has too many dispatches unconfirmed. The same token again takes no more room. */
  addDispatch(dispatch: Dispatch): boolean {
    const { token } = dispatch;
    if (this.#unconfirmed.size >= limits.outboxFramesMax && !this.#unconfirmed.has(token)) return false;
    this.#unconfirmed.add(token);
    this.#dispatches.push(dispatch);
    return true;
  }

  addStops(tokens: readonly Token[]): void {
    for (const token of tokens) this.#stops.push(token);
  }

  confirm(token: Token): void {
    this.#unconfirmed.delete(token);
  }

  get unconfirmed(): number {
    return this.#unconfirmed.size;
  }

  get isEmpty(): boolean {
    return this.#dispatches.length === 0 && this.#stops.length === 0;
  }

  /** Gathered dispatches in frames below `frameBytesMax`, oldest first. They count as sent from here on. */
  takeDispatches(): readonly (readonly Dispatch[])[] {
    const taken = this.#dispatches;
    if (taken.length === 0) return [];
    this.#dispatches = [];
    return taken.length === 1 ? [taken] : cutToFrames(taken);
  }

  takeStops(): readonly Token[] {
    const taken = this.#stops;
    this.#stops = [];
    return taken;
  }
}

function cutToFrames(dispatches: readonly Dispatch[]): Dispatch[][] {
  const frames: Dispatch[][] = [];
  let frame: Dispatch[] = [];
  let frameBytes = 0;
  for (const dispatch of dispatches) {
    const bytes = bytesAtMost(dispatch);
    if (frame.length > 0 && frameBytes + bytes > limits.frameBytesMax) {
      frames.push(frame);
      frame = [];
      frameBytes = 0;
    }
    frame.push(dispatch);
    frameBytes += bytes;
  }
  frames.push(frame);
  return frames;
}

/** An upper bound without encoding twice: long texts may make frames smaller than they had to be, never larger. */
function bytesAtMost({ work, checkpoint, group }: Dispatch): number {
  let bytes = dispatchBytes;
  if (checkpoint !== undefined) bytes += textBytesAtMost(checkpoint);
  for (const name of group?.nodes ?? []) bytes += name.length + textBytes;
  return bytes + workBytesAtMost(work);
}

function workBytesAtMost(work: Work): number {
  switch (work.kind) {
    case 'simulated':
      return 0;
    case 'command':
      return textBytesAtMost(work.cwd ?? '') + wordsBytesAtMost(work.argv) + pairsBytesAtMost(work.env);
    case 'function':
      return textBytesAtMost(work.handler) + textBytesAtMost(JSON.stringify(work.input));
    case 'http':
      return wordsBytesAtMost([work.url, work.body ?? '']) + pairsBytesAtMost(work.headers);
    case 'container':
      return wordsBytesAtMost([work.image, ...work.argv]) + pairsBytesAtMost(work.env);
  }
}

const wordsBytesAtMost = (words: readonly string[]): number =>
  words.reduce((bytes, word) => bytes + textBytesAtMost(word), 0);
const pairsBytesAtMost = (pairs: Readonly<Record<string, string>>): number =>
  wordsBytesAtMost(Object.keys(pairs)) + wordsBytesAtMost(Object.values(pairs));

const textBytesAtMost = (text: string): number => text.length * bytesPerUnitMax + textBytes;
