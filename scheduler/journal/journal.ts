// Opens the journal and tells what it holds. From then on append resolves when the batch is on disk. The file belongs
// to a thread of its own, since a disk stalls for tens of ms.
import type { MessagePort } from 'node:worker_threads';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { Batch } from '../protocol/events.ts';
import { Journal } from './groupCommit.ts';
import type { JournalPort } from './port.ts';
import { decodeGroup } from './record.ts';
import { JournalThread } from './thread.ts';
import type { Found } from './threadMessages.ts';

export { JournalFailed } from './port.ts';
export type { BackupOptions, JournalPort } from './port.ts';

export interface Recovered {
  /** Newest good one. `parts` can be read once, as they were given; all were checked at opening. */
  readonly snapshot?: {
    readonly sequence: number;
    /** Sum over the parts, in bytes. */
    readonly bytes: number;
    readonly parts: AsyncIterable<string>;
  };
  /** Batches after the snapshot, in order, in chunks. Readable once. Everything was checked at opening. */
  readonly batches: AsyncIterable<readonly Batch[]>;
  /** 0 where the journal is new. */
  readonly lastSequence: number;
  /** The last row was torn by a crash and has been cut. */
  readonly tornTail: boolean;
  /** What was found and survived, for the log: a torn tail, a bad snapshot. */
  readonly notices: readonly string[];
}
export interface OpenJournal {
  readonly journal: JournalPort;
  readonly recovered: Recovered;
}
export interface JournalOptions {
  readonly folder: string;
  /** journalThread.ts, or its bundle. */
  readonly threadFile: URL;
  /** Called once, when a write failed: from then on nothing is durable. */
  readonly onFailure: (refusal: Refusal) => void;
  /** Bytes of the file that are read and checked, while it opens. */
  readonly onChecking?: (done: number, total: number) => void;
  /** Where a follower asks for what is durable: rows wait for it to hold them before they are pruned. */
  readonly feed?: MessagePort;
  /** For tests: bounds the file as a full disk would, in pages of 4 KiB. */
  readonly pagesMax?: number;
}

/** Refuses `storage_failed` where the file cannot be used; the message names the file and what to do. */
export async function openJournal(options: JournalOptions): Promise<Outcome<OpenJournal, Refusal>> {
  const start = {
    folder: options.folder,
    ...(options.feed && { feed: options.feed }),
    ...(options.pagesMax !== undefined && { pagesMax: options.pagesMax }),
  };
  const thread = new JournalThread(options.threadFile, start, options.onChecking ?? (() => undefined));
  const opened = await thread.opened;
  if (!opened.ok) {
    await thread.close();
    return refused(refusal('storage_failed', opened.reason.message));
  }
  const found = opened.value;
  const journal = new Journal(thread, found, options.onFailure);
  return accepted({ journal, recovered: recoveredOf(found, thread) });
}

function recoveredOf(found: Found, thread: JournalThread): Recovered {
  const { snapshot, lastSequence, tornTail, notices } = found;
  return {
    ...(snapshot && {
      snapshot: {
        sequence: snapshot.sequence,
        bytes: snapshot.bytes,
        parts: readParts(snapshot.parts, thread),
      },
    }),
    batches: readBatches(found, thread),
    lastSequence,
    tornTail,
    notices,
  };
}

/** Parts that the thread reads while the caller works on the one before. */
const partsAhead = 8;

async function* readParts(parts: number, thread: JournalThread): AsyncGenerator<string> {
  const ahead: Promise<{ readonly bytes: Uint8Array }>[] = [];
  for (let part = 0; part < parts + partsAhead; part += 1) {
    if (part < parts) {
      const next = thread.readPart(part);
      // A failure is told by `onFailure`, and here where it is awaited, if the caller still reads.
      next.catch(() => undefined);
      ahead.push(next);
    }
    if (part < partsAhead) continue;
    const { bytes } = (await ahead.shift()) ?? { bytes: new Uint8Array() };
    yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  }
}

async function* readBatches(found: Found, thread: JournalThread): AsyncGenerator<readonly Batch[]> {
  const after = found.snapshot?.sequence ?? 0;
  let lastId = found.afterId;
  let next = lastId < found.lastId ? thread.read(lastId) : undefined;
  while (next) {
    const chunk = await next;
    lastId = chunk.lastId;
    // The thread reads on while the caller replays.
    next = lastId < found.lastId ? thread.read(lastId) : undefined;
    // A failure is told by `onFailure`, and here by the await above, where the caller still reads.
    next?.catch(() => undefined);
    for (const payload of chunk.payloads) {
      const group = decodeGroup(payload);
      // The thread has checked the row's checksum: only our own encoder can be wrong here.
      if (!group.ok) throw new Error(`journal: ${group.reason}`);
      yield group.value.filter((batch) => batch.sequence > after);
    }
  }
}
