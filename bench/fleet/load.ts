// Tasks offered to a plant at steady rates: how long each took to reach its agent, and how many ended and were stored.
import { quantile, rounded } from '../bench.ts';
import type { Caller, Sent } from './caller.ts';
import { pause, type PlantUnderLoad } from './plantUnderLoad.ts';
import type { Simulators } from './simulators.ts';

/** After the last was offered: what has not ended by then is counted as lost. */
const drainMs = 30_000;
const lookEveryMs = 50;
const warmMs = 3_000;
/** Few enough that none waits for another. */
const idlePerS = 50;

export interface Latencies {
  /** Milliseconds from the caller to the entry of the agent's handler. */
  readonly tasks: readonly number[];
  readonly echoes: readonly number[];
}

export async function atRest({ plant }: PlantUnderLoad, caller: Caller, seconds: number): Promise<Latencies> {
  await caller.steady(idlePerS, warmMs); // both paths are compiled before anything counts
  await plant.takeEntered();
  caller.take();
  await caller.steady(idlePerS, seconds * 1_000);
  await pause(1_000);
  return latencies(caller.take(), await plant.takeEntered());
}

/** Offers `rate` tasks a second, and counts those that ended and are stored, until the last one is. */
export async function loaded(
  { host, plant }: PlantUnderLoad,
  caller: Caller,
  rate: number,
  seconds: number,
): Promise<Record<string, number>> {
  await plant.takeEntered();
  caller.take();
  const before = (await host.metrics())('history_tasks');
  const startMs = performance.now();
  await caller.steady(rate, seconds * 1_000);
  let ended = 0;
  let tookMs = 0;
  const wanted = rate * seconds;
  do {
    await pause(lookEveryMs);
    ended = (await host.metrics())('history_tasks') - before;
    tookMs = performance.now() - startMs;
  } while (ended < wanted && tookMs < seconds * 1_000 + drainMs);
  const sent = caller.take();
  const { tasks } = latencies(sent, await plant.takeEntered());
  return {
    [`durablePerSAt${String(rate)}`]: rounded(ended / (tookMs / 1_000)),
    [`startP50MsAt${String(rate)}`]: rounded(quantile(tasks, 0.5)),
    [`startP99MsAt${String(rate)}`]: rounded(quantile(tasks, 0.99)),
    [`refusedAt${String(rate)}`]: sent.refused,
    [`lostAt${String(rate)}`]: wanted - sent.refused - ended,
    [`loopP99MsAt${String(rate)}`]: rounded((await host.metrics())('loop_delay_p99_seconds') * 1_000),
  };
}

/** The most of any rate. */
export const mostDurable = (curve: Readonly<Record<string, number>>): number =>
  Math.max(
    ...Object.entries(curve).flatMap(([name, value]) => (name.startsWith('durablePerSAt') ? value : [])),
  );

function latencies(sent: Sent, entered: Awaited<ReturnType<Simulators['takeEntered']>>): Latencies {
  const between = (from: ReadonlyMap<number, number>, to: readonly (readonly [number, number])[]): number[] =>
    to.flatMap(([id, atNs]) => {
      const sentNs = from.get(id);
      return sentNs === undefined ? [] : [(atNs - sentNs) / 1e6];
    });
  return { tasks: between(sent.tasks, entered.tasks), echoes: between(sent.echoes, entered.echoes) };
}
