// The console, wired: reads from the engine's view and from history, commands to the engine.
import { createConsole } from '../console/operatorApi.ts';
import type { Console, SchedulePort, SimulationPort, StoragePort } from '../console/ports.ts';
import type { Engine } from '../engine/engine.ts';
import type { Hub } from '../hub/ports.ts';
import type { Alarms } from '../observe/alarms.ts';
import type { Ms } from '../protocol/brands.ts';
import type { Enrolment, Hello } from '../protocol/consoleAnswers.ts';
import { accepted } from '../protocol/outcome.ts';
import { historyForConsole } from './consoleHistory.ts';
import type { HostParts } from './hostParts.ts';

interface ConsoleWires {
  readonly engine: Engine;
  readonly hub: Hub;
  readonly alarms: Alarms;
  readonly clock: () => Ms;
  readonly startedAtMs: Ms;
  readonly simulation: SimulationPort;
  readonly storage: StoragePort;
  readonly schedules: SchedulePort;
}

export function openConsole(
  { config, files, events, secrets, history, recorder }: HostParts,
  wires: ConsoleWires,
): Console {
  const { engine, hub, alarms, clock, startedAtMs, simulation, storage, schedules } = wires;
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
    history: historyForConsole(history, clock, engine.written),
    alarms: {
      rows: () => alarms.rows(),
      acknowledge: (alarmId) => alarms.acknowledge(alarmId),
    },
    simulation,
    storage,
    schedules,
    recorder,
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
