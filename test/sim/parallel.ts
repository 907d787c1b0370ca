// Spreads seeds over worker threads; this file is also what each of them runs. Seeds share nothing, so their order does
// not matter.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { mutants } from './mutants.ts';
import { addRun, noRuns, runSeeds, type RunsTotal, type SeedResult } from './runs.ts';

interface Share {
  readonly seeds: readonly number[];
  readonly mutant: string | undefined;
}

/** Every `threads`-th seed to one thread. Rejects where a thread ends before its seeds do. */
export async function runParallel(
  seeds: readonly number[],
  {
    mutant,
    threads,
    onSeed,
  }: Omit<Share, 'seeds'> & {
    readonly threads: number;
    readonly onSeed: (result: SeedResult) => void;
  },
): Promise<RunsTotal> {
  const total = noRuns();
  const shares = Array.from({ length: threads }, (_, at) => seeds.filter((_seed, n) => n % threads === at));
  await Promise.all(
    shares.map((share) =>
      runShare({ seeds: share, mutant }, (result) => {
        addRun(total, result);
        onSeed(result);
      }),
    ),
  );
  return total;
}

function runShare(share: Share, onSeed: (result: SeedResult) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    let left = share.seeds.length;
    worker.on('message', (result: SeedResult) => {
      left -= 1;
      onSeed(result);
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      if (left === 0) resolve();
      else reject(new Error(`a thread ended with code ${String(code)} and ${String(left)} seeds to go`));
    });
  });
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  const { seeds, mutant } = workerData as Share;
  runSeeds(seeds, {
    breakage: mutant === undefined ? undefined : mutants[mutant],
    onSeed: (result) => {
      port.postMessage(result);
    },
  });
}
