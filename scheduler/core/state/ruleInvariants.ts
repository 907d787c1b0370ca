// What must always hold of the counts that placement rules are answered from: they are what a recount gives.
import { placeScopes } from '../../protocol/taskRules.ts';
import type { SchedulerState } from './schedulerState.ts';
import type { Task } from './taskTable.ts';

type Check = (isTrue: boolean, what: string) => void;

export function checkRules(state: SchedulerState, check: Check): void {
  const placed = [...new Set(state.tasks.placed())]; // a task with a copy once
  checkExclusive(state, placed, check);
  checkCounts(state, placed, check);
  checkLicences(state, placed, check);
}

function checkExclusive({ nodes }: SchedulerState, placed: readonly Task[], check: Check): void {
  let exclusives = 0;
  for (const { askClass, live } of placed) {
    if (!live || !askClass.rules?.isExclusive) continue;
    exclusives += 1;
    const others = nodes.attemptsOn(live.node).size - 1;
    check(
      others === 0,
      `exclusive: ${live.nodeId} has ${String(others)} more beside the one that wants it alone`,
    );
    check(nodes.exclusive[live.node] === 1, `exclusive: ${live.nodeId} is not marked`);
  }
  check(
    exclusives === nodes.exclusives,
    `exclusive: ${String(nodes.exclusives)} marked, ${String(exclusives)} are`,
  );
}

function checkLicences({ licences }: SchedulerState, placed: readonly Task[], check: Check): void {
  for (const { licence, held } of licences.rows()) {
    const taken = placed.reduce((sum, { spec }) => sum + (spec.licences?.[licence] ?? 0), 0);
    check(taken === held, `licences: ${licence} counted ${String(held)}, attempts hold ${String(taken)}`);
  }
}

function checkCounts({ nodes, neighbours }: SchedulerState, placed: readonly Task[], check: Check): void {
  for (const watched of neighbours.all()) {
    const found = placed.filter(({ spec }) => watched.matches(spec.labels));
    const name = watched.labels.map(([label, value]) => `${label}=${value}`).join(',');
    check(watched.total === found.length, `neighbours: ${name} counted ${String(watched.total)}`);
    const nodesOf = found.flatMap(({ live }) => (live ? [live.node] : []));
    for (const scope of placeScopes)
      check(
        isCounted(
          nodesOf.map((node) => nodes.places.rowOf(scope, node)),
          watched.countsIn(scope),
        ),
        `neighbours: ${name} by ${scope} is counted wrongly`,
      );
  }
}

function isCounted(rows: readonly number[], kept: ReadonlyMap<number, number>): boolean {
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(row, (counts.get(row) ?? 0) + 1);
  return kept.size === counts.size && [...counts].every(([row, count]) => kept.get(row) === count);
}
