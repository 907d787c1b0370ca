// The composition root: the one place that builds every part of the scheduler and wires it to the others.
import { createConsole } from '../console/operatorApi.ts';
import type { Console } from '../console/ports.ts';
import type { Core } from '../core/cycle.ts';
import { EmbeddedEngine } from '../engine/embedded.ts';
import type { Engine } from '../engine/engine.ts';
import { type History, openHistory } from '../history/store.ts';
import { openHub } from '../hub/hub.ts';
import type { Hub } from '../hub/ports.ts';
import { openJournal } from '../journal/journal.ts';
import type { JournalPort } from '../journal/port.ts';
import { Alarms } from '../observe/alarms.ts';
import { ms, type Ms } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { Enrolment, Hello } from '../protocol/consoleWire.ts';
import { historyTasksMax, historyQueueMax } from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refused } from '../protocol/outcome.ts';
import type { HostConfig } from './config.ts';
import type { HostEvents } from './hostEvents.ts';
import { agentHandlers } from './agentHandlers.ts';
import { historyForConsole } from './consoleHistory.ts';
import { hostMetrics } from './hostMetrics.ts';
import { servePages } from './pages.ts';
import { replayInto, tellHistory } from './recovery.ts';
import { SecretsFile } from './secretsFile.ts';

export interface HostFiles {
  readonly journalThread: URL;
  readonly historyThread: URL;
  /** Folder of the built console, served to browsers. */
  readonly pages: string;
  readonly version: string;
  /** How an agent is started where this program is installed. */
  readonly agentProgram: string;
}

export interface Host {
  readonly address: string;
  readonly epoch: number;
  readonly liveTasks: number;
  readonly consoleToken: string;
  readonly attachConsole: (link: ConsoleLink) => void;
  readonly stop: () => Promise<void>;
}

/** Opens the stores in a data folder that exists, recovers, listens. Refuses with what is wrong and what to do; nothing stays open then. */
export async function openHost(
  config: HostConfig,
  files: HostFiles,
  events: HostEvents,
): Promise<Outcome<Host, Refusal>> {
  const opened: { close: () => Promise<void> }[] = [];
  const giveUp = async (reason: Refusal): Promise<Outcome<Host, Refusal>> => {
    for (const part of opened.reverse()) await part.close();
    return refused(reason);
  };
  const onFailure = onceOnly(events.onFailure);
  const stores = { folder: config.dataFolder, onFailure };
  const journal = await openJournal({ ...stores, threadFile: files.journalThread });
  if (!journal.ok) return giveUp(journal.reason);
  opened.push(journal.value.journal);
  // After the journal, whose lock keeps a second host out of this folder.
  const secrets = SecretsFile.open(config.dataFolder);
  if (!secrets.ok) return giveUp(secrets.reason);
  const history = await openHistory({ ...stores, threadFile: files.historyThread });
  if (!history.ok) return giveUp(history.reason);
  opened.push(history.value);

  const core = await replayInto(journal.value.recovered, history.value, events);
  if (!core.ok) return giveUp(core.reason);
  const parts = {
    config,
    files,
    events: { ...events, onFailure },
    secrets: secrets.value,
    history: history.value,
    journal: journal.value.journal,
    core: core.value,
  };
  const running = await run(parts);
  return running.ok ? running : giveUp(running.reason);
}

interface Parts {
  readonly config: HostConfig;
  readonly files: HostFiles;
  readonly events: HostEvents;
  readonly secrets: SecretsFile;
  readonly history: History;
  readonly journal: JournalPort;
  readonly core: Core;
}

async function run(parts: Parts): Promise<Outcome<Host, Refusal>> {
  const { config, events, secrets, history, core } = parts;
  const preciseMs = steadyClock(core.state.lastBatchAtMs);
  const clock = (): Ms => ms(Math.floor(preciseMs()));
  const startedAtMs = clock();
  const alarms = new Alarms(clock);
  // The engine needs the hub to dispatch, the hub the engine to answer: each is reached through this once both are there.
  const late: { hub?: Hub; console?: Console; metrics?: () => string } = {};
  const engine = startEngine(parts, { preciseMs, alarms, late });
  const liveTasks = core.state.tasks.size;
  const started = await engine.execute({ kind: 'StartEpoch', seed: Math.floor(Math.random() * 2 ** 32) });
  if (!started.ok) return started;
  if (core.state.epoch > 1)
    alarms.raise({ code: 'HOST_RESTARTED', source: 'host', params: { tasks: liveTasks } });

  const hub = await openHub({
    listen: config.listen,
    port: config.port,
    clock,
    log: events.log,
    handlers: agentHandlers({
      engine,
      secrets,
      history,
      clock,
      onLog: (taskId, pieces) => late.console?.onLog(taskId, pieces),
      attachConsole: (link) => late.console?.attach(link),
      onBug: events.onBug,
    }),
    http: servePages(parts.files.pages, {
      health: () => ({ state: 'running', epoch: core.state.epoch, version: parts.files.version }),
      metrics: () => late.metrics?.() ?? '',
    }),
  });
  if (!hub.ok) {
    await engine.stop();
    return hub;
  }
  late.hub = hub.value;
  late.metrics = hostMetrics({ engine, hub: hub.value, journal: parts.journal, history });
  late.console = openConsole(parts, { engine, hub: hub.value, alarms, clock, startedAtMs });
  events.log('info', 'listening', { address: hub.value.address, epoch: core.state.epoch, liveTasks });
  const stopUpkeep = keepUp(parts, hub.value, alarms);
  return accepted({
    address: hub.value.address,
    epoch: core.state.epoch,
    liveTasks,
    consoleToken: secrets.consoleToken,
    attachConsole: (link) => late.console?.attach(link),
    stop: async () => {
      stopUpkeep();
      late.console?.close();
      await hub.value.close();
      await engine.stop();
      await history.close();
      await parts.journal.close();
      events.log('info', 'stopped', {});
    },
  });
}

interface Wires {
  /** With fractions, for latencies. */
  readonly preciseMs: () => number;
  readonly alarms: Alarms;
  readonly late: { readonly hub?: Hub; readonly console?: Console };
}

function startEngine(
  { core, journal, history, events }: Parts,
  { preciseMs, alarms, late }: Wires,
): EmbeddedEngine {
  return new EmbeddedEngine({
    core,
    journal,
    nowMs: preciseMs,
    agents: {
      dispatch: (nodeId, dispatch) => late.hub?.dispatch(nodeId, dispatch) ?? false,
      stop: (nodeId, tokens) => late.hub?.stop(nodeId, tokens),
      closeNode: (nodeId, reason) => late.hub?.closeNode(nodeId, reason),
    },
    historyHolds: async () => {
      await history.flushed();
    },
    hasRoom: () => history.stats().pending < historyQueueMax,
    listener: {
      onDurable: (batch, ended) => {
        tellHistory(history, batch, ended);
        alarms.onBatch(batch);
        late.console?.onBatch(batch);
      },
      onDispatched: (waitedMs) => late.console?.onDispatched(waitedMs),
      onFailure: (reason) => {
        alarms.raise({ code: 'STORAGE_FAILED', source: 'journal', params: { message: reason.message } });
        events.onFailure(reason);
      },
    },
  });
}

interface ConsoleWires {
  readonly engine: Engine;
  readonly hub: Hub;
  readonly alarms: Alarms;
  readonly clock: () => Ms;
  readonly startedAtMs: Ms;
}

function openConsole({ config, files, events, secrets, history }: Parts, wires: ConsoleWires): Console {
  const { engine, hub, alarms, clock, startedAtMs } = wires;
  const hello = (): Hello => ({
    version: files.version,
    epoch: engine.view.epoch(),
    startedAtMs,
    dataFolder: config.dataFolder,
    hubAddress: hub.address,
    runtime: `Node ${process.versions.node}`,
  });
  const enrolment = (): Enrolment => ({
    hubUrl: hub.address,
    token: secrets.enrolmentToken,
    command: `${files.agentProgram} --hub=${hub.address} --token ${secrets.enrolmentToken}`,
  });
  return createConsole({
    view: engine.view,
    execute: engine.execute,
    history: historyForConsole(history),
    alarms: {
      rows: () => alarms.rows(),
      acknowledge: (alarmId) => alarms.acknowledge(alarmId),
    },
    hello,
    enrolment,
    renewEnrolment: () => {
      const renewed = secrets.renewEnrolment();
      return Promise.resolve(renewed.ok ? accepted(enrolment()) : renewed);
    },
    hubStats: () => hub.stats(),
    clock,
    // Only while somebody is awaited: nodes that were known and have not come back yet.
    isRecovering: () => clock() < engine.rejoinUntilMs() && engine.view.nodeCounts().disconnected > 0,
    every: (intervalMs, work) => {
      const timer = setInterval(work, intervalMs);
      return () => {
        clearInterval(timer);
      };
    },
    onBug: events.onBug,
  });
}

const upkeepEveryMs = 10_000;

/** Keeps history within its bound, a chunk at a time, off this thread; and tells when no more agents get in. */
function keepUp({ history, events }: Parts, hub: Hub, alarms: Alarms): () => void {
  const timer = setInterval(() => {
    if (hub.stats().isFull)
      alarms.raise({ code: 'FLEET_FULL', source: 'hub', params: { agents: hub.stats().agents } });
    else alarms.clear('FLEET_FULL', 'hub');
    if (history.stats().tasks <= historyTasksMax) return;
    history.retain(historyTasksMax).catch((error: unknown) => {
      events.onBug(error, 'keeping history within its bound');
    });
  }, upkeepEveryMs);
  return () => {
    clearInterval(timer);
  };
}

/** Milliseconds since 1970 that never run backwards: the wall clock is read once, then the monotonic one counts. */
function steadyClock(notBeforeMs: number): () => number {
  const startMs = Math.max(Date.now(), notBeforeMs);
  const startedAt = performance.now();
  return () => startMs + (performance.now() - startedAt);
}

function onceOnly(call: (reason: Refusal) => void): (reason: Refusal) => void {
  let isCalled = false;
  return (reason) => {
    if (isCalled) return;
    isCalled = true;
    call(reason);
  };
}
