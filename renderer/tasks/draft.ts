// A task as somebody types it -> the spec that is submitted, and the field that a refusal is about.
import { tenantDefault, type TaskSpec, type TaskSpecInput } from '../../scheduler/protocol/task.ts';
import { attemptsDefault, priorityDefault, timeoutDefaultMs } from '../../scheduler/protocol/limits.ts';
import { httpRetriesDefault } from '../../scheduler/protocol/workLimits.ts';
import type { Refusal } from '../../scheduler/protocol/outcome.ts';
import { type NamedRow, type WorkDraft, workFieldsOf, workOf } from './workDraft.ts';

export interface Draft extends WorkDraft {
  name: string;
  queue: string;
  tenant: string;
  priority: number;
  cores: number;
  memoryMiB: number;
  gpus: number;
  slots: number;
  selector: NamedRow[];
  timeoutS: number;
  attempts: number;
  delivery: 'at_least_once' | 'at_most_once';
}
export type DraftField = Exclude<keyof Draft, 'isShell' | 'kind'> | 'other';

export const emptyDraft = (): Draft => ({
  kind: 'command',
  name: '',
  line: '',
  isShell: false,
  queue: 'default',
  tenant: tenantDefault,
  priority: priorityDefault,
  cores: 0.1,
  memoryMiB: 64,
  gpus: 0,
  slots: 1,
  selector: [],
  env: [],
  cwd: '',
  timeoutS: timeoutDefaultMs / 1_000,
  attempts: attemptsDefault,
  delivery: 'at_least_once',
  handler: '',
  input: '',
  method: 'GET',
  url: '',
  headers: [],
  body: '',
  retries: httpRetriesDefault,
  image: '',
});

export function specOf(draft: Draft): TaskSpecInput {
  return {
    name: draft.name.trim(),
    queue: draft.queue.trim(),
    tenant: draft.tenant.trim() || tenantDefault,
    priority: draft.priority,
    work: workOf(draft),
    ask: {
      cpu: Math.round(draft.cores * 1_000),
      memory: draft.memoryMiB,
      slots: draft.slots,
      ...gpuAsk(draft.gpus),
    },
    selector: selectorOf(draft.selector),
    timeoutMs: Math.round(draft.timeoutS * 1_000),
    retry: { attemptsMax: draft.attempts },
    delivery: draft.delivery,
  };
}

/** The form for a task that there is. What it does not show is lost here: see `changedSpec`. */
export function draftOf(spec: TaskSpec): Draft {
  const { work, ask } = spec;
  const gpu = ask.gpu ? ask.gpu.devices * (ask.gpu.thousandths / 1_000) : 0;
  return {
    ...emptyDraft(),
    name: spec.name,
    ...workFieldsOf(work),
    queue: spec.queue,
    tenant: spec.tenant,
    priority: spec.priority,
    cores: ask.cpu / 1_000,
    memoryMiB: ask.memory,
    gpus: gpu,
    slots: ask.slots,
    selector: Object.entries(spec.selector).map(([name, values]) => ({ name, value: values.join(', ') })),
    timeoutS: spec.timeoutMs / 1_000,
    attempts: spec.retry.attemptsMax,
    delivery: spec.delivery,
  };
}

/** `before` with what somebody changed in its form; fields that the form does not show stay as they are. */
export function changedSpec(before: TaskSpec, draft: Draft): unknown {
  return changed(before, specOf(draftOf(before)), specOf(draft));
}
type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function changed(kept: unknown, shown: unknown, typed: unknown): unknown {
  if (JSON.stringify(shown) === JSON.stringify(typed)) return kept;
  if (!isFields(kept) || !isFields(shown) || !isFields(typed)) return typed;
  const names = new Set([...Object.keys(kept), ...Object.keys(typed)]);
  const isTakenAway = (name: string) => name in shown && !(name in typed);
  const entries = [...names]
    .filter((name) => !isTakenAway(name))
    .map((name): [string, unknown] => [
      name,
      name in typed ? changed(kept[name], shown[name], typed[name]) : kept[name],
    ]);
  return Object.fromEntries(entries);
}

/** Below 1: a part of one device. */
function gpuAsk(gpus: number) {
  if (gpus === 0) return {};
  if (gpus < 1) return { gpu: { devices: 1, thousandths: Math.round(gpus * 1_000) } };
  return { gpu: { devices: gpus } };
}

/** `a, b` allows either value; a label named twice gathers its values. */
function selectorOf(rows: readonly NamedRow[]): Record<string, string[]> {
  const selector: Record<string, string[]> = {};
  for (const { name, value } of rows) {
    if (name.trim() === '') continue;
    const values = value.split(',').map((part) => part.trim());
    selector[name.trim()] = [...(selector[name.trim()] ?? []), ...values.filter((part) => part !== '')];
  }
  return selector;
}

const fieldOfPath: readonly (readonly [prefix: string, field: DraftField])[] = [
  ['name', 'name'],
  ['queue', 'queue'],
  ['tenant', 'tenant'],
  ['priority', 'priority'],
  ['work.argv', 'line'],
  ['work.env', 'env'],
  ['work.handler', 'handler'],
  ['work.input', 'input'],
  ['work.method', 'method'],
  ['work.url', 'url'],
  ['work.headers', 'headers'],
  ['work.body', 'body'],
  ['work.retries', 'retries'],
  ['work.image', 'image'],
  ['work.cwd', 'cwd'],
  ['ask.cpu', 'cores'],
  ['ask.memory', 'memoryMiB'],
  ['ask.gpu', 'gpus'],
  ['ask.slots', 'slots'],
  ['selector', 'selector'],
  ['timeoutMs', 'timeoutS'],
  ['retry', 'attempts'],
  ['delivery', 'delivery'],
];

/** Which field of the form a refusal names. */
export function draftField({ field = '' }: Refusal): DraftField {
  const path = field.replace(/^(?:specs\.)?\d+\./, '').replace(/^spec\./, '');
  return fieldOfPath.find(([prefix]) => path === prefix || path.startsWith(`${prefix}.`))?.[1] ?? 'other';
}
