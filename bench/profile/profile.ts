// `npm run bench -- profile`: the cost of the eBPF profile, and one steady load with it on and with it off.
import { Worker } from 'node:worker_threads';
import { setTimeout as after } from 'node:timers/promises';
import { type Measured, type Options, rounded, wholeOption } from '../bench.ts';
import { ebpfCost, tracing } from './ebpfCost.ts';

/** Two threads that wake each other as fast as the machine lets them: nothing but the scheduler's own work. */
const player = `
const { workerData } = require('node:worker_threads');
const turns = new Int32Array(workerData.turns);
for (;;) {
  while (Atomics.load(turns, 0) % 2 !== workerData.side) Atomics.wait(turns, 0, 1 - workerData.side);
  turns[1] = turns[1] + 1;
  Atomics.store(turns, 0, 1 - workerData.side);
  Atomics.notify(turns, 0);
}`;
/** Threads that sleep and wake: each of them a thousand times a second. */
const sleeper = `const cell = new Int32Array(new SharedArrayBuffer(4)); for (;;) Atomics.wait(cell, 0, 0, 1);`;

export async function profile(options: Options): Promise<Measured> {
  const seconds = wholeOption(options, 'seconds', 20);
  const sleepers = wholeOption(options, 'sleepers', 4);
  const threads = Array.from({ length: sleepers }, () => new Worker(sleeper, { eval: true }));
  const cost = await ebpfCost(seconds);
  await Promise.all(threads.map((thread) => thread.terminate()));

  const offPerS = await handOversPerS(seconds / 2);
  const profiler = await tracing();
  const onPerS = await handOversPerS(seconds / 2);
  profiler.stop();
  return {
    params: { seconds, sleepers },
    figures: {
      ebpfCpuPercent: rounded(cost.ebpfCpuPercent),
      kernelCpuPercent: rounded(cost.kernelCpuPercent),
      bpftraceRssMiB: rounded(cost.bpftraceRssMiB),
      handOversPerSOn: Math.round(onPerS),
    },
    peers: { handOversPerSOff: Math.round(offPerS) },
  };
}

async function handOversPerS(seconds: number): Promise<number> {
  const turns = new SharedArrayBuffer(8);
  const players = [0, 1].map((side) => new Worker(player, { eval: true, workerData: { turns, side } }));
  await after(500);
  const count = new Int32Array(turns);
  const [before, beganMs] = [count[1] ?? 0, performance.now()];
  await after(seconds * 1_000);
  const perS = ((count[1] ?? 0) - before) / ((performance.now() - beganMs) / 1_000);
  await Promise.all(players.map((one) => one.terminate()));
  return perS;
}
