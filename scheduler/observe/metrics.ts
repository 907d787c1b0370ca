// Counters, gauges and histograms of this process, and their Prometheus text exposition.
export interface Counter {
  readonly add: (count?: number) => void;
}
export interface Histogram {
  readonly observe: (value: number) => void;
}
type Labels = Readonly<Record<string, string>>;
type Kind = 'counter' | 'gauge' | 'histogram';

interface Declared {
  readonly name: string;
  readonly kind: Kind;
  readonly help: string;
  readonly labels?: Labels;
}
interface Family {
  readonly kind: Kind;
  readonly help: string;
  /** Writes the family's sample lines. */
  readonly series: Map<string, () => readonly string[]>;
}

/** Names and label values come from our own code, never from outside: the number of series is bounded by it. */
export class Metrics {
  readonly #families = new Map<string, Family>();

  counter(name: string, help: string, labels: Labels = {}): Counter {
    let total = 0;
    this.#register({ name, kind: 'counter', help, labels }, () => [`${name}${labelText(labels)} ${total}`]);
    return {
      add: (count = 1) => {
        total += count;
      },
    };
  }

  /** `read` is called at each exposition. Also for totals that another part counts: give kind `counter`. */
  gauge(name: string, help: string, read: () => number, kind: 'gauge' | 'counter' = 'gauge'): void {
    this.#register({ name, kind, help }, () => [`${name} ${read()}`]);
  }

  /** `bounds`: upper ends of the buckets, growing; `+Inf` is added. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const counts = new Float64Array(bounds.length + 1);
    let sum = 0;
    this.#register({ name, kind: 'histogram', help }, () => histogramLines(name, bounds, counts, sum));
    return {
      observe: (value) => {
        const found = bounds.findIndex((bound) => value <= bound);
        const index = found === -1 ? bounds.length : found;
        counts[index] = (counts[index] ?? 0) + 1;
        sum += value;
      },
    };
  }

  /** Prometheus text format 0.0.4. */
  text(): string {
    const lines: string[] = [];
    for (const [name, { kind, help, series }] of this.#families) {
      lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${kind}`);
      for (const read of series.values()) lines.push(...read());
    }
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  #register({ name, kind, help, labels = {} }: Declared, read: () => readonly string[]): void {
    if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`${name} is no metric name`);
    const family = this.#families.get(name) ?? {
      kind,
      help,
      series: new Map<string, () => readonly string[]>(),
    };
    const key = labelText(labels);
    if (family.kind !== kind || family.series.has(key))
      throw new Error(`metric ${name}${key} exists already`);
    family.series.set(key, read);
    this.#families.set(name, family);
  }
}

function histogramLines(
  name: string,
  bounds: readonly number[],
  counts: Float64Array,
  sum: number,
): string[] {
  let below = 0;
  const lines = Array.from(counts, (count, i) => {
    below += count;
    return `${name}_bucket{le="${bounds[i] ?? '+Inf'}"} ${below}`;
  });
  return [...lines, `${name}_sum ${sum}`, `${name}_count ${below}`];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');
