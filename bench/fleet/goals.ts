// What a full plant is to reach on two cores; a run says which of it was not.
interface Goal {
  readonly figure: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

const fullPlant = 50_000;
const goals: readonly Goal[] = [
  { figure: 'nodes', atLeast: fullPlant },
  { figure: 'joinS', atMost: 60 },
  { figure: 'rssPerAgentKB', atMost: 25 },
  { figure: 'heartbeatCorePercent', atMost: 20 },
  { figure: 'idleP50Ms', atMost: 1.2 },
  { figure: 'idleP99Ms', atMost: 5 },
  { figure: 'durableTasksPerS', atLeast: 10_000 },
  { figure: 'durableTasksPerS100', atLeast: 25_000 },
];

/** One sentence for each goal that was missed; none for a smaller plant. */
export function missedGoals(nodes: number, figures: Readonly<Record<string, number>>): string[] {
  if (nodes < fullPlant) return [];
  return goals.flatMap(({ figure, atMost, atLeast }) => {
    const value = figures[figure] ?? Number.NaN;
    if (atMost !== undefined && !(value <= atMost))
      return `${figure} is ${String(value)}, above ${String(atMost)}`;
    if (atLeast !== undefined && !(value >= atLeast))
      return `${figure} is ${String(value)}, below ${String(atLeast)}`;
    return [];
  });
}
