// Placement rules, windows and licences against books of their own: at each placement what the contract says must hold
// of all that is placed. Nothing here is the core's code.
import type { NodeId, Token } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import type { MaintenanceWindow } from '../../scheduler/protocol/maintenance.ts';
import type { NodeSpec } from '../../scheduler/protocol/node.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import { isOpenTo } from './placementLoad.ts';

type Rule = (check: string, holds: boolean, message: string) => void;
interface Placed {
  readonly nodeId: NodeId;
  readonly spec: TaskSpec;
}
type Labels = Readonly<Record<string, string>>;
/** A run bound is rounded up by less than this factor. */
const roundedMost = 2;

export class PlacementBooks {
  readonly #rule: Rule;
  readonly #specs = new Map<NodeId, NodeSpec>();
  readonly #placed = new Map<Token, Placed>();
  readonly #windows = new Map<string, MaintenanceWindow>();
  readonly #totals = new Map<string, number>();

  constructor(rule: Rule) {
    this.#rule = rule;
  }

  /** All but placements. */
  take(event: Event): void {
    if (event.kind === 'node_joined') this.#specs.set(event.nodeId, event.spec);
    else if (event.kind === 'node_forgotten') this.#specs.delete(event.nodeId);
    else if (event.kind === 'attempt_ended') this.#placed.delete(event.token);
    else this.#takeSettings(event);
  }
  #takeSettings(event: Event): void {
    if (event.kind === 'window_put') this.#windows.set(event.window.id, event.window);
    else if (event.kind === 'window_removed') this.#windows.delete(event.id);
    else if (event.kind === 'licence_put') this.#totals.set(event.licence, event.total);
    else if (event.kind === 'licence_removed') this.#totals.delete(event.licence);
  }
  /** It ended in batches that were lost. */
  forget(token: Token | undefined): void {
    if (token !== undefined) this.#placed.delete(token);
  }

  /** `isOpen`: is the node online, and not closed? */
  check(token: Token, one: Placed, atMs: number, isOpen: (nodeId: NodeId) => boolean): void {
    const name = `token ${String(token)} on ${one.nodeId}`;
    this.#checkExclusive(name, one);
    this.#checkNeighbours(name, one);
    this.#checkSpread(name, one, { atMs, isOpen });
    const { expectedMs, timeoutMs } = one.spec;
    const closesAtMs = this.#closesAtMs(one.nodeId, atMs);
    this.#rule(
      'window',
      atMs + Math.min(expectedMs ?? timeoutMs, timeoutMs) <= closesAtMs,
      `${name} may last into a window at ${String(closesAtMs)}`,
    );
    for (const [licence, amount] of Object.entries(one.spec.licences ?? {})) {
      const held = [...this.#placed.values()].reduce(
        (sum, { spec }) => sum + (spec.licences?.[licence] ?? 0),
        0,
      );
      const total = this.#totals.get(licence) ?? 0;
      this.#rule('licence', held + amount <= total, `${name}: ${String(held)} of ${licence} were held`);
    }
  }
  begin(token: Token, one: Placed): void {
    this.#placed.set(token, one);
  }

  #checkExclusive(name: string, { nodeId, spec }: Placed): void {
    const there = [...this.#placed.values()].filter((other) => other.nodeId === nodeId);
    const isKept = there.some((other) => other.spec.placement?.isExclusive);
    this.#rule('exclusive', !isKept, `${name}: the node is another task's alone`);
    if (spec.placement?.isExclusive)
      this.#rule('exclusive', there.length === 0, `${name}: ${String(there.length)} run there`);
  }

  #checkNeighbours(name: string, { nodeId, spec }: Placed): void {
    const { apart, together, avoid } = spec.placement ?? {};
    if (apart) {
      const count = this.#count(apart.labels, apart.within, nodeId);
      this.#rule('apart', count === 0, `${name}: ${String(count)} in its ${apart.within}`);
    }
    if (together) {
      const isFirst = ![...this.#placed.values()].some((other) => hasLabels(other.spec, together.labels));
      const isBeside = this.#count(together.labels, together.within, nodeId) > 0;
      this.#rule('together', isBeside || isFirst, `${name}: none in its ${together.within}`);
    }
    const node = this.#specs.get(nodeId);
    if (avoid && node) this.#rule('avoid', isOpenTo({ nodeId, spec: node }, spec), `${name}: it is avoided`);
  }

  #checkSpread(
    name: string,
    { nodeId, spec }: Placed,
    { atMs, isOpen }: { readonly atMs: number; readonly isOpen: (nodeId: NodeId) => boolean },
  ): void {
    const rule = spec.placement?.spread;
    if (!rule) return;
    const boundMs = roundedMost * Math.min(spec.expectedMs ?? spec.timeoutMs, spec.timeoutMs);
    let least = Number.POSITIVE_INFINITY;
    for (const [other, node] of this.#specs)
      if (
        isOpen(other) &&
        isOpenTo({ nodeId: other, spec: node }, spec) &&
        this.#closesAtMs(other, atMs) > atMs + boundMs
      )
        least = Math.min(least, this.#count(rule.labels, rule.over, other));
    const own = hasLabels(spec, rule.labels) ? 1 : 0;
    const skew = this.#count(rule.labels, rule.over, nodeId) + own - least;
    this.#rule('spread', skew <= rule.skewMax, `${name}: ${String(skew)} above the ${rule.over} with fewest`);
  }

  #count(labels: Labels, within: string, at: NodeId): number {
    const place = placeOf(within, at, this.#specs.get(at));
    let count = 0;
    for (const { nodeId, spec } of this.#placed.values())
      if (hasLabels(spec, labels) && placeOf(within, nodeId, this.#specs.get(nodeId)) === place) count += 1;
    return count;
  }

  #closesAtMs(nodeId: NodeId, atMs: number): number {
    const { area, line, cell } = this.#specs.get(nodeId)?.place ?? { area: '', line: '', cell: '' };
    const known: Labels = { area, line, cell, node: nodeId };
    const starts = [...this.#windows.values()]
      .filter(({ untilMs }) => untilMs > atMs)
      .filter(({ scope }) =>
        Object.entries(scope).every(([label, names]) => names.includes(known[label] ?? '')),
      )
      .map(({ fromMs }) => fromMs);
    return Math.min(Number.POSITIVE_INFINITY, ...starts);
  }
}

const hasLabels = ({ labels }: TaskSpec, wanted: Labels): boolean =>
  Object.entries(wanted).every(([label, value]) => labels[label] === value);
const placeOf = (within: string, nodeId: NodeId, spec: NodeSpec | undefined): string => {
  if (within === 'node') return nodeId;
  const { area = '', line = '', cell = '' } = spec?.place ?? {};
  return within === 'area' ? area : within === 'line' ? `${area} ${line}` : `${area} ${line} ${cell}`;
};
