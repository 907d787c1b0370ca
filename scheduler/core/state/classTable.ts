// Interns what repeats: nodes with equal labels, taints and kinds share a node class; tasks that require the same share
// an ask class. Whether one may use the other is worked out once per pair.
import type { NodeSpec } from '../../protocol/node.ts';
import { askClassesMax, nodeClassesMax } from '../../protocol/limits.ts';
import type { Ask, TaskSpec } from '../../protocol/task.ts';
import type { PendingReason } from '../../protocol/reasons.ts';
import {
  type AskRules,
  askRulesOf,
  type PlaceLabel,
  rulesKey,
  sortedValues,
  type SplitLabels,
  splitLabels,
  watchedBy,
} from './askRules.ts';
import type { LicenceNeeds } from './licences.ts';
import type { Neighbours } from './neighbours.ts';

export interface NodeClass {
  readonly row: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly string[];
  readonly kinds: readonly string[];
  readonly hasGpu: boolean;
}

export interface AskClass {
  readonly row: number;
  readonly key: string;
  readonly kind: string;
  readonly ask: Ask;
  /** Selector labels that are answered by the node class. */
  readonly labels: readonly (readonly [string, readonly string[]])[];
  /** Selector labels that are answered by the node's place. */
  readonly places: readonly (readonly [PlaceLabel, readonly string[]])[];
  readonly tolerations: readonly string[];
  /** An attempt of it is taken to end within this time: see `runBoundOf`. */
  readonly boundMs: number;
  /** Plant-wide, held by each attempt. */
  readonly licences: LicenceNeeds;
  /** Members of a gang, all of which have this ask and are placed at once; 0: a plain task. */
  readonly gangSize: number;
  /** Of `placement`, where the task has one. */
  readonly rules: AskRules | undefined;
  /** Live tasks of this class. The class goes with the last one. */
  users: number;
  /** No node could take it when last tried; set aside until an event that could help. Soft state. */
  isBlocked: boolean;
  /** It is set aside for want of a licence, not of a node. Soft state. */
  isShortOfLicence: boolean;
}

const noLicences: LicenceNeeds = [];

interface Usable {
  readonly rows: Int32Array;
  /** By node class; as long as there were classes when it was made. */
  readonly flags: Uint8Array;
}

export class ClassTable {
  readonly nodeClasses: NodeClass[] = [];
  readonly askClasses: (AskClass | undefined)[] = [];
  readonly #nodeByKey = new Map<string, NodeClass>();
  readonly #askByKey = new Map<string, AskClass>();
  readonly #freeAsks: number[] = [];
  /** Rows of node classes that an ask class may use, by ask class row; redone when a node class was added since. */
  readonly #usable: (Usable | undefined)[] = [];
  readonly #neighbours: Neighbours;
  /** Live ask classes with placement rules. */
  ruled = 0;

  constructor(neighbours: Neighbours) {
    this.#neighbours = neighbours;
  }

  /** The class of a node, made where it is new. `decide` has asked `hasRoomForNode` before; a replay need not. */
  nodeClassOf(spec: NodeSpec): NodeClass {
    const parts = nodeParts(spec);
    const key = JSON.stringify(parts);
    const known = this.#nodeByKey.get(key);
    if (known) return known;
    const added: NodeClass = { row: this.nodeClasses.length, ...parts };
    this.nodeClasses.push(added);
    this.#nodeByKey.set(key, added);
    return added;
  }
  hasRoomForNode(spec: NodeSpec): boolean {
    return this.nodeClasses.length < nodeClassesMax || this.#nodeByKey.has(JSON.stringify(nodeParts(spec)));
  }

  /** Counts one more live task of the spec's ask class; undefined where `askClassesMax` is reached. */
  useAskClass(spec: TaskSpec): AskClass | undefined {
    const key = askKey(spec);
    let found = this.#askByKey.get(key);
    if (!found) {
      if (this.#askByKey.size >= askClassesMax) return undefined;
      found = this.#addAskClass(key, spec);
    }
    found.users += 1;
    return found;
  }
  /** Counts one more live task of a class that is in use. */
  useAgain(ask: AskClass): AskClass {
    ask.users += 1;
    return ask;
  }
  hasRoomForAsk(spec: TaskSpec): boolean {
    return this.#askByKey.size < askClassesMax || this.#askByKey.has(askKey(spec));
  }

  /** Room for all of them together. */
  hasRoomForAsks(specs: readonly TaskSpec[]): boolean {
    if (this.#askByKey.size + specs.length <= askClassesMax) return true;
    const added = new Set(specs.map(askKey).filter((key) => !this.#askByKey.has(key)));
    return this.#askByKey.size + added.size <= askClassesMax;
  }

  releaseAskClass(ask: AskClass): void {
    ask.users -= 1;
    if (ask.users > 0) return;
    this.#askByKey.delete(ask.key);
    this.askClasses[ask.row] = undefined;
    this.#usable[ask.row] = undefined;
    this.#freeAsks.push(ask.row);
    if (!ask.rules) return;
    this.ruled -= 1;
    for (const watched of watchedBy(ask.rules)) this.#neighbours.release(watched);
  }

  /** Rows of the node classes that this ask may use, in order of their making. Cached. */
  usableBy(ask: AskClass): Int32Array {
    return this.#usableOf(ask).rows;
  }
  /** 1 at the row of every node class that this ask may use. Cached. */
  usableFlags(ask: AskClass): Uint8Array {
    return this.#usableOf(ask).flags;
  }

  #usableOf(ask: AskClass): Usable {
    const cached = this.#usable[ask.row];
    if (cached && cached.flags.length === this.nodeClasses.length) return cached;
    const flags = Uint8Array.from(this.nodeClasses, (node) =>
      classRefusal(node, ask) === undefined ? 1 : 0,
    );
    const rows = Int32Array.from(
      this.nodeClasses.filter((node) => flags[node.row] === 1).map((node) => node.row),
    );
    const usable = { rows, flags };
    this.#usable[ask.row] = usable;
    return usable;
  }

  #addAskClass(key: string, spec: TaskSpec): AskClass {
    const usable = (): Uint8Array => this.usableFlags(added);
    const added: AskClass = {
      row: this.#freeAsks.pop() ?? this.askClasses.length,
      key,
      kind: spec.work.kind,
      ask: spec.ask,
      ...splitLabels(spec.selector),
      tolerations: spec.tolerations,
      boundMs: runBoundOf(spec),
      licences: spec.licences ? Object.entries(spec.licences).sort(byName) : noLicences,
      gangSize: spec.gang?.size ?? 0,
      rules: askRulesOf(spec, { neighbours: this.#neighbours, usable }),
      users: 0,
      isBlocked: false,
      isShortOfLicence: false,
    };
    this.askClasses[added.row] = added;
    this.#askByKey.set(key, added);
    if (added.rules) this.ruled += 1;
    return added;
  }
}

/** Why no node of a class may ever take an ask, or undefined where it may. Also the answer of explain. */
export function classRefusal(node: NodeClass, ask: AskClass): PendingReason | undefined {
  if (!node.kinds.includes(ask.kind)) return 'KIND_NOT_OFFERED';
  for (const [label, values] of ask.labels) {
    const has = node.labels[label];
    if (has === undefined || !values.includes(has)) return 'LABEL_MISMATCH';
  }
  if (ask.rules && hasAvoided(node, ask.rules.avoid)) return 'NODE_AVOIDED';
  if (node.taints.some((taint) => !ask.tolerations.includes(taint))) return 'TAINT_NOT_TOLERATED';
  if (ask.ask.gpu && !node.hasGpu) return 'INSUFFICIENT_GPU';
  return undefined;
}

const hasAvoided = (node: NodeClass, { labels }: SplitLabels): boolean =>
  labels.some(([label, values]) => values.includes(node.labels[label] ?? ''));

/** How long an attempt should run: what its task expects, or else the longest it could. Milliseconds. */
export const runLengthOf = ({ expectedMs, timeoutMs }: TaskSpec): number =>
  Math.min(expectedMs ?? timeoutMs, timeoutMs);

/**
 * Expected run time, or else the timeout, rounded up to the next half octave: so that tasks which differ by seconds
 * share a class. Milliseconds.
 */
export function runBoundOf(spec: TaskSpec): number {
  const plain = runLengthOf(spec);
  const octave = 2 ** Math.floor(Math.log2(plain));
  if (plain <= octave) return octave;
  return plain <= 1.5 * octave ? 1.5 * octave : 2 * octave;
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

const nodeParts = (spec: NodeSpec): Omit<NodeClass, 'row'> => ({
  labels: Object.fromEntries(Object.entries(spec.labels).sort(byName)),
  taints: [...spec.taints].sort(),
  kinds: [...spec.kinds].sort(),
  hasGpu: spec.resources.gpuDevices > 0,
});

function askKey(spec: TaskSpec): string {
  const { cpu, memory, gpu, slots, custom } = spec.ask;
  const rules = rulesKey(spec);
  return JSON.stringify([
    spec.work.kind,
    [cpu, memory, gpu?.devices ?? 0, gpu?.thousandths ?? 0, slots],
    Object.entries(custom).sort(byName),
    sortedValues(spec.selector),
    [...spec.tolerations].sort(),
    runBoundOf(spec),
    spec.gang?.size ?? 0,
    ...(rules === undefined && !spec.licences ? [] : [rules ?? 0]),
    ...(spec.licences ? [Object.entries(spec.licences).sort(byName)] : []),
  ]);
}
