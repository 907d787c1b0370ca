// Makes one entry of many equal events: the first is told at once, what follows within a minute as one with its count.
import type { AuditAct } from '../protocol/audit.ts';
import { auditFloodKeysMax, auditFloodWindowMs } from '../protocol/auditLimits.ts';

interface Flood {
  readonly act: AuditAct;
  readonly untilMs: number;
  /** Events since the first, which has an entry of its own. */
  events: number;
  /** Things acted on in them. */
  things: number;
}

/** Where no more floods can be told apart. */
const others = 'others';

export class Floods {
  readonly #floods = new Map<string, Flood>();

  /** The act, where it is to be told now; undefined where it is counted instead. */
  take(act: AuditAct, nowMs: number): AuditAct | undefined {
    const own = keyOf(act);
    const isKnown = this.#floods.has(own) || this.#floods.size < auditFloodKeysMax;
    const key = isKnown ? own : others;
    const flood = this.#floods.get(key);
    if (flood) {
      flood.events += 1;
      flood.things += act.count ?? act.targets.length;
      return undefined;
    }
    this.#floods.set(key, { act, untilMs: nowMs + auditFloodWindowMs, events: 0, things: 0 });
    return act;
  }

  /** Entries for what was counted in windows that are over; `isAll`: in those that are not, too. */
  ended(nowMs: number, isAll = false): readonly AuditAct[] {
    const told: AuditAct[] = [];
    for (const [key, flood] of this.#floods) {
      if (flood.untilMs > nowMs && !isAll) continue;
      this.#floods.delete(key);
      if (flood.events > 0) told.push(summaryOf(flood, key === others));
    }
    return told;
  }
}

/** `count`: events; each of them had its own targets, and they are not named. */
function summaryOf({ act, events, things }: Flood, isMixed: boolean): AuditAct {
  const { action, actor, source, outcome, details } = act;
  const code = details?.['code'];
  const told = {
    ...(code !== undefined && !isMixed && { code }),
    ...(things > 0 && { things }),
    repeats: events,
    withinMs: auditFloodWindowMs,
  };
  const who = isMixed
    ? { action: 'audit_flood', actor: 'nobody', source: 'many' }
    : { action, actor, source };
  return { ...who, outcome, targets: [], count: events, details: told };
}

const keyOf = ({ action, actor, source, outcome, details }: AuditAct): string =>
  JSON.stringify([action, actor, source, outcome, details?.['code'] ?? '']);
