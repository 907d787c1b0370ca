// Reads what bpftrace prints (`-f json -B line`): one JSON object a line, one set of figures up to each line `end`.
import { bucketBoundsUs, type Profile } from './figure.ts';
import { faultsPerSample } from './bpfProgram.ts';

/** Lines are bounded by bpftrace's own maps; a longer rest is no line of this program. */
const restMax = 1_000_000;

interface Printed {
  readonly type?: unknown;
  readonly data?: unknown;
}
interface HistogramRow {
  readonly max?: number;
  readonly count: number;
}

/** Takes pieces of output and answers the profiles that became whole with them. Lines that are not JSON are left. */
export class BpfOutput {
  readonly #spanMs: number;
  #rest = '';
  #data: Record<string, unknown> = {};

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  take(piece: string): Profile[] {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, restMax);
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): Profile | undefined {
    const printed = parse(line);
    if (printed === undefined) return undefined;
    if (printed.type === 'printf' && printed.data === 'end\n') {
      const profile = profileOf(this.#data, this.#spanMs);
      this.#data = {};
      return profile;
    }
    if (typeof printed.data === 'object') Object.assign(this.#data, printed.data);
    return undefined;
  }
}

function profileOf(data: Readonly<Record<string, unknown>>, spanMs: number): Profile {
  const counted = (name: string, each = 1) =>
    ({ source: 'ebpf', unit: 'count', value: numberOf(data[name]) * each }) as const;
  const histogram = (name: string) => {
    const buckets = bucketsOf(data[name]);
    const count = buckets.reduce((sum, events) => sum + events, 0);
    return { source: 'ebpf', unit: 'us', value: numberOf(data[`${name}Us`]), count, buckets } as const;
  };
  return {
    spanMs,
    figures: {
      runQueue: histogram('@runQueue'),
      blockIo: histogram('@blockIo'),
      retransmits: counted('@retransmits'),
      pageFaults: counted('@faults', faultsPerSample),
      oomKills: counted('@oomKills'),
    },
    waiters: waitersOf(data['@waiters']),
  };
}

/** Rows of bpftrace end one below a power of two; the last bucket takes all that no bound is above. */
function bucketsOf(rows: unknown): readonly number[] {
  const buckets = new Array<number>(bucketBoundsUs.length + 1).fill(0);
  for (const { max, count } of Array.isArray(rows) ? (rows as HistogramRow[]) : []) {
    const found = bucketBoundsUs.findIndex((bound) => (max ?? Infinity) < bound);
    const at = found < 0 ? bucketBoundsUs.length : found;
    buckets[at] = (buckets[at] ?? 0) + count;
  }
  return buckets;
}

function waitersOf(data: unknown): ReadonlyMap<number, number> {
  const entries = typeof data === 'object' && data !== null ? Object.entries(data) : [];
  return new Map(entries.map(([pid, us]) => [Number(pid), numberOf(us)]));
}

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

function parse(line: string): Printed | undefined {
  try {
    const read: unknown = JSON.parse(line);
    return typeof read === 'object' && read !== null ? read : undefined;
  } catch {
    return undefined;
  }
}
