// Where nodes stand in the plant: the members of each area, line and cell by name, and each node's own as small
// integers, so that rules over places count in maps of numbers.
import type { NodeIndex } from '../../protocol/brands.ts';
import type { PlaceScope } from '../../protocol/taskRules.ts';

export interface PlaceNames {
  readonly area: string;
  readonly line: string;
  readonly cell: string;
}
type NamedScope = keyof PlaceNames;
const namedScopes = ['cell', 'line', 'area'] as const satisfies readonly NamedScope[];
const nobody: ReadonlySet<NodeIndex> = new Set();
const nowhere = -1;

export class PlaceTable {
  readonly #byName = new Map<string, Set<NodeIndex>>();
  readonly #scopes: Readonly<Record<NamedScope, ScopePlaces>> = {
    cell: new ScopePlaces(),
    line: new ScopePlaces(),
    area: new ScopePlaces(),
  };

  /** Nodes with this area, line or cell, in order of their joining. The same line name may exist in several areas. */
  named(scope: NamedScope, name: string): ReadonlySet<NodeIndex> {
    return this.#byName.get(nameKey(scope, name)) ?? nobody;
  }
  /** The place that a node stands in; the node's own row where the scope is `node`. */
  rowOf(scope: PlaceScope, node: NodeIndex): number {
    return scope === 'node' ? node : this.#scopes[scope].rowOf(node);
  }
  members(scope: PlaceScope, row: number): Iterable<NodeIndex> {
    return scope === 'node' ? [row as NodeIndex] : this.#scopes[scope].members(row);
  }
  /** Rows of the places that have nodes. Not for `node`: those are the node table's. */
  rows(scope: NamedScope): Iterable<number> {
    return this.#scopes[scope].rows();
  }

  enter(node: NodeIndex, names: PlaceNames): void {
    for (const scope of namedScopes) {
      this.#scopes[scope].enter(node, pathOf(scope, names));
      const key = nameKey(scope, names[scope]);
      const named = this.#byName.get(key);
      if (named) named.add(node);
      else this.#byName.set(key, new Set([node]));
    }
  }
  leave(node: NodeIndex, names: PlaceNames): void {
    for (const scope of namedScopes) {
      this.#scopes[scope].leave(node, pathOf(scope, names));
      const key = nameKey(scope, names[scope]);
      const named = this.#byName.get(key);
      named?.delete(node);
      if (named?.size === 0) this.#byName.delete(key);
    }
  }
}

interface PlaceRow {
  readonly row: number;
  readonly members: Set<NodeIndex>;
}

/** The places of one scope. A row is used again once its last node has left. */
class ScopePlaces {
  readonly #byPath = new Map<string, PlaceRow>();
  readonly #places: (PlaceRow | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #ofNode: number[] = [];

  rowOf(node: NodeIndex): number {
    return this.#ofNode[node] ?? nowhere;
  }
  members(row: number): ReadonlySet<NodeIndex> {
    return this.#places[row]?.members ?? nobody;
  }
  *rows(): IterableIterator<number> {
    for (const place of this.#places) if (place) yield place.row;
  }

  enter(node: NodeIndex, path: string): void {
    let place = this.#byPath.get(path);
    if (!place) {
      place = { row: this.#free.pop() ?? this.#places.length, members: new Set() };
      this.#places[place.row] = place;
      this.#byPath.set(path, place);
    }
    place.members.add(node);
    this.#ofNode[node] = place.row;
  }
  leave(node: NodeIndex, path: string): void {
    const place = this.#byPath.get(path);
    this.#ofNode[node] = nowhere;
    if (!place?.members.delete(node) || place.members.size > 0) return;
    this.#byPath.delete(path);
    this.#places[place.row] = undefined;
    this.#free.push(place.row);
  }
}

const nameKey = (scope: NamedScope, name: string): string => `${scope}=${name}`;

/** A cell is that of its line, and a line that of its area, whatever others are called. */
function pathOf(scope: NamedScope, { area, line, cell }: PlaceNames): string {
  if (scope === 'area') return area;
  return scope === 'line' ? `${area}\n${line}` : `${area}\n${line}\n${cell}`;
}
