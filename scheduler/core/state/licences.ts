// Licences: how many there are of each, which is journalled, and how many attempts hold, which is counted.
import type { LicenceRow } from '../../protocol/maintenance.ts';

/** Name and amount of each, by name. */
export type LicenceNeeds = readonly (readonly [name: string, amount: number])[];

export class LicenceTable {
  readonly #totals = new Map<string, number>();
  readonly #held = new Map<string, number>();
  /** Grows where an ask that was short may have enough now. Soft state. */
  changes = 0;

  get size(): number {
    return this.#totals.size;
  }
  names(): readonly string[] {
    return [...this.#totals.keys()];
  }
  totalOf(name: string): number | undefined {
    return this.#totals.get(name);
  }
  heldOf(name: string): number {
    return this.#held.get(name) ?? 0;
  }
  rows(): readonly LicenceRow[] {
    return [...this.#totals].map(([licence, total]) => ({ licence, total, held: this.heldOf(licence) }));
  }

  put(name: string, total: number): void {
    this.#totals.set(name, total);
    this.changes += 1;
  }
  remove(name: string): void {
    this.#totals.delete(name);
  }
  hold(needs: LicenceNeeds): void {
    for (const [name, amount] of needs) this.#held.set(name, this.heldOf(name) + amount);
  }
  release(needs: LicenceNeeds): void {
    for (const [name, amount] of needs) {
      const left = this.heldOf(name) - amount;
      if (left === 0) this.#held.delete(name);
      else this.#held.set(name, left);
    }
    if (needs.length > 0) this.changes += 1;
  }

  /** The first licence that is short, or undefined where so many attempts could have all they need now. */
  shortOf(needs: LicenceNeeds, attempts = 1): string | undefined {
    for (const [name, amount] of needs)
      if (this.heldOf(name) + amount * attempts > (this.#totals.get(name) ?? 0)) return name;
    return undefined;
  }
  /** Is some total too small, however little is held? */
  isNever(needs: LicenceNeeds, attempts = 1): boolean {
    return needs.some(([name, amount]) => amount * attempts > (this.#totals.get(name) ?? 0));
  }
}
