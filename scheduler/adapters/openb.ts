// Placement of pods with shared GPUs, one at a time, as the openb measurements ask for it. A pod is a task, submitted
// to a real core; what the core places is the answer. Nothing ends, so no time passes.
import * as v from 'valibot';
import { Core } from '../core/cycle.ts';
import type { Policy } from '../core/place/policy.ts';
import { type NodeId, nodeId, type NodeIndex, type TaskId } from '../protocol/brands.ts';
import type { Command, Event } from '../protocol/events.ts';
import { gpuDevicesMax, slotsMax } from '../protocol/limits.ts';
import { nodeSpecSchema } from '../protocol/node.ts';
import { type TaskSpec, taskSpecSchema } from '../protocol/task.ts';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const askFields = { cpu: whole, mem: whole, gpus: whole, milli: whole, spec: v.array(v.string()) };
const askSchema = v.object(askFields);
const podSchema = v.object({ type: v.literal('pod'), pod: v.object({ ...askFields, seq: whole }) });
const initSchema = v.object({
  type: v.literal('init'),
  nodes: v.array(
    v.object({ id: whole, name: v.string(), cpu: whole, mem: whole, gpus: whole, model: v.string() }),
  ),
  /** Pods of the past: the mix that is to be expected. */
  history: v.optional(v.array(askSchema), []),
});
const messageSchema = v.variant('type', [initSchema, podSchema]);

/** CPU in millicores, memory in MiB, `milli` thousandths of each of `gpus` devices; `spec` the allowed GPU models. */
export type OpenbPod = v.InferOutput<typeof askSchema>;
export type OpenbInit = v.InferOutput<typeof initSchema>;
export type OpenbAnswer = { readonly node: number; readonly gpus?: readonly number[] };

const nowMs = 1_000;
const joinsPerTurn = 1_000;
const actor = 'openb';

/** Answers of one run, line by line. Throws on a message that is not of the format, and on a pod before `init`. */
export function openbAnswers(policy: Policy): (line: string) => OpenbAnswer | undefined {
  let plant: OpenbPlant | undefined;
  return (line) => {
    const message = v.parse(messageSchema, JSON.parse(line));
    if (message.type === 'init') plant = new OpenbPlant(message, policy);
    else if (!plant) throw new Error('a pod came before init');
    else return plant.decide(message.pod);
    return undefined;
  };
}

export class OpenbPlant {
  readonly core: Core;
  /** The id that a node was given, by its row. */
  readonly #ids: number[] = [];
  readonly #specs = new Map<string, TaskSpec>();

  constructor({ nodes, history }: OpenbInit, policy: Policy) {
    this.core = new Core({ policy });
    this.core.turn(nowMs, [{ kind: 'StartEpoch', seed: 1 }]);
    this.core.recall(history.map((pod) => this.#specOf(pod).ask));
    for (let from = 0; from < nodes.length; from += joinsPerTurn)
      this.#join(nodes.slice(from, from + joinsPerTurn));
  }

  /** Node -1 where the pod fits nowhere: it is cancelled, so that it does not wait for room. */
  decide(pod: OpenbPod): OpenbAnswer {
    const taskId = this.#submit(this.#specOf(pod));
    const placed = this.#placed;
    if (placed?.taskId !== taskId) {
      this.core.turn(nowMs, [{ kind: 'CancelTask', taskId, actor, reason: 'fits nowhere now' }]);
      return { node: -1 };
    }
    const gpus: number[] = [];
    for (let device = 0; device < gpuDevicesMax; device += 1)
      if ((placed.gpuMask >> device) & 1) gpus.push(device);
    return { node: this.#ids[this.#rowOf(placed.nodeId)] ?? -1, gpus };
  }

  #placed: Extract<Event, { kind: 'attempt_placed' }> | undefined;

  #submit(spec: TaskSpec): TaskId {
    const { answers, batch } = this.core.turn(nowMs, [{ kind: 'SubmitTasks', specs: [spec], actor }]);
    this.#placed = batch?.events.find((event) => event.kind === 'attempt_placed');
    const [outcome] = answers;
    const answer = outcome?.ok === true ? outcome.value.answers?.[0] : undefined;
    if (answer?.ok === true) return answer.taskId;
    throw new Error(`pod refused: ${answer?.refusal.message ?? 'no answer'}`);
  }

  #join(nodes: OpenbInit['nodes']): void {
    const commands = nodes.map(({ name, cpu, mem, gpus, model }): Command => {
      const resources = { cpu, memory: mem, gpuDevices: gpus, slots: slotsMax };
      const labels = model === '' ? {} : { model };
      const offered = { resources, labels, kinds: ['simulated'], agentVersion: 'openb' };
      return { kind: 'JoinNode', nodeId: nodeId(name), spec: v.parse(nodeSpecSchema, offered), held: [] };
    });
    for (const [at, outcome] of this.core.turn(nowMs, commands).answers.entries()) {
      const node = nodes[at];
      if (!node) continue;
      if (!outcome.ok) throw new Error(`node ${node.name}: ${outcome.reason.message}`);
      this.#ids[this.#rowOf(nodeId(node.name))] = node.id;
    }
  }

  #rowOf(id: NodeId): NodeIndex {
    const row = this.core.state.nodes.indexOf(id);
    if (row === undefined) throw new Error(`node ${id} is not in the plant`);
    return row;
  }

  /** Pods with the same wishes share one spec: it is read and checked once. */
  #specOf({ cpu, mem, gpus, milli, spec: models }: OpenbPod): TaskSpec {
    const key = [cpu, mem, gpus, milli, ...models].join('|');
    const known = this.#specs.get(key);
    if (known) return known;
    const read = v.safeParse(taskSpecSchema, {
      work: { kind: 'simulated', runMs: 0 },
      ask: { cpu, memory: mem, ...(gpus > 0 ? { gpu: { devices: gpus, thousandths: milli } } : {}) },
      selector: models.length > 0 ? { model: models } : {},
    });
    if (!read.success) throw new Error(`pod ${key}: ${read.issues[0].message}`);
    this.#specs.set(key, read.output);
    return read.output;
  }
}
