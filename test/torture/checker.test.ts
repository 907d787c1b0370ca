// The rig notices what it must: each test breaks one thing of a good trial, or lets a trial run broken, and names the
// rule that has to be broken by it.
import { rmSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { ms, taskId, token } from '../../scheduler/protocol/brands.ts';
import { type Evidence, type Rule, violationsOf } from './checker.ts';
import { type Plan, type PlannedTask, queues } from './plan.ts';
import { runTrial, type TrialOptions, type TrialResult } from './trial.ts';

const scale = 0.1;
const trialMs = 120_000;

const taskAt = (at: number): PlannedTask => ({
  key: `task-${at}`,
  submitAtMs: at * 20,
  // Longer than the lease of an attempt: a node that falls silent still runs it when another one begins.
  runMs: at < 6 ? 2_600 : 100,
  queue: queues[at % 2] ?? 'default',
  priority: at % 10,
  delivery: at % 5 === 4 ? 'at_most_once' : 'at_least_once',
  failures: 0,
});

/** Two agents; one stands still past its leases while its tasks run on, then its power is cut. */
const plan: Plan = {
  seed: 0,
  scale,
  agents: 2,
  windowMs: 12_000,
  tasks: Array.from({ length: 20 }, (_, at) => taskAt(at)),
  faults: [
    { atMs: 1_500, kind: 'agent_stopped', agent: 0, forMs: 9_000 },
    { atMs: 11_500, kind: 'agent_power_cut', agent: 1, moment: 'any', downMs: 100, cut: 'kept' },
  ],
  needsSmallDisk: false,
};

let good: TrialResult;
beforeAll(async () => {
  good = await runTrial(plan);
}, trialMs);

test('a good trial breaks no rule, though tasks ran twice', () => {
  expect(good.violations).toEqual([]);
  expect(good.acknowledged).toBe(plan.tasks.length);
  expect(good.evidence.begun.length).toBeGreaterThan(plan.tasks.length);
});

const succeededId = (evidence: Evidence) =>
  [...evidence.records.values()].find(({ state }) => state === 'succeeded')?.taskId ?? taskId(0);

/** Name, what is broken, the rule that has to notice. */
const mutants: readonly (readonly [string, (evidence: Evidence) => Partial<Evidence>, Rule])[] = [
  [
    'an effect that is missing',
    (e) => ({ effects: e.effects.filter((line) => line.taskId !== succeededId(e)) }),
    'missing effect',
  ],
  [
    'an effect done twice',
    (e) => ({ effects: [...e.effects, ...e.effects.slice(0, 1)] }),
    'duplicate effect',
  ],
  ['a task dropped from history', (e) => ({ records: without(e.records, succeededId(e)) }), 'lost'],
  [
    'a task that never ends',
    (e) => ({ records: changed(e.records, succeededId(e), { state: 'running' }) }),
    'stuck',
  ],
  ['an attempt that began twice', (e) => ({ begun: [...e.begun, ...e.begun.slice(0, 1)] }), 'started twice'],
  [
    'an at-most-once task that began again',
    (e) => ({ begun: [...e.begun, { taskId: atMostOnceId(e), token: token(9_999) }] }),
    'at most once',
  ],
  ['a result removed from a ledger', (e) => ({ ledgers: withoutResult(e) }), 'ledger'],
  ['a result that differs from history', (e) => ({ ledgers: withOtherEnd(e) }), 'ledger'],
  ['results told in another order', (e) => ({ ledgers: withAcksSwapped(e) }), 'order'],
  ['a task id given twice', () => ({ contradictions: ['task id 1 was given twice'] }), 'ids'],
  [
    'a journal that still holds a live task',
    (e) => ({ journal: { ...e.journal, liveTasks: [succeededId(e)] } }),
    'journal',
  ],
  [
    'a journal that does not open',
    (e) => ({ journal: { ...e.journal, fault: 'row 3 is damaged' } }),
    'journal',
  ],
];

test.each(mutants)('%s is noticed', (_name, mutate, rule) => {
  const broken = violationsOf({ ...good.evidence, ...mutate(good.evidence) });
  expect(broken.map((violation) => violation.rule)).toContain(rule);
});

test(
  'effects without the guard happen twice, and that is noticed',
  async () => {
    expect(await rulesBrokenIn({ isUnguarded: true })).toContain('duplicate effect');
  },
  trialMs,
);

test(
  'an agent that forgets its ledger is noticed',
  async () => {
    const spoilLedger = (file: string): void => {
      rmSync(file, { force: true });
    };
    expect(await rulesBrokenIn({ spoilLedger })).toContain('ledger');
  },
  trialMs,
);

async function rulesBrokenIn(options: TrialOptions): Promise<readonly Rule[]> {
  const { violations, folder } = await runTrial(plan, options);
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  return violations.map(({ rule }) => rule);
}

function without<Key, Value>(entries: ReadonlyMap<Key, Value>, key: Key): ReadonlyMap<Key, Value> {
  return new Map([...entries].filter(([name]) => name !== key));
}

function changed<Key, Value>(
  entries: ReadonlyMap<Key, Value>,
  key: Key,
  change: Partial<Value>,
): ReadonlyMap<Key, Value> {
  return new Map([...entries].map(([name, value]) => [name, name === key ? { ...value, ...change } : value]));
}

function atMostOnceId({ acknowledged, deliveries, begun }: Evidence) {
  for (const [key, id] of acknowledged)
    if (deliveries.get(key) === 'at_most_once' && begun.some((line) => line.taskId === id)) return id;
  return taskId(0);
}

type Ledgers = Evidence['ledgers'];

/** All but the first result that an agent told. */
function withoutResult({ ledgers }: Evidence): Ledgers {
  return eachLedger(ledgers, (entries) => {
    const first = entries.find(({ kind }) => kind === 'result');
    return entries.filter((entry) => entry !== first);
  });
}

function withOtherEnd({ ledgers }: Evidence): Ledgers {
  return eachLedger(ledgers, (entries) =>
    entries.map((entry) =>
      entry.kind === 'result' ? { ...entry, end: { reason: 'exit', exitCode: 77, runMs: ms(1) } } : entry,
    ),
  );
}

function withAcksSwapped({ ledgers }: Evidence): Ledgers {
  return eachLedger(ledgers, (entries) => [
    ...entries.filter(({ kind }) => kind !== 'ack'),
    ...entries
      .flatMap((entry) => (entry.kind === 'ack' ? [{ ...entry, tokens: entry.tokens.toReversed() }] : []))
      .toReversed(),
  ]);
}

type Entries = Ledgers extends ReadonlyMap<string, infer Value> ? Value : never;
const eachLedger = (ledgers: Ledgers, change: (entries: Entries) => Entries): Ledgers =>
  new Map([...ledgers].map(([node, entries]) => [node, change(entries)]));
