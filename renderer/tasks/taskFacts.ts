// What a task asked for, line by line: id of the label, and the text.
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import { formatDuration } from '../format/duration.ts';
import { plainText } from '../format/plainText.ts';
import { formatCores, formatMemory } from '../format/quantity.ts';

export interface Fact {
  readonly id: string;
  readonly text: string;
}

export function taskFacts(spec: TaskSpec): readonly Fact[] {
  const all: readonly Fact[] = [
    { id: 'queue', text: spec.queue },
    { id: 'tenant', text: spec.tenant },
    { id: 'priority', text: String(spec.priority) },
    { id: 'ask', text: askText(spec) },
    { id: 'selector', text: linesOf(spec.selector, (values) => values.join(' | ')) },
    { id: 'tolerations', text: spec.tolerations.join(', ') },
    ...workFacts(spec),
    { id: 'timeout', text: formatDuration(spec.timeoutMs) },
    { id: 'grace', text: formatDuration(spec.graceMs) },
    { id: 'attempts', text: String(spec.retry.attemptsMax) },
    { id: 'delivery', text: spec.delivery },
    { id: 'labels', text: linesOf(spec.labels, (value) => value) },
    { id: 'key', text: oneLine(spec.key ?? '') },
  ];
  return all.filter((fact) => fact.text !== '');
}

function askText({ ask }: TaskSpec): string {
  const custom = Object.entries(ask.custom).map(([name, amount]) => `${name} ${amount}`);
  const gpu = ask.gpu ? [`gpu ${ask.gpu.devices * (ask.gpu.thousandths / 1_000)}`] : [];
  return [
    `cpu ${formatCores(ask.cpu)}`,
    formatMemory(ask.memory),
    ...gpu,
    `slots ${ask.slots}`,
    ...custom,
  ].join(', ');
}

function workFacts({ work }: TaskSpec): readonly Fact[] {
  switch (work.kind) {
    case 'simulated':
      return [{ id: 'simulated', text: formatDuration(work.runMs) }];
    case 'command':
      return [
        { id: 'shell', text: work.shell ? '/bin/sh -c' : '' },
        { id: 'cwd', text: plainText(work.cwd ?? '') },
        { id: 'env', text: linesOf(work.env, (value) => value) },
      ];
    case 'function':
      return [
        { id: 'handler', text: work.handler },
        { id: 'input', text: plainText(JSON.stringify(work.input)) },
      ];
    case 'http':
      return [
        { id: 'call', text: plainText(`${work.method} ${work.url}`) },
        { id: 'headers', text: linesOf(work.headers, (value) => value) },
        { id: 'body', text: plainText(work.body ?? '') },
        { id: 'retries', text: String(work.retries) },
      ];
    case 'container':
      return [
        { id: 'image', text: plainText(work.image) },
        { id: 'env', text: linesOf(work.env, (value) => value) },
      ];
  }
}

/** A line feed in a value must not look like the next row. */
const oneLine = (text: string): string => plainText(text).replaceAll('\n', '\u240a');

function linesOf<Value>(entries: Readonly<Record<string, Value>>, text: (value: Value) => string): string {
  return Object.entries(entries)
    .map(([name, value]) => oneLine(`${name} = ${text(value)}`))
    .join('\n');
}
