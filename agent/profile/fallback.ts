// The profile without eBPF: pressure stalls, then counters of /proc, then what Node tells; each figure names which.
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import type { Figure, FigureName, Profile } from './figure.ts';

type Figures = Partial<Record<FigureName, Figure>>;
/** Lines of /proc/diskstats that are left out: what partitions and devices over others do, their disks do too. */
const madeOverOthers = /^(loop|ram|zram|dm-|md)|^(sd|vd|xvd|hd)[a-z]+\d+$|^(nvme|mmcblk).*p\d+$/;

/** `read` answers undefined for a file that is not there or may not be read. */
type ReadFile = (path: string) => string | undefined;

function readSystemFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Counters are told as what they grew by since the reading before; the first reading has none. */
export class FallbackProbe {
  readonly #readFile: ReadFile;
  #last: Figures;
  #lastMs = performance.now();

  constructor(readFile: ReadFile = readSystemFile) {
    this.#readFile = readFile;
    this.#last = this.#counters();
  }

  read(): Profile {
    const nowMs = performance.now();
    const now = this.#counters();
    const figures: Figures = {};
    for (const name of Object.keys(now) as FigureName[]) {
      const grown = growthOf(now[name], this.#last[name]);
      if (grown) figures[name] = grown;
    }
    // Windows has no load: Node answers zeros there, which would be a figure that nobody measured.
    if (!figures.runQueue && process.platform !== 'win32')
      figures.runQueue = { source: 'os', unit: 'load', value: loadavg()[0] ?? 0 };
    const profile = { spanMs: Math.round(nowMs - this.#lastMs), figures };
    this.#last = now;
    this.#lastMs = nowMs;
    return profile;
  }

  #counters(): Figures {
    const figures: Figures = {};
    const put = (name: FigureName, figure: Figure | undefined): void => {
      if (figure) figures[name] = figure;
    };
    const file = (path: string): string => this.#readFile(path) ?? '';
    put('runQueue', stallOf(file('/proc/pressure/cpu')) ?? runDelayOf(file('/proc/schedstat')));
    put('blockIo', stallOf(file('/proc/pressure/io')) ?? diskTimeOf(file('/proc/diskstats')));
    put('retransmits', counter(retransmitsOf(file('/proc/net/snmp'))));
    const vmstat = file('/proc/vmstat');
    put('pageFaults', counter(/^pgfault (\d+)$/m.exec(vmstat)?.[1]));
    put('oomKills', counter(/^oom_kill (\d+)$/m.exec(vmstat)?.[1]));
    return figures;
  }
}

/** A counter that fell was begun anew, and a source that changed counts something else: both are left out once. */
function growthOf(now: Figure | undefined, before: Figure | undefined): Figure | undefined {
  if (!now || before?.source !== now.source || now.value < before.value) return undefined;
  const value = now.value - before.value;
  if (now.count === undefined || before.count === undefined) return { ...now, value };
  return { ...now, value, count: now.count - before.count };
}

function stallOf(pressure: string): Figure | undefined {
  const total = /^some .*total=(\d+)$/m.exec(pressure)?.[1];
  return total === undefined ? undefined : { source: 'psi', unit: 'stallUs', value: Number(total) };
}

/** Fields 8 and 9 of each `cpuN` line: nanoseconds that tasks waited, and how often one was run. */
function runDelayOf(schedstat: string): Figure | undefined {
  const rows = [...schedstat.matchAll(/^cpu\d+ (.+)$/gm)].map(([, row = '']) => row.split(' ').map(Number));
  if (rows.length === 0) return undefined;
  const sum = (at: number): number => rows.reduce((total, row) => total + (row[at] ?? 0), 0);
  return { source: 'proc', unit: 'us', value: Math.round(sum(7) / 1_000), count: sum(8) };
}

/** Reads and writes completed, and the milliseconds that they took, of every whole disk. */
function diskTimeOf(diskstats: string): Figure | undefined {
  let [timeMs, count, disks] = [0, 0, 0];
  for (const line of diskstats.split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields.length < 11 || madeOverOthers.test(fields[2] ?? '')) continue;
    disks += 1;
    count += Number(fields[3]) + Number(fields[7]);
    timeMs += Number(fields[6]) + Number(fields[10]);
  }
  return disks === 0 ? undefined : { source: 'proc', unit: 'us', value: timeMs * 1_000, count };
}

function retransmitsOf(snmp: string): string | undefined {
  const [names, values] = [...snmp.matchAll(/^Tcp: (.+)$/gm)].map(([, row = '']) => row.split(' '));
  return values?.[names?.indexOf('RetransSegs') ?? -1];
}

const counter = (text: string | undefined): Figure | undefined =>
  text === undefined ? undefined : { source: 'proc', unit: 'count', value: Number(text) };
