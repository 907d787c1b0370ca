// The changes of a what-if as commands, and what they do to the recorded load that follows.
import { type NodeId, nodeId } from '../../protocol/brands.ts';
import type { Command } from '../../protocol/events.ts';
import type { NodeSpec } from '../../protocol/node.ts';
import { refusal, Refused } from '../../protocol/outcome.ts';
import { rowState } from '../../protocol/fleetColumns.ts';
import type { SchedulerView } from '../../protocol/view.ts';
import type { NodeSelect, WhatIfChange } from '../../protocol/whatIf.ts';

const actor = 'what-if';

/** Given before the load begins, in this order. `evicted`: what runs there is lost first of all. */
export interface Prepared {
  readonly evicted: readonly NodeId[];
  readonly commands: readonly Command[];
}

export class Changes {
  #added = 0;
  readonly #removed = new Set<NodeId>();
  readonly #cordoned = new Set<NodeId>();
  readonly #queues = new Map<string, Extract<WhatIfChange, { kind: 'queue' }>['change']>();
  readonly #tenants = new Map<string, Extract<WhatIfChange, { kind: 'tenant' }>['change']>();

  /** Throws `Refused` where a change names nothing that is there. */
  prepare(changes: readonly WhatIfChange[], view: SchedulerView): Prepared {
    const evicted = new Set<NodeId>();
    const commands: Command[] = [];
    for (const change of changes) {
      if (!('select' in change)) {
        commands.push(...this.#commandsOf(change, view));
        continue;
      }
      const found = mustSelect(view, change.select);
      commands.push(...found.flatMap((id) => this.#close(id, change.kind)));
      if (change.kind !== 'cordon') for (const id of found) evicted.add(id);
    }
    return { evicted: [...evicted], commands };
  }

  #close(id: NodeId, how: 'cordon' | 'drain' | 'remove'): readonly Command[] {
    this.#cordoned.add(id);
    const cordon: Command = { kind: 'SetCordon', nodeId: id, isCordoned: true, actor };
    if (how !== 'remove') return [cordon];
    this.#removed.add(id);
    return [cordon, { kind: 'DisconnectNode', nodeId: id }, { kind: 'ForgetNode', nodeId: id, actor }];
  }

  #commandsOf(change: Exclude<WhatIfChange, { select: unknown }>, view: SchedulerView): readonly Command[] {
    switch (change.kind) {
      case 'add': {
        const spec = mustFind(view, change.like);
        return this.#newIds(change.count).map((id) => ({ kind: 'JoinNode', nodeId: id, spec, held: [] }));
      }
      case 'queue':
        this.#queues.set(change.queue, change.change);
        return [{ kind: 'PutQueue', queue: change.queue, change: change.change, actor }];
      case 'tenant':
        this.#tenants.set(change.tenant, change.change);
        return [{ kind: 'PutTenant', tenant: change.tenant, change: change.change, actor }];
      case 'policy':
        return []; // of the core itself
    }
  }

  #newIds(count: number): readonly NodeId[] {
    const before = this.#added;
    this.#added += count;
    return Array.from({ length: count }, (_, at) => nodeId(`WHAT-IF-${String(before + at + 1)}`));
  }

  /** A recorded command as it is with the changes; undefined: it does not happen. */
  over(command: Command): Command | undefined {
    if ('nodeId' in command && this.#removed.has(command.nodeId)) return undefined;
    if (command.kind === 'SetCordon' && this.#cordoned.has(command.nodeId)) return undefined;
    if (command.kind === 'PutQueue')
      return { ...command, change: { ...command.change, ...this.#queues.get(command.queue) } };
    if (command.kind === 'PutTenant')
      return { ...command, change: { ...command.change, ...this.#tenants.get(command.tenant) } };
    return command;
  }
}

function mustFind(view: SchedulerView, like: NodeId): NodeSpec {
  const { ids, specs } = view.fleetColumns();
  const spec = specs[ids.indexOf(like)];
  if (spec) return spec;
  throw new Refused(refusal('unknown_node', `there was no node ${like} then`, { field: 'changes' }));
}

function mustSelect(view: SchedulerView, select: NodeSelect): readonly NodeId[] {
  const found: NodeId[] = [];
  const { ids, specs, state, rows } = view.fleetColumns();
  const named = select.nodes && new Set(select.nodes);
  for (let row = 0; row < rows; row += 1) {
    const id = ids[row];
    const spec = specs[row];
    if (id === undefined || !spec || state[row] === rowState.free) continue;
    if (isSelected(id, spec, select, named)) found.push(id);
  }
  if (found.length > 0) return found;
  const said = `no node of then matches ${JSON.stringify(select)}`;
  throw new Refused(refusal('unknown_node', said, { field: 'changes' }));
}

function isSelected(
  id: NodeId,
  { place, labels }: NodeSpec,
  select: NodeSelect,
  named: ReadonlySet<NodeId> | undefined,
): boolean {
  if (Object.keys(select).length === 0 || (named && !named.has(id))) return false;
  const wanted = Object.entries({ area: select.area, line: select.line, cell: select.cell });
  if (wanted.some(([name, value]) => value !== undefined && place[name as keyof typeof place] !== value))
    return false;
  return Object.entries(select.labels ?? {}).every(([name, value]) => labels[name] === value);
}
