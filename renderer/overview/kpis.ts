// The six numbers of the overview wall, each with its note, trace, and pointer on a scale with its normal band.
import { formatDuration } from '../format/duration.ts';
import { formatCount, formatPercent, percentOf } from '../format/quantity.ts';
import type { OverviewFrame, TraceName } from '../../scheduler/protocol/consoleFrames.ts';
import type { Translate } from '../i18n/i18n.ts';

export interface Kpi {
  readonly id: 'online' | 'running' | 'waiting' | 'dispatch' | 'failures' | 'utilisation';
  readonly value: string;
  readonly unit: string;
  readonly note: string;
  readonly trace: readonly number[];
  readonly second?: readonly number[];
  /** Pointer and normal band, 0..1 of the scale. */
  readonly at: number;
  readonly band: readonly [number, number];
  /** Where a click leads. */
  readonly to: { readonly name: string; readonly query?: Readonly<Record<string, string>> };
}
type Traces = Readonly<Record<TraceName, readonly number[]>> | undefined;

/** What the design promises from submit to dispatch (ARCHITECTURE 10). */
const dispatchLimitMs = 5;
const failureLimitPercent = 1;

export function kpisOf(frame: OverviewFrame, traces: Traces, t: Translate): readonly Kpi[] {
  return [
    onlineKpi(frame, traces, t),
    runningKpi(frame, traces, t),
    waitingKpi(frame, traces, t),
    dispatchKpi(frame, traces, t),
    failuresKpi(frame, traces, t),
    utilisationKpi(frame, traces, t),
  ];
}

/** Pointer and band on a scale of the last hour: the band holds the middle nine tenths of it. */
function againstHour(value: number, trace: readonly number[]): Pick<Kpi, 'at' | 'band'> {
  const sorted = [...trace, value].sort((a, b) => a - b);
  const top = (sorted.at(-1) ?? 0) * 1.2 || 1;
  const quantile = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0) / top;
  return { at: value / top, band: [quantile(0.05), Math.max(quantile(0.95), 0.02)] };
}

function onlineKpi({ nodes }: OverviewFrame, traces: Traces, t: Translate): Kpi {
  const offline = nodes.total - nodes.online;
  return {
    id: 'online',
    value: formatCount(nodes.online),
    unit: `/ ${formatCount(nodes.total)}`,
    note: t('kpi.onlineNote', { offline: formatCount(offline), cordoned: formatCount(nodes.cordoned) }),
    trace: traces?.online ?? [],
    at: nodes.total > 0 ? nodes.online / nodes.total : 0,
    band: [0.95, 1],
    to: { name: 'nodes' },
  };
}

function runningKpi({ tasks }: OverviewFrame, traces: Traces, t: Translate): Kpi {
  const trace = traces?.running ?? [];
  return {
    id: 'running',
    value: formatCount(tasks.running),
    unit: '',
    note: t('kpi.runningNote', {
      dispatched: formatCount(tasks.dispatched),
      cancelling: formatCount(tasks.cancelling),
    }),
    trace,
    ...againstHour(tasks.running, trace),
    to: { name: 'tasks', query: { state: 'running' } },
  };
}

function waitingKpi({ tasks }: OverviewFrame, traces: Traces, t: Translate): Kpi {
  const trace = traces?.waiting ?? [];
  const waiting = tasks.ready + tasks.backlog + tasks.blocked + tasks.backoff;
  const parts = {
    ready: tasks.ready,
    backlog: tasks.backlog,
    blocked: tasks.blocked,
    backoff: tasks.backoff,
  };
  const note = Object.entries(parts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => t(`kpi.waitingPart.${name}`, { count: formatCount(count) }))
    .join(' · ');
  const { at, band } = againstHour(waiting, trace);
  return {
    id: 'waiting',
    value: formatCount(waiting),
    unit: '',
    note: note === '' ? t('kpi.nothingWaits') : note,
    trace,
    at,
    band: [0, band[1]],
    to: { name: 'tasks', query: { state: 'waiting' } },
  };
}

function dispatchKpi({ dispatchMs }: OverviewFrame, traces: Traces, t: Translate): Kpi {
  const common = {
    id: 'dispatch',
    trace: traces?.dispatchP99Ms ?? [],
    band: [0, 0.5],
    to: { name: 'tasks' },
  } as const;
  if (!dispatchMs) return { ...common, value: '–', unit: '', note: t('kpi.nothingDispatched'), at: 0 };
  const text = formatDuration(dispatchMs.p99);
  const [value = text, unit = ''] = text.split(' ');
  // Minutes and hours come in more parts; only then is the whole text the value.
  const isShort = text.split(' ').length === 2;
  return {
    ...common,
    value: isShort ? value : text,
    unit: isShort ? unit : '',
    note: t('kpi.dispatchNote', { p50: formatDuration(dispatchMs.p50), limit: `${dispatchLimitMs} ms` }),
    at: dispatchMs.p99 / (dispatchLimitMs * 2),
  };
}

function failuresKpi({ lastHour }: OverviewFrame, traces: Traces, t: Translate): Kpi {
  const ended = lastHour.succeeded + lastHour.deadLettered + lastHour.cancelled;
  const percent = percentOf(lastHour.deadLettered, ended);
  return {
    id: 'failures',
    value: formatCount(lastHour.deadLettered),
    unit: '',
    note: t('kpi.failuresNote', { percent: formatPercent(percent), ended: formatCount(ended) }),
    trace: traces?.deadLettered ?? [],
    at: percent / (failureLimitPercent * 5),
    band: [0, 0.2],
    to: { name: 'tasks', query: { state: 'failed' } },
  };
}

function utilisationKpi({ use }: OverviewFrame, traces: Traces, t: Translate): Kpi {
  const allocated = percentOf(use.cpuAllocated, use.cpuTotal);
  const used = percentOf(use.cpuUsed, use.cpuTotal);
  return {
    id: 'utilisation',
    value: formatPercent(allocated),
    unit: t('kpi.utilisationUnit', { used: formatPercent(used) }),
    note: t('kpi.utilisationNote', {
      allocated: formatPercent(percentOf(use.memoryAllocated, use.memoryTotal)),
      used: formatPercent(percentOf(use.memoryUsed, use.memoryTotal)),
    }),
    trace: traces?.cpuAllocatedPercent ?? [],
    second: traces?.cpuUsedPercent ?? [],
    at: allocated / 100,
    band: [0.4, 0.95],
    to: { name: 'nodes' },
  };
}
