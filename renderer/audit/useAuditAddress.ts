// The audit screen's state in its address: what is filtered by, and which entry is opened.
import { computed } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import type { ParamsInput } from '../../scheduler/protocol/consoleWire.ts';

export const auditSpans = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000, all: 0 } as const;
export type AuditSpan = keyof typeof auditSpans;
const spans = Object.keys(auditSpans) as AuditSpan[];

export interface AuditChoice {
  readonly text: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly outcome: 'done' | 'refused' | '';
  readonly span: AuditSpan;
}
const fields = ['text', 'actor', 'action', 'target', 'outcome'] as const;

export function useAuditAddress() {
  const route = useRoute();
  const router = useRouter();
  const single = (name: string) => {
    const value = route.query[name];
    return typeof value === 'string' ? value : '';
  };
  const choice = computed<AuditChoice>(() => {
    const outcome = single('outcome');
    return {
      text: single('text'),
      actor: single('actor'),
      action: single('action'),
      target: single('target'),
      outcome: outcome === 'done' || outcome === 'refused' ? outcome : '',
      span: spans.find((span) => span === single('span')) ?? 'all',
    };
  });
  const opened = computed(() => Number(single('entry')));

  const queryOf = (of: AuditChoice) => ({
    ...Object.fromEntries(fields.filter((name) => of[name] !== '').map((name) => [name, of[name]])),
    ...(of.span !== 'all' && { span: of.span }),
  });
  function choose(next: AuditChoice): void {
    void router.replace({ name: 'audit', query: queryOf(next) });
  }
  /** None where the number is 0. */
  function open(seq: number, inPlace = false): void {
    const query = { ...queryOf(choice.value), ...(seq > 0 && { entry: String(seq) }) };
    void (inPlace ? router.replace({ name: 'audit', query }) : router.push({ name: 'audit', query }));
  }
  return { choice, opened, choose, open };
}

export function filterOf(choice: AuditChoice, nowMs: number): ParamsInput<'exportAudit'>['filter'] {
  const spanMs = auditSpans[choice.span];
  const { outcome } = choice;
  const texts = (['text', 'actor', 'action', 'target'] as const).filter((name) => choice[name] !== '');
  return {
    ...Object.fromEntries(texts.map((name) => [name, choice[name]])),
    ...(outcome !== '' && { outcome }),
    ...(spanMs > 0 && { sinceMs: Math.max(0, Math.floor(nowMs - spanMs)) }),
  };
}
