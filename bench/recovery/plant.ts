// A journal as a busy workstation leaves it: a million live tasks, most of them in the snapshot, the rest in the rows
// after it.
import type { GenericSchema } from 'valibot';
import { Core } from '../../scheduler/core/cycle.ts';
import { type JournalPort, openJournal } from '../../scheduler/journal/journal.ts';
import { nodeId, type Token } from '../../scheduler/protocol/brands.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { snapshotEveryBytes, submitBatchMax } from '../../scheduler/protocol/limits.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { type TaskSpec, taskSpecSchema } from '../../scheduler/protocol/task.ts';

const startMs = 1_790_000_000_000;
const queues = 40;
const nodes = 1_000;
const slotsPerNode = 20;
/** Share of the tasks that is in the snapshot; the rest came after it. */
const inSnapshot = 0.95;

export interface Filled {
  readonly liveTasks: number;
  readonly running: number;
  /** Bytes of rows that a start replays. */
  readonly replayBytes: number;
  readonly fileBytes: number;
}

/** Fills a folder's journal with so many live tasks. */
export async function fillJournal(folder: string, tasks: number): Promise<Filled> {
  const opened = await openJournal({
    folder,
    threadFile: new URL('../../scheduler/journal/journalThread.ts', import.meta.url),
    onFailure: (cause) => {
      throw new Error(cause.message);
    },
  });
  if (!opened.ok) throw new Error(opened.reason.message);
  const { journal } = opened.value;
  const plant = new Plant(journal);
  await plant.open();
  await plant.submit(Math.floor(tasks * inSnapshot));
  await journal.snapshot(plant.core.state.sequence, plant.core.snapshotParts());
  await plant.submit(tasks - plant.core.state.tasks.size);
  await plant.reportUntil(snapshotEveryBytes * 0.95);
  const { bytesSinceSnapshot, fileBytes } = journal.stats();
  const { tasks: table } = plant.core.state;
  const filled = {
    liveTasks: table.size,
    running: table.countOf('running'),
    replayBytes: bytesSinceSnapshot,
  };
  await journal.close();
  return { ...filled, fileBytes };
}

class Plant {
  readonly core = new Core();
  readonly #journal: JournalPort;
  #atMs = startMs;
  #submitted = 0;

  constructor(journal: JournalPort) {
    this.#journal = journal;
  }

  async open(): Promise<void> {
    await this.#turn([{ kind: 'StartEpoch', seed: 1 }]);
    await this.#turn(
      Array.from({ length: queues }, (_, at) => ({
        kind: 'PutQueue',
        queue: queueOf(at),
        change: { weight: 1 + (at % 5) },
        actor: 'bench',
      })),
    );
    for (let at = 0; at < nodes; at += 1)
      await this.#turn([
        { kind: 'EnrolNode', nodeId: nodeId(nameOf(at)), publicKey: 'a'.repeat(43) },
        { kind: 'JoinNode', nodeId: nodeId(nameOf(at)), spec: specOfNode(at), held: [] },
      ]);
  }

  async submit(count: number): Promise<void> {
    for (let left = count; left > 0; left -= submitBatchMax) {
      const specs = Array.from({ length: Math.min(left, submitBatchMax) }, () => this.#nextSpec());
      await this.#turn([{ kind: 'SubmitTasks', specs, actor: 'mes' }]);
    }
  }

  /** Attempts start, until the rows after the snapshot have so many bytes. */
  async reportUntil(bytes: number): Promise<void> {
    while (this.#journal.stats().bytesSinceSnapshot < bytes) {
      const before = this.core.state.sequence;
      for (const [id, tokens] of this.#liveByNode()) {
        if (this.#journal.stats().bytesSinceSnapshot >= bytes) return;
        await this.#turn([{ kind: 'ReportStarted', nodeId: nodeId(id), tokens }]);
      }
      // All that run have started: a submit that a full table refuses leaves no event, so the loop must end here.
      if (this.core.state.sequence === before) return;
    }
  }

  #liveByNode(): Map<string, Token[]> {
    const byNode = new Map<string, Token[]>();
    for (const { live } of this.core.state.tasks.all()) {
      if (!live) continue;
      const tokens = byNode.get(live.nodeId);
      if (tokens) tokens.push(live.token);
      else byNode.set(live.nodeId, [live.token]);
    }
    return byNode;
  }

  async #turn(commands: readonly Command[]): Promise<void> {
    let hasMore = true;
    for (let given = commands; hasMore; given = []) {
      this.#atMs += 1;
      const result = this.core.turn(this.#atMs, given);
      for (const answer of result.answers) if (!answer.ok) throw new Error(answer.reason.message);
      if (result.batch) await this.#journal.append(result.batch);
      hasMore = result.hasMore;
    }
  }

  #nextSpec(): TaskSpec {
    this.#submitted += 1;
    const at = this.#submitted;
    return mustDecode(taskSpecSchema, {
      name: `inspect weld ${at}`,
      queue: queueOf(at % queues),
      tenant: `line-${at % 12}`,
      priority: at % 10,
      work: {
        kind: 'command',
        argv: ['/opt/plant/bin/inspect', '--part', String(at), '--camera', `cam-${at % 500}`],
      },
      ask: { cpu: 100 * (1 + (at % 8)), memory: 64 * (1 + (at % 4)) },
      labels: { order: `o${at % 5_000}`, shift: 'early' },
      key: `order-${at}`,
    });
  }
}

const queueOf = (at: number) => `queue-${at}` as TaskSpec['queue'];
const nameOf = (at: number): string => `BOD-L${at % 40}-N${at}`;
const specOfNode = (at: number) =>
  mustDecode(nodeSpecSchema, {
    place: { area: 'body', line: `L${at % 40}`, cell: `C${at % 10}` },
    resources: { cpu: 16_000, memory: 32_768, slots: slotsPerNode },
    kinds: ['command'],
    agentVersion: 'bench',
  });

function mustDecode<Schema extends GenericSchema>(schema: Schema, input: unknown) {
  const decoded = decode(schema, input, 'bench');
  if (!decoded.ok) throw new Error(decoded.reason.message);
  return decoded.value;
}
