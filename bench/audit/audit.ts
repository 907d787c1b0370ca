// The audit trail at a million entries: how fast it takes them, how fast filters answer, how fast the chain is checked.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditTrail, openAuditTrail } from '../../scheduler/audit/trail.ts';
import type { AuditFilter } from '../../scheduler/protocol/audit.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import { type Bench, quantile, rounded, wholeOption } from '../bench.ts';

const startMs = 1_700_000_000_000;
const pageRows = 200;
const actionNames = [
  'setCordon',
  'putQueue',
  'cancelTasks',
  'requeueTasks',
  'acknowledgeAlarm',
  'forgetNode',
];

export const audit: Bench = async (options) => {
  const entries = wholeOption(options, 'entries', 1_000_000);
  const rounds = wholeOption(options, 'rounds', 40);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-audit-'));
  const clock = { nowMs: startMs };
  const opened = await openAuditTrail({
    folder,
    threadFile: new URL('../../scheduler/audit/auditThread.ts', import.meta.url),
    clock: () => ms(clock.nowMs),
    redact: (details) => details,
    onFailure: (message) => {
      if (message !== undefined) throw new Error(message);
    },
    onDamage: (message) => {
      throw new Error(message);
    },
  });
  if (!opened.ok) throw new Error(opened.reason.message);
  const trail = opened.value;
  try {
    const appendPerS = await fill(trail, clock, entries);
    const settleMs = await settleTimes(trail);
    const asked = await askFilters(trail, entries, rounds);
    const verifyStartedMs = performance.now();
    trail.verify();
    const check = await checked(trail);
    const verifyS = (performance.now() - verifyStartedMs) / 1_000;
    const state = await trail.state();
    if (check !== 'good' || !state.ok) throw new Error('the chain is not good');
    // Refusals that repeat were told together: fewer are stored than were given.
    const stored = state.value.lastSeq - state.value.firstSeq + 1;
    return {
      params: { entries, rounds },
      figures: {
        stored,
        appendPerS: Math.round(appendPerS),
        actP50Ms: rounded(quantile(settleMs, 0.5)),
        actP99Ms: rounded(quantile(settleMs, 0.99)),
        ...asked,
        verifyPerS: Math.round(stored / verifyS),
        bytesPerEntry: Math.round(state.value.bytes / stored),
      },
      peers: {},
    };
  } finally {
    await trail.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Entries as a plant makes them: forty people, six kinds of act, one in fifty refused, two changed words. */
async function fill(trail: AuditTrail, clock: { nowMs: number }, entries: number): Promise<number> {
  const startedMs = performance.now();
  for (let at = 0; at < entries; at += 1) {
    clock.nowMs += 30;
    const isRefused = at % 50 === 0;
    trail.record({
      action: actionNames[at % 7] ?? 'host_started',
      actor: `operator-${(at * 7) % 40}`,
      source: `10.0.${at % 4}.${at % 250}`,
      outcome: isRefused ? 'refused' : 'done',
      targets: [`BOD-L${at % 10}-C${at % 25}-N${at % 200}`],
      details: {
        before: '{"isCordoned":false}',
        after: '{"isCordoned":true}',
        reason: `shift ${at % 1_000}`,
        ...(isRefused && { code: `code_${at}` }),
      },
    });
    if (at % 5_000 === 4_999) await trail.settled();
  }
  await trail.settled();
  return entries / ((performance.now() - startedMs) / 1_000);
}

/** What the record adds to the answer of one operator's act. */
async function settleTimes(trail: AuditTrail): Promise<readonly number[]> {
  const times: number[] = [];
  for (let at = 0; at < 200; at += 1) {
    const startedMs = performance.now();
    trail.record({ action: 'setCordon', actor: 'ada', source: 'window', outcome: 'done', targets: ['n1'] });
    await trail.settled();
    times.push(performance.now() - startedMs);
  }
  return times;
}

async function askFilters(trail: AuditTrail, entries: number, rounds: number) {
  const times: number[] = [];
  const texts: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const sinceMs = ms(startMs + Math.floor(entries * 30 * (round / rounds)));
    const actor = `operator-${round % 40}`;
    const filters: readonly AuditFilter[] = [
      {},
      { actor },
      { action: actionNames[round % 6] ?? '' },
      { outcome: 'refused' },
      { actor, action: actionNames[round % 6] ?? '' },
      { actor, outcome: 'refused' },
      { action: 'putQueue', outcome: 'refused' },
      { target: `BOD-L${round % 10}-C${round % 25}-N${round}` },
      { sinceMs, untilMs: ms(sinceMs + 3_600_000) },
      { actor: 'nobody at all' },
      { actor, text: 'shift 77' },
    ];
    for (const filter of filters) times.push(await timed(trail, filter));
    texts.push(await timed(trail, { text: `nothing says ${round}` }, true));
  }
  return {
    filterP50Ms: rounded(quantile(times, 0.5)),
    filterP95Ms: rounded(quantile(times, 0.95)),
    filterMaxMs: rounded(quantile(times, 1)),
    textThroughAllMs: rounded(quantile(texts, 0.5)),
  };
}

/** A first page, or with `toEnd` all pages until there is no more. */
async function timed(trail: AuditTrail, filter: AuditFilter, toEnd = false): Promise<number> {
  const startedMs = performance.now();
  let before: number | undefined;
  do {
    const page = await trail.list({ filter, limit: pageRows, ...(before !== undefined && { before }) });
    if (!page.ok) throw new Error(page.reason.message);
    before = page.value.nextBefore;
  } while (toEnd && before !== undefined);
  return performance.now() - startedMs;
}

async function checked(trail: AuditTrail): Promise<string> {
  for (;;) {
    const state = await trail.state();
    if (!state.ok) throw new Error(state.reason.message);
    if (state.value.check && state.value.check.state !== 'running') return state.value.check.state;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
