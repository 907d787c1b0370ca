// A core whose batches go to a real journal that a real recorder follows; digests are written down as they come.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MessageChannel } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { type JournalPort, openJournal } from '../../scheduler/journal/journal.ts';
import { ms, nodeId } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { Recorder } from '../../scheduler/recorder/recorder.ts';
import { nodeSpec, startMs, success, taskSpec } from './coreStage.ts';

const source = (path: string): URL => new URL(`../../scheduler/${path}`, import.meta.url);
const dayMs = 24 * 3_600_000;

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-recorder-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export interface Mark {
  readonly atMs: number;
  readonly sequence: number;
  readonly digest: string;
}

/** One life of a host: `open` it again in the same folder for the next. */
export class RecorderStage {
  readonly folder: string;
  readonly marks: Mark[] = [];
  readonly log: string[] = [];
  core = new Core();
  nowMs = startMs;
  #journal: JournalPort | undefined;
  #recorder: Recorder | undefined;

  constructor(folder = newFolder()) {
    this.folder = folder;
  }

  get recorder(): Recorder {
    if (!this.#recorder) throw new Error('not open');
    return this.#recorder;
  }
  get journal(): JournalPort {
    if (!this.#journal) throw new Error('not open');
    return this.#journal;
  }

  /** `keepMs` counts from the clock of the machine: tests live in the past, so the default keeps all. */
  async open(
    more: { readonly bytesMax?: number; readonly keepMs?: number; readonly pagesMax?: number } = {},
  ): Promise<this> {
    const { port1, port2 } = new MessageChannel();
    const opened = await openJournal({
      folder: this.folder,
      threadFile: source('journal/journalThread.ts'),
      feed: port1,
      onFailure: ({ message }) => {
        throw new Error(message);
      },
    });
    if (!opened.ok) throw new Error(opened.reason.message);
    this.#journal = opened.value.journal;
    const { bytesMax = 2 ** 30, keepMs = 10_000 * dayMs, pagesMax } = more;
    this.#recorder = new Recorder({
      folder: this.folder,
      bounds: { bytesMax, keepMs },
      recorderThread: source('recorder/recorderThread.ts'),
      pastThread: source('recorder/pastThread.ts'),
      whatIfThread: source('recorder/whatIfThread.ts'),
      snapshotEveryBytes: 1,
      feed: port2,
      log: (_level, message, details) => this.log.push(`${message} ${JSON.stringify(details)}`),
      ...(pagesMax !== undefined && { pagesMax }),
    });
    return this;
  }

  async close(): Promise<void> {
    await this.recorder.close();
    await this.journal.close();
  }

  /** A turn `afterMs` later, durable when it returns; its digest is noted. */
  async turn(commands: readonly Command[], afterMs = 1_000): Promise<Mark> {
    this.nowMs += afterMs;
    let hasMore = true;
    for (let given = commands; hasMore; given = []) {
      const result = this.core.turn(this.nowMs, given);
      if (result.batch) await this.journal.append(result.batch);
      hasMore = result.hasMore;
    }
    const { sequence, lastBatchAtMs } = this.core.state;
    const mark = { atMs: lastBatchAtMs, sequence, digest: this.core.digest() };
    if (this.marks.at(-1)?.sequence !== sequence) this.marks.push(mark);
    return mark;
  }

  async begin(nodes = 2): Promise<void> {
    await this.turn([{ kind: 'StartEpoch', seed: 7 }]);
    for (let at = 0; at < nodes; at += 1)
      await this.turn([
        {
          kind: 'JoinNode',
          nodeId: nodeId(`N${String(at)}`),
          spec: nodeSpec({ place: { area: 'A', line: `L${String(at % 2)}`, cell: 'C' } }),
          held: [],
        },
      ]);
  }

  /** So many tasks are submitted; and all that run end, a second later. */
  async work(tasks: number): Promise<void> {
    await this.turn([
      {
        kind: 'SubmitTasks',
        actor: 'ann',
        specs: Array.from({ length: tasks }, (_, at) => taskSpec({ name: `part ${String(at)}` })),
      },
    ]);
    await this.endAll();
  }

  /** All that run end, a second later. */
  async endAll(): Promise<void> {
    await this.turn(this.#reports());
  }

  snapshot(): Promise<void> {
    return this.journal.snapshot(this.core.state.sequence, this.core.snapshotParts());
  }

  #reports(): readonly Command[] {
    return [...this.core.state.tasks.all()].flatMap(({ live, taskId }): Command[] =>
      live
        ? [
            { kind: 'ReportStarted', nodeId: live.nodeId, tokens: [live.token] },
            {
              kind: 'ReportResults',
              nodeId: live.nodeId,
              results: [{ token: live.token, taskId, end: success }],
            },
          ]
        : [],
    );
  }

  /** The past at a time, or the words in which it is refused. */
  async at(atMs: number): Promise<Omit<Mark, 'atMs'> | string> {
    const found = await this.recorder.ask('seekRecorder', { atMs: ms(atMs), withDigest: true });
    if (!found.ok) return found.reason.message;
    return { sequence: found.value.sequence, digest: found.value.digest ?? '' };
  }
}

export function change(folder: string, work: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(folder, 'recorder.db'));
  work(database);
  database.close();
}
