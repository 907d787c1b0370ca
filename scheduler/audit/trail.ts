// The audit trail as the host has it: takes acts without waiting, writes them in groups on a thread, says when they are
// durable, and answers questions about them from another thread.
import type { AuditAct, AuditCheck, AuditPage, AuditState, RecordAudit } from '../protocol/audit.ts';
import * as limits from '../protocol/auditLimits.ts';
import { ms } from '../protocol/brands.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { actWithin } from './actWithin.ts';
import { Floods } from './floods.ts';
import { AuditFailed, AuditLink } from './link.ts';
import type { ListAsks } from './reader.ts';
import type { ExportAsks } from './threadMessages.ts';
import type { TrailOptions } from './trailOptions.ts';
import { type Found, gapAct, type Recorded, type Sizes } from './writer.ts';

/** Between two tries to write, while the disk is full. */
const retryMs = 1_000;
const floodLookMs = 5_000;

/** Refuses `storage_failed` where the file cannot be used. */
export async function openAuditTrail(options: TrailOptions): Promise<Outcome<AuditTrail, Refusal>> {
  const { folder, threadFile, bytesMax = limits.auditBytesMax, pagesMax } = options;
  const start = { folder, bytesMax, ...(pagesMax !== undefined && { pagesMax }) };
  const writer = new AuditLink(threadFile, { ...start, role: 'writer' });
  const fault = await writer.opened;
  if (fault) return refused(refusal('storage_failed', fault.message));
  const reader = new AuditLink(threadFile, { ...start, role: 'reader' });
  const readerFault = await reader.opened;
  try {
    if (readerFault) throw new AuditFailed(readerFault.message);
    const found = await writer.ask('begin', { atMs: options.clock() });
    return accepted(new AuditTrail(options, { writer, reader, found }));
  } catch (error) {
    await Promise.all([writer.close(), reader.close()]);
    if (error instanceof AuditFailed) return refused(refusal('storage_failed', error.message));
    throw error;
  }
}

interface Links {
  readonly writer: AuditLink;
  readonly reader: AuditLink;
  readonly found: Found;
}

export class AuditTrail {
  readonly found: Found;
  readonly #options: TrailOptions;
  readonly #writer: AuditLink;
  readonly #reader: AuditLink;
  readonly #floods = new Floods();
  readonly #looking: NodeJS.Timeout;
  #sizes: Sizes;
  /** Oldest first. */
  #pending: Recorded[] = [];
  /** Events that were not kept since nothing could be written. */
  #gap = 0;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isWriting = false;
  #failure: string | undefined;
  #check: AuditCheck | undefined;

  constructor(options: TrailOptions, { writer, reader, found }: Links) {
    this.#options = options;
    this.#writer = writer;
    this.#reader = reader;
    this.found = found;
    this.#sizes = found.sizes;
    if (found.damage !== undefined) options.onDamage(found.damage);
    this.#looking = setInterval(() => {
      this.#tellFloods(false);
    }, floodLookMs);
    this.#looking.unref();
  }

  /** Refusals that repeat become one entry a minute, with their count. */
  readonly record: RecordAudit = (act) => {
    const isFlood = act.outcome === 'refused';
    this.#take(isFlood ? this.#floods.take(act, this.#options.clock()) : act);
  };

  /** Work that programs give by the thousand: told as refusals are, since the journal has each of it. */
  readonly recordOften: RecordAudit = (act) => {
    this.#take(this.#floods.take(act, this.#options.clock()));
  };

  /** Resolves once all that was recorded until now is durable. Refuses `storage_failed` where it cannot be. */
  async settled(): Promise<Outcome<void, Refusal>> {
    if (this.#pending.length > 0) {
      const written = new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
      this.#writeIn(0);
      await written;
    }
    return this.hindrance() ?? accepted(undefined);
  }

  /** Why nothing may be changed now: it could not be recorded. */
  hindrance(): Outcome<never, Refusal> | undefined {
    if (this.#failure === undefined) return undefined;
    const said = `the audit trail cannot be written, so nothing is changed: ${this.#failure}`;
    return refused(refusal('storage_failed', said));
  }

  /** Refuses `storage_failed`. */
  list(asks: ListAsks): Promise<Outcome<AuditPage, Refusal>> {
    return orRefused(this.#reader.ask('list', asks));
  }

  async state(): Promise<Outcome<AuditState, Refusal>> {
    const facts = await orRefused(this.#reader.ask('facts', undefined));
    if (!facts.ok) return facts;
    const { firstSeq, last, bytes } = this.#sizes;
    const { actors, actions, oldestAtMs } = facts.value;
    return accepted({
      ...{ firstSeq, lastSeq: last.seq, lastHash: last.hash, bytes, actors, actions },
      ...(oldestAtMs !== undefined && { oldestAtMs: ms(oldestAtMs) }),
      ...(this.#failure !== undefined && { failure: this.#failure }),
      ...(this.#check && { check: this.#check }),
    });
  }

  /** Answers with the check that runs, begun now or before. */
  verify(): AuditCheck {
    if (this.#check?.state === 'running') return this.#check;
    const startedAtMs = this.#options.clock();
    const begun: AuditCheck = { state: 'running', startedAtMs, done: 0, total: 0 };
    this.#check = begun;
    const onProgress = (done: number, total: number): void => {
      this.#check = { ...begun, done, total };
    };
    this.#verify(begun, onProgress).then(
      (check) => {
        this.#check = check;
      },
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        this.#check = { ...begun, state: 'failed', message };
      },
    );
    return begun;
  }

  async #verify(begun: AuditCheck, onProgress: (done: number, total: number) => void): Promise<AuditCheck> {
    await this.settled();
    const { done, total, last, fault, found } = await this.#reader.ask('verify', undefined, { onProgress });
    if (fault) this.#options.onDamage(fault.message);
    const told = { done, total, ...last, found, ...(fault && { fault }) };
    return { ...begun, ...told, state: fault ? 'bad' : 'good' };
  }

  /** Resolves with the bytes written. Rejects where it failed or was stopped; no file is left then. */
  async exportTo(
    asks: ExportAsks,
    { onProgress, signal }: { onProgress: (done: number, total: number) => void; signal: AbortSignal },
  ): Promise<number> {
    await this.settled();
    return (await this.#reader.ask('export', asks, { onProgress, signal })).bytes;
  }

  async close(): Promise<void> {
    clearInterval(this.#looking);
    this.#tellFloods(true);
    await this.settled();
    clearTimeout(this.#timer);
    await Promise.all([this.#reader.close(), this.#writer.close()]);
  }

  #tellFloods(isAll: boolean): void {
    for (const act of this.#floods.ended(this.#options.clock(), isAll)) this.#take(act);
  }

  #take(act: AuditAct | undefined): void {
    if (act === undefined) return;
    if (this.#pending.length >= (this.#options.pendingMax ?? limits.auditPendingMax)) {
      this.#gap += act.count ?? 1;
      return;
    }
    this.#pending.push({ act: actWithin(act, this.#options.redact), atMs: this.#options.clock() });
    this.#writeIn(this.#pauseMs());
  }

  #writeIn(waitMs: number): void {
    if (this.#isWriting) return;
    if (waitMs > 0 && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#write();
    }, waitMs);
  }

  /** All that waits, in one transaction. What could not be written stays, in order, for the next try. */
  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    const gap = this.#gap;
    const told = gap === 0 ? [] : [{ act: gapAct(gap), atMs: this.#options.clock() }];
    const batch = [...this.#pending, ...told];
    const { length } = this.#pending;
    try {
      if (batch.length > 0) this.#sizes = await this.#writer.ask('append', batch);
      this.#pending.splice(0, length);
      this.#gap -= gap;
      this.#fail(undefined);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
    this.#isWriting = false;
    for (const resolve of waiting) resolve();
    this.#writeOn();
  }

  /** What came, or stayed, while it wrote. */
  #writeOn(): void {
    const isWaited = this.#waiting.length > 0;
    if (this.#pending.length === 0 && this.#gap === 0 && !isWaited) return;
    this.#writeIn(isWaited ? 0 : this.#pauseMs());
  }

  #pauseMs(): number {
    return this.#failure === undefined ? limits.auditWriteWithinMs : retryMs;
  }

  #fail(message: string | undefined): void {
    if (message === this.#failure) return;
    this.#failure = message;
    this.#options.onFailure(message);
  }
}

async function orRefused<Value>(asked: Promise<Value>): Promise<Outcome<Value, Refusal>> {
  try {
    return accepted(await asked);
  } catch (error) {
    if (error instanceof AuditFailed) return refused(refusal('storage_failed', error.message));
    throw error;
  }
}
