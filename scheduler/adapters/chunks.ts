// Jobs of several chunks on unlike nodes, as measurements ask for them: a job is a gang whose members need so many
// cores and so much memory each. Members may share a node.
import * as v from 'valibot';
import type { NodeId } from '../protocol/brands.ts';
import { gangSizeMax, slotsMax } from '../protocol/limits.ts';
import { Replay, type ReplaySettings } from './replay.ts';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const seconds = v.pipe(v.number(), v.minValue(0));
const nodeSchema = v.object({ id: whole, name: v.string(), cluster: v.string(), cpu: whole, memMiB: whole });
const jobSchema = v.object({
  id: whole,
  reqTime: seconds,
  chunks: v.pipe(whole, v.minValue(1), v.maxValue(gangSizeMax)),
  ppn: whole,
  memMiB: whole,
  cluster: v.string(),
  excl: v.union([v.boolean(), v.number()]),
});
const messageSchema = v.variant('type', [
  v.object({ type: v.literal('init'), nodes: v.array(nodeSchema) }),
  v.object({ type: v.literal('submit'), t: seconds, job: jobSchema }),
  v.object({ type: v.literal('end'), t: seconds, id: whole }),
  v.object({ type: v.literal('schedule'), t: seconds }),
]);

/** Cores and MiB of each chunk; `cluster` the one it must be in, or ''; `excl` each chunk has its node for itself. */
export type ChunksJob = v.InferOutput<typeof jobSchema>;
export type ChunksNode = v.InferOutput<typeof nodeSchema>;
export interface ChunksStart {
  readonly id: number;
  /** Index of a node for each chunk. */
  readonly nodes: readonly number[];
}

/** Answers of one run, line by line. Throws on a message that is not of the format, or before `init`. */
export function chunksAnswers(settings: ReplaySettings) {
  let plant: ChunksPlant | undefined;
  return (line: string): { readonly start: readonly ChunksStart[] } | undefined => {
    const message = v.parse(messageSchema, JSON.parse(line));
    if (message.type === 'init') plant = new ChunksPlant(message.nodes, settings);
    else if (!plant) throw new Error(`${message.type} came before init`);
    else if (message.type === 'submit') plant.submit(message.job);
    else if (message.type === 'end') plant.end(message.id);
    else return { start: plant.schedule(message.t) };
    return undefined;
  };
}

export class ChunksPlant {
  readonly #replay: Replay;
  readonly #indexOf: ReadonlyMap<NodeId, number>;

  constructor(nodes: readonly ChunksNode[], settings: ReplaySettings) {
    const offered = nodes.map(({ cpu, memMiB, cluster }, index) => ({
      name: `node-${String(index)}`,
      resources: { cpu: cpu * 1_000, memory: memMiB, slots: slotsMax },
      labels: { cluster },
    }));
    this.#replay = new Replay(offered, settings);
    this.#indexOf = new Map(offered.map(({ name }, index) => [name as NodeId, index]));
  }

  submit({ id, reqTime, chunks, ppn, memMiB, cluster, excl }: ChunksJob): void {
    this.#replay.submit({
      id,
      ask: { cpu: ppn * 1_000, memory: memMiB },
      selector: cluster === '' ? {} : { cluster: [cluster] },
      placement: excl === true || excl === 1 ? { isExclusive: true } : undefined,
      members: chunks,
      expectedS: reqTime,
    });
  }
  end(id: number): void {
    this.#replay.end(id);
  }
  schedule(second: number): readonly ChunksStart[] {
    return this.#replay
      .decide(second)
      .map(({ id, nodes }) => ({ id, nodes: nodes.map((node) => this.#indexOf.get(node) ?? -1) }));
  }
}
