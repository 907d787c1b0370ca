// What an agent is told where no edge can take it now.
import { type Refusal, refusal } from '../protocol/outcome.ts';

/** No edge listens yet, or one more is being started: that takes about a second. */
const startingMs = 1_000;

export const noEdgeYet = refusal('later', 'a process that takes agents is starting', {
  retryAfterMs: startingMs,
});
export const allFull = (edges: number): Refusal =>
  refusal(
    'fleet_full',
    `the ${edges} processes that take agents are full; give the host more edges, or raise the limit of open files`,
    { retryAfterMs: 60_000 },
  );
