// After a start, agents come back at the pace of joins: while they do, those still on their way are not given up.
import type { Engine } from '../engine/engine.ts';
import type { Ms } from '../protocol/brands.ts';
import type { Timing } from '../protocol/timing.ts';

interface ReturningWires {
  readonly engine: Pick<Engine, 'awaitAgents' | 'rejoinUntilMs'>;
  readonly agents: () => number;
  readonly clock: () => Ms;
  readonly timing: Timing;
}

const lookEveryMs = 1_000;
/** Fewer joins a second are no storm: nodes that are truly lost must be noticed. */
const joinsMin = 10;
/** Windows of rejoining that the wait may be stretched to: a full plant at a fifth of the usual pace. */
const windowsMax = 8;

/** Returns what ends the looking. */
export function awaitReturning({ engine, agents, clock, timing }: ReturningWires): () => void {
  const endsAtMs = clock() + windowsMax * timing.rejoinWindowMs;
  let before = agents();
  const timer = setInterval(() => {
    const now = agents();
    const joins = now - before;
    before = now;
    const isOver = clock() > Math.min(endsAtMs, engine.rejoinUntilMs());
    if (isOver) clearInterval(timer);
    else if (joins >= joinsMin) engine.awaitAgents(timing.nodeLeaseMs);
  }, lookEveryMs);
  return () => {
    clearInterval(timer);
  };
}
