// What a node is: its place in the plant, what it has, what it offers, and the states it can be in.
import * as v from 'valibot';
import type { MiB, Millicores, Ms, NodeId } from './brands.ts';
import * as limits from './limits.ts';
import { customResourcesSchema } from './task.ts';
import { labelsSchema, nameSchema } from './text.ts';
import { workKinds } from './work.ts';

export const resourcesSchema = v.strictObject({
  cpu: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(0),
    v.maxValue(limits.cpuMillicoresMax),
    v.transform((n) => n as Millicores),
  ),
  memory: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(0),
    v.maxValue(limits.memoryMiBMax),
    v.transform((n) => n as MiB),
  ),
  gpuDevices: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(limits.gpuDevicesMax)), 0),
  slots: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(limits.slotsMax)),
    limits.slotsDefault,
  ),
  custom: v.optional(customResourcesSchema, {}),
});

const placeSchema = v.strictObject({
  area: v.optional(nameSchema, 'unplaced'),
  line: v.optional(nameSchema, 'unplaced'),
  cell: v.optional(nameSchema, 'unplaced'),
});

export const nodeSpecSchema = v.strictObject({
  place: v.optional(placeSchema, {}),
  resources: resourcesSchema,
  labels: v.optional(labelsSchema, {}),
  /** Marks that keep tasks away unless they tolerate them. */
  taints: v.optional(v.pipe(v.array(nameSchema), v.maxLength(limits.taintsMax)), []),
  kinds: v.pipe(v.array(v.picklist(workKinds)), v.minLength(1), v.maxLength(limits.kindsMax)),
  agentVersion: v.pipe(v.string(), v.maxLength(limits.nameLengthMax)),
  /** Operating system and host name, for people. */
  platform: v.optional(v.pipe(v.string(), v.maxLength(limits.labelValueLengthMax)), ''),
});
export type NodeSpec = v.InferOutput<typeof nodeSpecSchema>;

/**
 * `online`: heartbeats arrive. `disconnected`: the socket closed, its attempts keep their lease.
 * `lost`: the node's lease ran out; nothing is placed there.
 */
export type NodeState = 'online' | 'disconnected' | 'lost';

/** One row of the node table as a window sees it. Allocated and really used are both given, always. */
export interface NodeRow {
  readonly nodeId: NodeId;
  readonly area: string;
  readonly line: string;
  readonly cell: string;
  readonly state: NodeState;
  readonly isCordoned: boolean;
  /** Why it was set aside and gets no work; absent where it was not. */
  readonly setAside?: string;
  /** An operator shut it out: no key of it is taken, until it enrols with a token made for its name. */
  readonly isRevoked?: boolean;
  readonly attempts: number;
  /** Not connected, and its tasks go elsewhere only after this: some have offline limits. */
  readonly heldUntilMs?: Ms;
  readonly cpuTotal: Millicores;
  readonly cpuAllocated: Millicores;
  /** As measured by the agent; undefined until the first heartbeat. */
  readonly cpuUsed?: Millicores;
  readonly memoryTotal: MiB;
  readonly memoryAllocated: MiB;
  readonly memoryUsed?: MiB;
  readonly gpuDevices: number;
  readonly slotsTotal: number;
  readonly slotsAllocated: number;
  readonly lastSeenMs: Ms;
  readonly agentVersion: string;
  readonly platform: string;
  readonly kinds: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly string[];
  /** True: it belongs to the simulated plant, and goes with it. Absent: it is real. */
  readonly isSimulated?: boolean;
}

/** A node is simulated when it offers nothing but to pretend. */
export const isSimulatedNode = ({ kinds }: Pick<NodeSpec, 'kinds'>): boolean =>
  kinds.every((kind) => kind === 'simulated');
