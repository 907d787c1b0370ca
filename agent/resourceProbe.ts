// How busy this machine is: CPU in millicores since the last reading, and memory in use.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';

export interface NodeUse {
  readonly cpuMillicores: number;
  readonly memoryMiB: number;
}
interface CpuTime {
  readonly busy: number;
  readonly total: number;
}

export const coreCount = (): number => availableParallelism();
export const memoryTotalMiB = (): number => Math.floor(totalmem() / 1_048_576);

export class ResourceProbe {
  #last = readCpuTime();
  #use: NodeUse = { cpuMillicores: 0, memoryMiB: readMemoryUsedMiB() };

  /** About 0.1 ms. The CPU figure is the mean since the previous reading. */
  read(): NodeUse {
    const now = readCpuTime();
    const total = now.total - this.#last.total;
    // Clocks of /proc tick in hundredths: over no time at all the last figure stands.
    const share = total > 0 ? (now.busy - this.#last.busy) / total : undefined;
    const cpuMillicores =
      share === undefined
        ? this.#use.cpuMillicores
        : Math.round(Math.min(1, Math.max(0, share)) * cpus().length * 1000);
    if (total > 0) this.#last = now;
    this.#use = { cpuMillicores, memoryMiB: readMemoryUsedMiB() };
    return this.#use;
  }
}

/** First line of /proc/stat: user nice system idle iowait irq softirq steal; guest time is inside user already. */
export function parseCpuLine(line: string): CpuTime | undefined {
  const fields = line.trim().split(/\s+/).slice(1, 9).map(Number);
  if (!line.startsWith('cpu ') || fields.length < 5 || fields.some(Number.isNaN)) return undefined;
  const total = fields.reduce((sum, ticks) => sum + ticks, 0);
  return { busy: total - (fields[3] ?? 0) - (fields[4] ?? 0), total };
}

/** MemTotal - MemAvailable: what is taken and cannot be given back without swapping. */
export function parseMemoryUsedMiB(meminfo: string): number | undefined {
  const total = /^MemTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  if (total === undefined || available === undefined) return undefined;
  return Math.round((Number(total) - Number(available)) / 1024);
}

function readCpuTime(): CpuTime {
  const fromProc = parseCpuLine(readProc('/proc/stat').split('\n', 1)[0] ?? '');
  if (fromProc) return fromProc;
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busy, total: busy + idle };
}

function readMemoryUsedMiB(): number {
  return parseMemoryUsedMiB(readProc('/proc/meminfo')) ?? Math.round((totalmem() - freemem()) / 1_048_576);
}

function readProc(path: string): string {
  if (process.platform !== 'linux') return '';
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
