// Sends spans as OTLP over HTTP. The library is loaded here and nowhere else, and only where tracing is on.
import type { Span } from './taskSpans.ts';
import type { SendSpans } from './tracing.ts';

/** Longer than a busy collector takes; shorter than a stop may last. */
const sendWithinMs = 5_000;
const kindInternal = 0;
const status = { unset: 0, failed: 2 } as const;
/** The library's enum lives in a package of its own. */
const succeeded = 0;
const flags = { sampled: 1 } as const;

/** `url`: of the receiver's traces, such as `http://127.0.0.1:4318/v1/traces`. */
export async function openOtlp(url: string, version: string): Promise<SendSpans> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  type Exported = Parameters<InstanceType<typeof OTLPTraceExporter>['export']>[0][number];
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: sendWithinMs, concurrencyLimit: 1 });
  const shared = {
    kind: kindInternal,
    links: [],
    events: [],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    instrumentationScope: { name: 'millrace', version },
    resource: { attributes: { 'service.name': 'millrace', 'service.version': version } },
  };
  return (spans) =>
    new Promise((resolve) => {
      // The library's own type asks for more of a resource than its exporter reads.
      const exported = spans.map((span) => ({ ...shared, ...fieldsOf(span) })) as unknown as Exported[];
      exporter.export(exported, ({ code }) => {
        const said: number = code;
        resolve(said === succeeded);
      });
    });
}

function fieldsOf({ traceId, spanId, parentSpanId, name, startMs, endMs, isFailed, attributes }: Span) {
  const context = { traceId, traceFlags: flags.sampled };
  return {
    name,
    attributes,
    spanContext: () => ({ ...context, spanId }),
    ...(parentSpanId !== undefined && { parentSpanContext: { ...context, spanId: parentSpanId } }),
    startTime: hrTime(startMs),
    endTime: hrTime(Math.max(startMs, endMs)),
    duration: hrTime(Math.max(0, endMs - startMs)),
    status: { code: isFailed ? status.failed : status.unset },
  };
}

const hrTime = (ms: number): [number, number] => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)];
