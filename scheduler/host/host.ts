// The composition root: the one place that builds every part of the scheduler and wires it to the others.
import type { Console } from '../console/ports.ts';
import type { Engine } from '../engine/engine.ts';
import { openEdgeHub } from '../hub/edgePool.ts';
import type { EdgeHub } from '../hub/ports.ts';
import { Alarms } from '../observe/alarms.ts';
import { ms, type Ms } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import { accepted, type Outcome, type Refusal, refused } from '../protocol/outcome.ts';
import type { HostConfig } from './config.ts';
import type { HostEvents } from './hostEvents.ts';
import { agentHandlers } from './agentHandlers.ts';
import { EdgeLosses } from './edgeLosses.ts';
import { hostMetrics } from './hostMetrics.ts';
import type { HostFiles, HostParts } from './hostParts.ts';
import { keepUp } from './upkeep.ts';
import { openConsole } from './openConsole.ts';
import { openStores } from './openStores.ts';
import { Measuring } from './measuring.ts';
import { openRecoveringDoor } from './recoveringDoor.ts';
import { replayInto } from './recovery.ts';
import { openSchedules, type Schedules } from './schedules.ts';
import { startEngine } from './startEngine.ts';
import { startRecorder } from './startRecorder.ts';
import { steadyClock } from './steadyClock.ts';
import { SimulatedPlant } from './simulation.ts';
import { Storage } from './storage.ts';
import { freeBytesOf } from './storageFolder.ts';
import { webDoors } from './webDoors.ts';

export interface Host {
  readonly address: string;
  readonly epoch: number;
  readonly liveTasks: number;
  readonly consoleToken: string;
  readonly attachConsole: (link: ConsoleLink) => void;
  readonly stop: () => Promise<void>;
}

/**
 * Opens the stores in a data folder that exists, recovers, listens. Refuses with what is wrong and what to do; nothing
 * stays open then.
 */
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
  const door = await openRecoveringDoor({ ...config, pages: files.pages });
  if (door.ok) opened.push(door.value);
  const told: HostEvents = {
    ...events,
    onFailure: onceOnly(events.onFailure),
    onRecovering: (progress) => {
      if (door.ok) door.value.progressed(progress);
      events.onRecovering(progress);
    },
  };
  const stores = await openStores({ config, files, events: told, opened: (store) => opened.push(store) });
  if (!stores.ok) return giveUp(stores.reason);
  // After the stores: two hosts in one folder are told so, and not that one has the other's port.
  if (!door.ok) return giveUp(door.reason);
  const { recovered, feed, ...parts } = stores.value;
  const core = await replayInto(recovered, parts.history, { ...told, timing: config.timing });
  if (!core.ok) return giveUp(core.reason);
  await door.value.close();
  // From here on, so that it does not hold up the recovery.
  const recorder = startRecorder({ config, files, events: told, settings: parts.settings, feed });
  opened.push(recorder);
  const running = await run({
    ...parts,
    recorder,
    config: { ...config, port: door.value.port },
    files,
    events: told,
    core: core.value,
  });
  return running.ok ? running : giveUp(running.reason);
}

async function run(parts: HostParts): Promise<Outcome<Host, Refusal>> {
  const { events, secrets, history, core } = parts;
  const preciseMs = steadyClock(core.state.lastBatchAtMs);
  const clock = (): Ms => ms(Math.floor(preciseMs()));
  const startedAtMs = clock();
  const alarms = new Alarms(clock);
  const late: LateParts = {};
  const storage = new Storage({ host: parts, alarms, clock, freeBytesOf });
  const engine = startEngine(parts, { preciseMs, alarms, storage, late });
  const liveTasks = core.state.tasks.size;
  const started = await engine.execute({ kind: 'StartEpoch', seed: Math.floor(Math.random() * 2 ** 32) });
  if (!started.ok) return started;
  if (core.state.epoch > 1)
    alarms.raise({ code: 'HOST_RESTARTED', source: 'host', params: { tasks: liveTasks } });
  tellSetAside(core, alarms);

  const losses = new EdgeLosses({ engine, alarms, clock, timing: parts.config.timing });
  const hub = await listen(parts, { engine, clock, late, losses });
  if (!hub.ok) {
    await engine.stop();
    return hub;
  }
  late.hub = hub.value;
  late.metrics = hostMetrics({ engine, hub: hub.value, journal: parts.journal, history });
  const { journal } = parts;
  const measuring = new Measuring({ engine, history, journal, alarms, clock, onBug: events.onBug });
  late.measuring = measuring;
  late.schedules = openSchedules(engine, events.onBug);
  const simulation = simulatedPlant(parts, engine, hub.value.address);
  const { schedules } = late;
  const wires = { engine, hub: hub.value, alarms, clock, startedAtMs, simulation, storage, schedules };
  late.console = openConsole(parts, wires);
  events.log('info', 'listening', { address: hub.value.address, epoch: core.state.epoch, liveTasks });
  const stopUpkeep = keepUp(parts, { hub: hub.value, alarms, storage, clock });
  return accepted({
    address: hub.value.address,
    epoch: core.state.epoch,
    liveTasks,
    consoleToken: secrets.consoleToken,
    attachConsole: (link) => late.console?.attach(link),
    stop: async () => {
      simulation.close();
      late.schedules?.close();
      measuring.close();
      stopUpkeep();
      losses.close();
      await storage.close();
      late.console?.close();
      await hub.value.close();
      await parts.recorder.close();
      await engine.stop();
      await history.close();
      await parts.journal.close();
      events.log('info', 'stopped', {});
    },
  });
}

/** Nodes that were set aside before this start still are. */
function tellSetAside({ state }: HostParts['core'], alarms: Alarms): void {
  for (const [node, reason] of state.nodes.setAside) alarms.setAside(state.nodes.idOf(node), reason);
}

/** Parts that others reach before they exist: the engine needs the hub to dispatch, the hub the engine to answer. */
interface LateParts {
  hub?: EdgeHub;
  console?: Console;
  metrics?: () => string;
  measuring?: Measuring;
  schedules?: Schedules;
}

interface ListenWires {
  readonly engine: Engine;
  readonly clock: () => Ms;
  readonly late: LateParts;
  readonly losses: EdgeLosses;
}

function listen(
  parts: HostParts,
  { engine, clock, late, losses }: ListenWires,
): Promise<Outcome<EdgeHub, Refusal>> {
  const { config, events, secrets, history, core } = parts;
  const attachConsole = (link: ConsoleLink): void => late.console?.attach(link);
  return openEdgeHub({
    listen: config.listen,
    port: config.port,
    timing: config.timing,
    edges: config.edges,
    nodesExpected: config.nodesExpected || core.state.nodes.size,
    runner: events.edges,
    folder: config.dataFolder,
    onEdgeLost: (loss) => {
      losses.lost(loss);
    },
    onEdgeStalled: () => {
      losses.stalled();
    },
    onEdgeListening: (edge) => {
      losses.listening(edge);
    },
    clock,
    log: events.log,
    handlers: agentHandlers({
      engine,
      secrets,
      history,
      clock,
      attachConsole,
      onLog: (taskId, pieces) => late.console?.onLog(taskId, pieces),
      onBug: events.onBug,
    }),
    http: webDoors(parts, { epoch: engine.view.epoch, metrics: () => late.metrics?.() ?? '', attachConsole }),
  });
}

function simulatedPlant(parts: HostParts, engine: Engine, address: string): SimulatedPlant {
  const { config, events, secrets, history } = parts;
  // A host that listens everywhere is reached on this machine by its own address.
  const hub = address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
  return new SimulatedPlant({
    engine,
    history,
    runner: events.fleet,
    dataFolder: config.dataFolder,
    launchOf: ({ nodes, seed, load }) => ({
      args: ['--nodes', String(nodes), '--seed', String(seed), '--load', String(load), '--hub', hub],
      env: { MILLRACE_ENROL_TOKEN: secrets.enrolmentToken, MILLRACE_CONSOLE_TOKEN: secrets.consoleToken },
    }),
    log: events.log,
    onBug: events.onBug,
  });
}

function onceOnly(call: (reason: Refusal) => void): (reason: Refusal) => void {
  let isCalled = false;
  return (reason) => {
    if (isCalled) return;
    isCalled = true;
    call(reason);
  };
}
