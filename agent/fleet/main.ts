// Starts and stops the virtual plant: `npm run fleet -- --nodes 1000 --hub URL --token T`. `--help` tells the rest.
import { writeToStderr as log } from '../logLine.ts';
import { socketsMax } from './fileLimit.ts';
import { Fleet, type FleetCounts } from './fleet.ts';
import { type FleetSettings, fleetUsage, readFleetSettings } from './fleetSettings.ts';
import { lineNames } from './plant.ts';
import { loadAt, PlantClock } from './plantDay.ts';
import { type CountsMessage, SplitFleet, type StopMessage } from './splitFleet.ts';
import { Submitter } from './submitter.ts';
import { arrivalsPerS } from './taskMix.ts';
import { type HubTrust, isSecureUrl, memoryTrust } from '../trust.ts';

const exitCodes = { stopped: 0, failed: 1, badArgument: 2, wrongToken: 3 } as const;
const sayEveryMs = 10_000;
const stopGraceMs = 5_000;
/** The same trouble at each tick is said once in this time. */
const troubleEveryMs = 10_000;

/** Electron's parent port in a utility process, as far as we use it. */
interface ParentPort {
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void;
}
const { parentPort } = process as { parentPort?: ParentPort };
const isPart = process.env['MILLRACE_FLEET_PART'] === '1';

const read = readFleetSettings(process.argv.slice(2), process.env);
if (!read.ok) {
  process.stderr.write(`${read.reason}\nrun with --help for all arguments\n`);
  process.exit(exitCodes.badArgument);
} else if (read.value === 'help') process.stdout.write(`${fleetUsage}\n`);
else run(read.value);

/** What this process is to do, and how it knows its hub. */
interface Trusting extends FleetSettings {
  /** Absent: plain text. */
  readonly trust: HubTrust | undefined;
}

interface Machines {
  readonly counts: () => FleetCounts;
  readonly stop: (graceMs: number) => Promise<void>;
}

function run(settings: FleetSettings): void {
  const clock = new PlantClock(settings.speed, new Date());
  let isStopping = false;
  const stop = async (exitCode: number): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    submitter?.stop();
    await machines.stop(exitCode === exitCodes.stopped ? stopGraceMs : 0);
    process.exit(exitCode);
  };
  const trust = isSecureUrl(settings.hub) ? memoryTrust(settings.enrolCode.pin) : undefined;
  const machines = startMachines({ ...settings, trust }, clock, (exitCode, message) => {
    if (!isStopping) log('error', message);
    void stop(exitCode);
  });
  const submitter = startSubmitter({ ...settings, trust }, clock);
  setInterval(() => {
    if (isPart) process.send?.({ kind: 'counts', counts: machines.counts() } satisfies CountsMessage);
  }, 1_000).unref();
  if (!isPart) sayCounts(machines, submitter);
  stopWhenAsked((isSignal) => {
    if (isSignal && isStopping) process.exit(exitCodes.failed);
    void stop(exitCodes.stopped);
  });
}

function startMachines(
  settings: Trusting,
  clock: PlantClock,
  fail: (exitCode: number, message: string) => void,
): Machines {
  const perProcess = settings.perProcessMax ?? socketsMax();
  if (!isPart && settings.count > perProcess) {
    const split = new SplitFleet();
    const parts = split.start(settings, perProcess, (code) => {
      fail(code ?? exitCodes.failed, `a part of the plant ended with code ${String(code)}`);
    });
    log(
      'info',
      `one process holds ${perProcess} nodes here (open files): the plant runs as ${parts} processes`,
    );
    return { counts: () => split.counts(), stop: () => split.stop() };
  }
  const events = {
    say: (message: string) => {
      log('info', message);
    },
    onWrongToken: (message: string) => {
      fail(exitCodes.wrongToken, `the enrolment code is not this hub's: ${message}`);
    },
  };
  const fleet = new Fleet(settings, clock, events, settings.trust);
  fleet.start();
  return fleet;
}

function startSubmitter(settings: Trusting, clock: PlantClock): Submitter | undefined {
  const { consoleToken, load, shape, hub, trust } = settings;
  if (consoleToken === undefined || isPart || load === 0) return undefined;
  let saidAtMs = -Infinity;
  const submitter = new Submitter({
    hub,
    consoleToken,
    trust,
    lines: lineNames(shape),
    ratePerS: () => arrivalsPerS(shape.nodes, load * loadAt(clock.hourOfDay())),
    onTrouble: (message) => {
      if (performance.now() - saidAtMs < troubleEveryMs) return;
      saidAtMs = performance.now();
      log('warn', message);
    },
  });
  submitter.start();
  return submitter;
}

function sayCounts(machines: Machines, submitter: Submitter | undefined): void {
  const startedMs = performance.now();
  const bareMiB = machines.counts().rssMiB;
  let hasSaidJoined = false;
  const say = (counts: FleetCounts, what: string): void => {
    const perNodeKiB = Math.round(((counts.rssMiB - bareMiB) * 1_024) / Math.max(1, counts.joined));
    log('info', what, { ...counts, perNodeKiB, submitted: submitter?.submitted ?? 0 });
  };
  setInterval(() => {
    const counts = machines.counts();
    if (hasSaidJoined || counts.machines === 0 || counts.joined < counts.machines) return;
    hasSaidJoined = true;
    say(counts, `all nodes joined in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  }, 500).unref();
  setInterval(() => {
    say(machines.counts(), 'virtual plant');
  }, sayEveryMs).unref();
}

/** By a signal, by the parent's word, or because the parent is gone. */
function stopWhenAsked(stop: (isSignal: boolean) => void): void {
  // Ctrl-C reaches a whole terminal: a part, and the plant of a host, wait for the word of whoever started them.
  const signals = process.send ? (['SIGTERM'] as const) : (['SIGTERM', 'SIGINT'] as const);
  for (const signal of signals)
    process.on(signal, () => {
      stop(true);
    });
  if (process.send) process.on('SIGINT', () => undefined);
  const take = (message: unknown): void => {
    if ((message as Partial<StopMessage> | null)?.kind === 'stop') stop(false);
  };
  process.on('message', take);
  process.on('disconnect', () => {
    stop(false);
  });
  parentPort?.on('message', ({ data }) => {
    take(data);
  });
}
