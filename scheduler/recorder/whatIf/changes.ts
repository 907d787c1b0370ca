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
  readonly #removed = new Set<NodeId>();
  readonly #cordoned = new Set<NodeId>();
  readonly #queues = new Map<string, Extract<WhatIfChange, { kind: 'queue' }>['change']>();
  readonly #tenants = new Map<string, Extract<WhatIfChange, { kind: 'tenant' }>['change']>();

  /** Throws `Refused` where a change names nothing that is there. */
  prepare(changes: readonly WhatIfChange[], view: SchedulerView): Prepared {
    const evicted = new Set<NodeId>();
    const commands: Command[] = [];
    let added = 0;
    for (const change of changes)
      switch (change.kind) {
        case 'cordon':
        case 'drain':
        case 'remove':
          for (const id of mustSelect(view, change.select)) {
            this.#cordoned.add(id);
            commands.push({ kind: 'SetCordon', nodeId: id, isCordoned: true, actor });
            if (change.kind !== 'cordon') evicted.add(id);
            if (change.kind === 'remove') this.#remove(id, commands);
          }
          break;
        case 'add':
          for (const id of newIds(change.count, added))
            commands.push({ kind: 'JoinNode', nodeId: id, spec: mustFind(view, change.like), held: [] });
          added += change.count;
          break;
        case 'queue':
          this.#queues.set(change.queue, change.change);
          commands.push({ kind: 'PutQueue', queue: change.queue, change: change.change, actor });
          break;
        case 'tenant':
          this.#tenants.set(change.tenant, change.change);
          commands.push({ kind: 'PutTenant', tenant: change.tenant, change: change.change, actor });
          break;
        case 'policy':
          break; // of the core itself
      }
    return { evicted: [...evicted], commands };
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

  #remove(id: NodeId, commands: Command[]): void {
    this.#removed.add(id);
    commands.push({ kind: 'DisconnectNode', nodeId: id }, { kind: 'ForgetNode', nodeId: id, actor });
  }
}

const newIds = (count: number, before: number): readonly NodeId[] =>
  Array.from({ length: count }, (_, at) => nodeId(`WHAT-IF-${String(before + at + 1)}`));

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
