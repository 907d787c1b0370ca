// A strict reader of the Prometheus text format 0.0.4: whatever the format forbids throws.
export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
export interface ReadFamily {
  readonly kind: string;
  readonly help: string;
  readonly samples: ReadSample[];
}

const nameText = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const headLine = new RegExp(`^# (HELP|TYPE) (${nameText}) (.+)$`);
const sampleLine = new RegExp(`^(${nameText})(?:\\{(.*)\\})? (\\S+)$`);
const labelPair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/;
const numberText = /^(NaN|[+-]Inf|-?\d+(\.\d+)?(e[+-]?\d+)?)$/;

export function readPrometheus(text: string): ReadonlyMap<string, ReadFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const reader = new Reader();
  for (const line of text.slice(0, -1).split('\n')) reader.take(line);
  for (const [name, family] of reader.families) checkFamily(name, family);
  return reader.families;
}

class Reader {
  readonly families = new Map<string, ReadFamily>();
  readonly #seen = new Set<string>();
  #help: readonly [name: string, said: string] | undefined;
  #open: (ReadFamily & { readonly name: string }) | undefined;

  take(line: string): void {
    const [, word, name = '', said = ''] = headLine.exec(line) ?? [];
    if (this.#help && word !== 'TYPE') throw new Error(`${this.#help[0]}: HELP without its TYPE`);
    if (word === 'HELP') this.#help = [name, said];
    else if (word === 'TYPE') this.#begin(name, said);
    else this.#add(line);
  }

  #begin(name: string, kind: string): void {
    if (this.#help?.[0] !== name) throw new Error(`${name}: TYPE without its HELP`);
    if (!['counter', 'gauge', 'histogram'].includes(kind)) throw new Error(`${name}: ${kind} is no kind`);
    if (this.families.has(name)) throw new Error(`${name}: its samples are not together`);
    this.#open = { name, kind, help: this.#help[1], samples: [] };
    this.#help = undefined;
    this.families.set(name, this.#open);
  }

  #add(line: string): void {
    const sample = readSample(line);
    const id = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (this.#seen.has(id)) throw new Error(`${id}: twice`);
    this.#seen.add(id);
    const isOfHistogram = this.#open?.kind === 'histogram';
    const base = isOfHistogram ? sample.name.replace(/_(bucket|sum|count)$/, '') : sample.name;
    if (base !== this.#open?.name) throw new Error(`${line}: not below its own HELP`);
    this.#open.samples.push(sample);
  }
}

function readSample(line: string): ReadSample {
  const found = sampleLine.exec(line);
  if (!found || !numberText.test(found[3] ?? '')) throw new Error(`no sample: ${line}`);
  const [, name = '', pairs = '', value = ''] = found;
  return { name, labels: readLabels(pairs), value: Number(value.replace('Inf', 'Infinity')) };
}

function readLabels(pairs: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = pairs;
  while (rest !== '') {
    const [all = '', label = '', escaped = ''] = labelPair.exec(rest) ?? [];
    if (all === '' || label in labels || label.startsWith('__')) throw new Error(`bad labels: ${pairs}`);
    labels[label] = escaped.replace(/\\(.)/g, (_, mark: string) => (mark === 'n' ? '\n' : mark));
    rest = rest.slice(all.length);
  }
  return labels;
}

function checkFamily(name: string, { kind, samples }: ReadFamily): void {
  if (samples.length === 0) throw new Error(`${name}: no sample`);
  if ((kind === 'counter') !== name.endsWith('_total')) throw new Error(`${name}: a ${kind}`);
  if (kind === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name}: negative`);
  if (kind === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly ReadSample[]): void {
  const byLabels = new Map<string, ReadSample[]>();
  for (const sample of samples) {
    const key = JSON.stringify({ ...sample.labels, le: '' });
    byLabels.set(key, [...(byLabels.get(key) ?? []), sample]);
  }
  for (const series of byLabels.values()) {
    const buckets = series.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels['le']?.replace('Inf', 'Infinity')));
    const counts = buckets.map(({ value }) => value);
    const isGrowing = (values: readonly number[], isStrict: boolean): boolean =>
      values.every((value, at) => {
        const before = values[at - 1] ?? -Infinity;
        return isStrict ? value > before : value >= before;
      });
    const count = series.find((sample) => sample.name === `${name}_count`)?.value;
    const sum = series.find((sample) => sample.name === `${name}_sum`)?.value;
    if (bounds.at(-1) !== Infinity || !isGrowing(bounds, true) || !isGrowing(counts, false))
      throw new Error(`${name}: bad buckets`);
    if (count !== counts.at(-1) || sum === undefined)
      throw new Error(`${name}: count is not its last bucket`);
  }
}
