// Counters, gauges and histograms of this process, and their Prometheus text exposition (format 0.0.4).
import { type Declared, headLines, type Kind, type Labels, sampleLine } from './metricText.ts';

interface Counter {
  readonly add: (count?: number) => void;
}
export interface Histogram {
  readonly observe: (value: number) => void;
}
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}
interface Family extends Declared {
  /** Writes the family's sample lines. By labels, since each set may be declared once. */
  readonly series: Map<string, () => readonly string[]>;
}

/**
 * Label values that come from outside must be bounded by who gives them: see `QueueSeries`. All others come from our
 * own code, so that the number of series is bounded by it.
 */
export class Metrics {
  readonly #families = new Map<string, Family>();

  counter(name: string, help: string, labels: Labels = {}): Counter {
    let total = 0;
    const declared = { name, kind: 'counter' as const, help, labelNames: Object.keys(labels) };
    this.#register(declared, JSON.stringify(labels), () => [sampleLine(name, labels, total)]);
    return {
      add: (count = 1) => {
        total += count;
      },
    };
  }

  /** `read` is called at each exposition. Also for totals that another part counts: give kind `counter`. */
  gauge(name: string, help: string, read: () => number | undefined, kind: Kind = 'gauge'): void {
    this.#register({ name, kind, help, labelNames: [] }, '', () => {
      const value = read();
      return value === undefined ? [] : [sampleLine(name, {}, value)];
    });
  }

  /** A gauge or counter with as many series as `read` gives. */
  each(declared: Declared, read: () => Iterable<Sample>): void {
    this.#register(declared, '', () =>
      Array.from(read(), ({ labels, value }) => sampleLine(declared.name, labels, value)),
    );
  }

  /** `bounds`: upper ends of the buckets, growing; `+Inf` is added. */
  histogram(name: string, help: string, bounds: readonly number[], labels: Labels = {}): Histogram {
    const counts = new Float64Array(bounds.length + 1);
    let sum = 0;
    const declared = { name, kind: 'histogram' as const, help, labelNames: Object.keys(labels) };
    this.#register(declared, JSON.stringify(labels), () => {
      let below = 0;
      const lines = Array.from(counts, (count, at) => {
        below += count;
        return sampleLine(`${name}_bucket`, { ...labels, le: String(bounds[at] ?? '+Inf') }, below);
      });
      return [...lines, sampleLine(`${name}_sum`, labels, sum), sampleLine(`${name}_count`, labels, below)];
    });
    return {
      observe: (value) => {
        let at = 0;
        while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1;
        counts[at] = (counts[at] ?? 0) + 1;
        sum += value;
      },
    };
  }

  /** All families in the order they were declared; one without a sample is left out. */
  text(): string {
    const lines: string[] = [];
    for (const family of this.#families.values()) {
      const samples = [...family.series.values()].flatMap((read) => read());
      if (samples.length > 0) lines.push(...headLines(family), ...samples);
    }
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  /** What there is, for the manual. */
  declared(): readonly Declared[] {
    return [...this.#families.values()];
  }

  #register(declared: Declared, key: string, read: () => readonly string[]): void {
    const { name, kind } = declared;
    if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`${name} is no metric name`);
    if ((kind === 'counter') !== name.endsWith('_total'))
      throw new Error(`metric ${name}: counters end in _total, and nothing else does`);
    const family = this.#families.get(name) ?? { ...declared, series: new Map<string, () => string[]>() };
    if (family.kind !== kind || family.series.has(key))
      throw new Error(`metric ${name}${key} exists already`);
    family.series.set(key, read);
    this.#families.set(name, family);
  }
}
