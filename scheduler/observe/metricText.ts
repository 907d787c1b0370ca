// How one metric is written in Prometheus text: escapes, numbers, heads.
export type Labels = Readonly<Record<string, string>>;
export type Kind = 'counter' | 'gauge' | 'histogram';

export interface Declared {
  readonly name: string;
  readonly kind: Kind;
  readonly help: string;
  readonly labelNames: readonly string[];
}

export const headLines = ({ name, kind, help }: Declared): readonly string[] => [
  `# HELP ${name} ${escapeHelp(help)}`,
  `# TYPE ${name} ${kind}`,
];

export function sampleLine(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');
