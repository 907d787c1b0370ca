// Where this window was: the screen and each screen's filters, kept between starts. Opened rows are not.
import type { LocationQuery, RouteLocationNormalized } from 'vue-router';

const storageKey = 'millrace.lastPlace';
/** What opens one row of a screen; everything else in its address is its filter. */
const openers: Readonly<Record<string, readonly string[]>> = {
  tasks: ['task'],
  nodes: ['node', 'add'],
  queues: ['queue'],
  schedules: ['schedule', 'add'],
  audit: ['entry'],
};

interface LastPlace {
  readonly screen: string;
  readonly queries: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
const nowhere: LastPlace = { screen: 'overview', queries: {} };

function readKept(): LastPlace {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(storageKey) ?? 'null');
    if (typeof kept !== 'object' || kept === null) return nowhere;
    const { screen, queries } = kept as Record<string, unknown>;
    const isGood = typeof screen === 'string' && typeof queries === 'object' && queries !== null;
    return isGood ? { screen, queries: queries as LastPlace['queries'] } : nowhere;
  } catch {
    return nowhere;
  }
}
let kept = readKept();

function filterOf(name: string, query: LocationQuery): Record<string, string> {
  const single = Object.entries(query).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && !openers[name]?.includes(entry[0]),
  );
  return Object.fromEntries(single);
}

export function keepPlace({ name, query }: RouteLocationNormalized): void {
  if (typeof name !== 'string') return;
  kept = { screen: name, queries: { ...kept.queries, [name]: filterOf(name, query) } };
  localStorage.setItem(storageKey, JSON.stringify(kept));
}

/** A screen as it was left: its name and filters. */
export const placeOf = (name: string) => ({ name, query: kept.queries[name] ?? {} });
export const lastScreen = (): string => kept.screen;
