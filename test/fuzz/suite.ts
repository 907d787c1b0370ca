// The whole suite over one host: how many inputs of each class, and what they did.
import {
  agentFrames,
  forgedReports,
  honestRun,
  rawPackets,
  replayed,
  webSocketFrames,
} from './agentInputs.ts';
import { consoleRequests, httpRequests } from './doorInputs.ts';
import { Draw } from './draw.ts';
import { FuzzHost, pause } from './fuzzHost.ts';
import { decoders, files, hostileHub } from './insideInputs.ts';

export interface FuzzReport {
  readonly seed: number;
  readonly seconds: number;
  /** Inputs of each class. */
  readonly inputs: Readonly<Record<string, number>>;
  /** Calls of the host's `onBug` and `onFailure`. */
  readonly bugs: readonly string[];
  /** Events that refused input brought about, beside connections of the fuzzed nodes. */
  readonly changes: readonly string[];
  readonly victimRuns: boolean;
  readonly heapGrowthBytes: number;
  readonly fileGrowth: number;
  /** Entries of the audit trail by action, a page of each at most. */
  readonly audited: Readonly<Record<string, number>>;
}

/** What was recorded is in the file by then. */
const trailWritesWithinMs = 1_500;

/** Inputs of one round, by class: about a minute on a slow machine. */
const perRound = {
  agentFrames: 5_000,
  rawPackets: 1_500,
  webSocketFrames: 1_200,
  forgedReports: 2_000,
  replayed: 1_500,
  httpRequests: 480,
  consoleRequests: 6_000,
  decoders: 40_000,
  files: 300,
  hostileHub: 4_000,
};

export async function fuzz(options: {
  readonly seed: number;
  /** Rounds go on until then; one at least. */
  readonly minutes?: number;
  readonly say?: (text: string) => void;
}): Promise<FuzzReport> {
  const { seed, minutes = 0, say = () => undefined } = options;
  const startedMs = performance.now();
  const host = await FuzzHost.open();
  await host.honestNode('victim');
  const victim = await host.runOn('victim', 3_600_000);
  const run = await honestRun(host, 'fuzz-replay');
  const inputs: Record<string, number> = {};
  const draw = new Draw(seed);
  const round = async (share: number): Promise<void> => {
    const count = (name: keyof typeof perRound): number => Math.ceil(perRound[name] * share);
    const classes: Record<keyof typeof perRound, (draw: Draw, inputs: number) => number | Promise<number>> = {
      agentFrames: (own, most) => agentFrames(host, own, most),
      rawPackets: (own, most) => rawPackets(host, own, most),
      webSocketFrames: (own, most) => webSocketFrames(host, own, most),
      forgedReports: (own, most) => forgedReports(host, own, most, victim),
      replayed: (own, most) => replayed(host, own, most, run),
      httpRequests: (own, most) => httpRequests(host, own, most),
      consoleRequests: (own, most) => consoleRequests(host, own, most),
      decoders,
      files,
      hostileHub,
    };
    for (const name of Object.keys(classes) as (keyof typeof perRound)[]) {
      const fromMs = performance.now();
      // A seed of its own: a class gives the same inputs, however many the one before took.
      const own = new Draw(draw.below(2 ** 32));
      const sent = await host.whileQuiet(async () => classes[name](own, count(name)));
      inputs[name] = (inputs[name] ?? 0) + sent;
      say(`${name}: ${sent} inputs in ${Math.round(performance.now() - fromMs)} ms`);
    }
  };
  // First a little of everything, so that what is made once is there before memory is looked at.
  await round(0.1);
  const before = await host.held();
  do await round(1);
  while (performance.now() - startedMs < minutes * 60_000);
  const after = await host.held();
  const { record } = await host.console.call('getTask', { taskId: victim.taskId });
  const audited: Record<string, number> = {};
  await pause(trailWritesWithinMs);
  const { actions } = await host.console.call('getAudit', {});
  for (const action of actions) audited[action] = (await host.audited(action)).length;
  return {
    seed,
    inputs,
    audited,
    victimRuns: record.state === 'running' && record.attempts.length === 1,
    heapGrowthBytes: after.heapBytes - before.heapBytes,
    fileGrowth: after.files - before.files,
    changes: await host.stop(),
    bugs: host.bugs,
    seconds: Math.round((performance.now() - startedMs) / 1_000),
  };
}
