// Queues, tenants and nodes as numbers, so that rows and keys are small. A name keeps its number for good.
import type { Database, Statement } from '../sqlite/driver.ts';
import { numberIn, textIn } from '../sqlite/columns.ts';

/** Stands for no node. */
export const noName = 0;

/** The writer's side: makes numbers. */
export class Names {
  readonly #numbers = new Map<string, number>();
  readonly #add: Statement;

  constructor(database: Database) {
    this.#add = database.prepare('INSERT INTO name VALUES (?, ?)');
    for (const row of database.prepare('SELECT id, text FROM name').all())
      this.#numbers.set(textIn(row, 'text'), numberIn(row, 'id'));
  }

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    this.#add.run(number, name);
    this.#numbers.set(name, number);
    return number;
  }
}

/** The readers' side. Undefined: no ended task ever had this name. */
export function numberOfName(database: Database, name: string): number | undefined {
  const row = database.prepare('SELECT id FROM name WHERE text = ?').get(name);
  return row && numberIn(row, 'id');
}

export function nameOfNumber(database: Database, number: number): string {
  if (number === noName) return '';
  const row = database.prepare('SELECT text FROM name WHERE id = ?').get(number);
  return row ? textIn(row, 'text') : '';
}
