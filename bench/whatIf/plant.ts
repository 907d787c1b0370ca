// A seeded plant on the real core, whose batches go into a record: nodes join, tasks come at random, run, and end.
import { Core } from '../../scheduler/core/cycle.ts';
import { seededRandom } from '../../scheduler/core/ports.ts';
import { chainStart, encodeBatch, joinGroup } from '../../scheduler/journal/record.ts';
import type { FedRow } from '../../scheduler/journal/feedMessages.ts';
import { nodeId, type NodeId, type TaskId, type Token } from '../../scheduler/protocol/brands.ts';
import type { Batch, Command } from '../../scheduler/protocol/events.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { taskSpecSchema, type TaskSpec } from '../../scheduler/protocol/task.ts';
import type { Recording } from '../../scheduler/recorder/recording.ts';
import { Agenda } from '../../scheduler/recorder/whatIf/agenda.ts';
import * as v from 'valibot';

const startMs = 1_794_000_000_000;
/** Batches of one block of the record. */
const batchesPerBlock = 200;
const beatMs = 10_000;

export interface PlantOptions {
  readonly nodes: number;
  readonly tasksPerS: number;
  readonly spanMs: number;
  readonly seed: number;
}
export interface Recorded {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly placements: number;
  readonly journalBytes: number;
}

interface End {
  readonly token: Token;
  readonly taskId: TaskId;
  readonly nodeId: NodeId;
}

export function recordHour(recording: Recording, options: PlantOptions): Recorded {
  const plant = new Plant(recording, options);
  plant.open();
  const fromMs = plant.nowMs;
  plant.work(fromMs + options.spanMs);
  plant.flush();
  return {
    fromMs,
    untilMs: fromMs + options.spanMs,
    placements: plant.placements,
    journalBytes: plant.journalBytes,
  };
}

class Plant {
  nowMs = startMs;
  placements = 0;
  journalBytes = 0;
  readonly #core = new Core();
  readonly #recording: Recording;
  readonly #options: PlantOptions;
  readonly #random;
  readonly #ends = new Agenda<End>();
  #batches: Batch[] = [];
  #row = 0;

  constructor(recording: Recording, options: PlantOptions) {
    this.#recording = recording;
    this.#options = options;
    this.#random = seededRandom(options.seed);
  }

  open(): void {
    this.#turn([{ kind: 'StartEpoch', seed: 1 }]);
    for (let at = 0; at < this.#options.nodes; at += 1)
      this.#turn([{ kind: 'JoinNode', nodeId: nameOf(at), spec: specOfNode(at), held: [] }]);
    this.placements = 0;
  }

  /** Between two arrivals and ends nothing happens; heartbeats keep the leases. */
  work(untilMs: number): void {
    let arrivalMs = this.nowMs + this.#gapMs();
    let beatAtMs = this.nowMs + beatMs;
    for (;;) {
      const nextMs = Math.min(arrivalMs, this.#ends.nextMs, beatAtMs);
      if (nextMs > untilMs) return;
      this.nowMs = Math.max(this.nowMs, nextMs);
      const commands: Command[] = [];
      for (let end = this.#ends.takeDue(this.nowMs); end; end = this.#ends.takeDue(this.nowMs)) {
        const { token, taskId } = end;
        commands.push({ kind: 'ReportStarted', nodeId: end.nodeId, tokens: [token] });
        const results = [{ token, taskId, end: { reason: 'exit', exitCode: 0 } as const }];
        commands.push({ kind: 'ReportResults', nodeId: end.nodeId, results });
      }
      if (arrivalMs <= this.nowMs) {
        commands.push({ kind: 'SubmitTasks', specs: [this.#spec()], actor: 'mes' });
        arrivalMs = this.nowMs + this.#gapMs();
      }
      if (beatAtMs <= this.nowMs) {
        commands.push(...this.#beats());
        beatAtMs = this.nowMs + beatMs;
      }
      this.#turn(commands);
    }
  }

  flush(): void {
    const [first] = this.#batches;
    const last = this.#batches.at(-1);
    if (!first || !last) return;
    const range = { first: first.sequence, last: last.sequence };
    const payload = Buffer.from(joinGroup(this.#batches.map(encodeBatch), range));
    this.#row += 1;
    this.journalBytes += payload.byteLength;
    const row: FedRow = { id: this.#row, ...range, chain: chainStart, payload };
    this.#recording.add([row]);
    this.#batches = [];
  }

  #turn(commands: readonly Command[]): void {
    let given = commands;
    for (let hasMore = true; hasMore; given = []) {
      const { batch, effects, hasMore: more } = this.#core.turn(this.nowMs, given);
      if (batch) this.#batches.push(batch);
      for (const effect of effects) {
        if (effect.kind !== 'dispatch') continue;
        const { token, taskId } = effect.dispatch;
        this.placements += 1;
        this.#ends.add(this.nowMs + this.#runMs(), { token, taskId, nodeId: effect.nodeId });
      }
      hasMore = more;
    }
    if (this.#batches.length >= batchesPerBlock) this.flush();
  }

  #beats(): readonly Command[] {
    const running = new Map<NodeId, Token[]>();
    for (const { live } of this.#core.state.tasks.all())
      if (live) running.set(live.nodeId, [...(running.get(live.nodeId) ?? []), live.token]);
    return Array.from({ length: this.#options.nodes }, (_, at) => ({
      kind: 'Heartbeat' as const,
      nodeId: nameOf(at),
      cpuUsedMillicores: 0,
      memoryUsedMiB: 0,
      running: running.get(nameOf(at)) ?? [],
    }));
  }

  /** Exponential: arrivals at random with this mean rate. */
  #gapMs(): number {
    return Math.max(1, Math.round((-Math.log(1 - this.#random.next()) * 1_000) / this.#options.tasksPerS));
  }
  /** 5 s to 10 min, most of them short. */
  #runMs(): number {
    return Math.round(5_000 + 595_000 * this.#random.next() ** 3);
  }

  #spec(): TaskSpec {
    const at = Math.floor(this.#random.next() * 1_000);
    const isBound = at % 4 === 0;
    return v.parse(taskSpecSchema, {
      name: `inspect ${at}`,
      queue: 'default',
      priority: at % 10,
      work: { kind: 'command', argv: ['/opt/plant/bin/inspect', '--part', String(at)] },
      ask: { cpu: 250 * (1 + (at % 8)), memory: 256 * (1 + (at % 4)) },
      ...(isBound && { selector: { line: [`L${at % 20}`] } }),
    });
  }
}

const nameOf = (at: number): NodeId => nodeId(`L${at % 20}-N${at}`);
const specOfNode = (at: number) =>
  v.parse(nodeSpecSchema, {
    place: { area: 'body', line: `L${at % 20}`, cell: `C${at % 10}` },
    resources: { cpu: 8_000, memory: 16_384, slots: 16 },
    kinds: ['command'],
    agentVersion: 'bench',
  });
