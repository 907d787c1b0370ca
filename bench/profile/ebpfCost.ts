// What eBPF costs: the kernel's own count of the time in the programs, and the processor time of bpftrace.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { ebpfMissing, Profiler } from '../../agent/profile/profiler.ts';
import { MissingInput } from '../bench.ts';

const counting = '/proc/sys/kernel/bpf_stats_enabled';
/** USER_HZ is 100 on every Linux that Node runs on. */
const msPerTick = 10;

interface Cost {
  /** Of one core, kernel and bpftrace together. */
  readonly ebpfCpuPercent: number;
  /** The share of it that is in the programs in the kernel. */
  readonly kernelCpuPercent: number;
  readonly bpftraceRssMiB: number;
}

/** Runs the profiler until its first figures have come, and measures for `seconds` from then. */
export async function ebpfCost(seconds: number): Promise<Cost> {
  const missing = ebpfMissing();
  if (missing !== undefined) throw new MissingInput(missing);
  const before = readFileSync(counting, 'utf8');
  writeFileSync(counting, '1');
  const profiler = await tracing();
  try {
    const pid = profiler.programId;
    if (pid === undefined) throw new MissingInput('bpftrace ended; its last line says why');
    const [beganMs, first] = [performance.now(), spentMs(pid)];
    await after(seconds * 1_000);
    const [tookMs, last] = [performance.now() - beganMs, spentMs(pid)];
    const kernel = last.kernel - first.kernel;
    const program = last.program - first.program;
    return {
      ebpfCpuPercent: (100 * (kernel + program)) / tookMs,
      kernelCpuPercent: (100 * kernel) / tookMs,
      bpftraceRssMiB: residentMiB(pid),
    };
  } finally {
    profiler.stop();
    writeFileSync(counting, before);
  }
}

/** A profiler whose first figures, from eBPF, have come. */
export function tracing(): Promise<Profiler> {
  return new Promise((resolve, reject) => {
    const profiler = new Profiler(({ why }) => {
      if (why === undefined) resolve(profiler);
      else reject(new MissingInput(why));
    });
    profiler.start();
  });
}

function spentMs(pid: number): { readonly kernel: number; readonly program: number } {
  const fields =
    readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? [];
  const folder = `/proc/${String(pid)}/fdinfo`;
  const ran = readdirSync(folder).map(
    (fd) => /^run_time_ns:\s+(\d+)$/m.exec(readFileSync(`${folder}/${fd}`, 'utf8'))?.[1] ?? 0,
  );
  return {
    kernel: ran.reduce<number>((sum, ns) => sum + Number(ns), 0) / 1e6,
    program: (Number(fields[11]) + Number(fields[12])) * msPerTick,
  };
}

const residentMiB = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]) / 1_024;
