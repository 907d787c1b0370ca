// What the journal says after a trial: it opens, every row of it is whole, and replaying it leaves nothing undone.
import { Core } from '../../scheduler/core/cycle.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import { openJournal, type Recovered } from '../../scheduler/journal/journal.ts';
import type { Batch } from '../../scheduler/protocol/events.ts';
import type { JournalFindings } from './checker.ts';

const threadFile = new URL('../../scheduler/journal/journalThread.ts', import.meta.url);
/** Ends that only an agent can have told. */
const told: readonly string[] = ['exit', 'signal', 'timeout', 'spawn_failed', 'refused'];

/** The host that wrote it has ended. */
export async function readJournal(folder: string): Promise<JournalFindings> {
  const opened = await openJournal({ folder, threadFile, onFailure: () => undefined });
  if (!opened.ok) return nothingBut(`it does not open: ${opened.reason.message}`);
  try {
    return await replay(opened.value.recovered);
  } catch (error) {
    return nothingBut(`it cannot be replayed: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await opened.value.journal.close();
  }
}

const nothingBut = (fault: string): JournalFindings => ({
  fault,
  liveTasks: [],
  brokenInvariants: [],
  repeated: [],
  endsByNode: new Map(),
});

async function replay({ snapshot, batches }: Recovered): Promise<JournalFindings> {
  const core = new Core();
  if (snapshot) {
    const restoring = core.restore();
    for await (const part of snapshot.parts) restoring.take(part);
    restoring.finish();
  }
  const numbers = new GivenNumbers();
  const ends = new EndsByNode();
  for await (const group of batches)
    for (const batch of group) {
      core.replay(batch);
      numbers.see(batch);
      ends.see(batch);
    }
  return {
    liveTasks: [...core.state.tasks.all()].map(({ taskId }) => taskId),
    brokenInvariants: brokenInvariants(core.state),
    repeated: numbers.repeated,
    endsByNode: ends.tokens,
  };
}

/** Which node told which ends, in the order of the journal. */
class EndsByNode {
  readonly tokens = new Map<string, number[]>();
  readonly #nodeOf = new Map<number, string>();

  see({ events }: Batch): void {
    for (const event of events) {
      if (event.kind === 'attempt_placed') this.#nodeOf.set(event.token, event.nodeId);
      if (event.kind === 'attempt_ended' && told.includes(event.end.reason)) this.#add(event.token);
    }
  }

  #add(token: number): void {
    // Placed before the snapshot: the journal no longer says where.
    const node = this.#nodeOf.get(token);
    if (node !== undefined) this.tokens.set(node, [...(this.tokens.get(node) ?? []), token]);
  }
}

/** Task ids and tokens only grow; each is given once. */
class GivenNumbers {
  readonly repeated: string[] = [];
  #taskId = 0;
  #token = 0;

  see({ sequence, events }: Batch): void {
    for (const event of events) {
      if (event.kind === 'task_admitted') {
        if (event.taskId <= this.#taskId)
          this.repeated.push(`batch ${sequence} gives task id ${event.taskId} again`);
        this.#taskId = Math.max(this.#taskId, event.taskId);
      }
      if (event.kind === 'attempt_placed') {
        if (event.token <= this.#token)
          this.repeated.push(`batch ${sequence} gives token ${event.token} again`);
        this.#token = Math.max(this.#token, event.token);
      }
    }
  }
}
