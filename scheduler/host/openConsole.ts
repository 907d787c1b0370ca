// The console, wired: reads from the engine's view and from history, commands to the engine.
import type { AuditTrail } from '../audit/trail.ts';
import { createConsole } from '../console/operatorApi.ts';
import type { Console, ConsolePorts, SchedulePort, SimulationPort, StoragePort } from '../console/ports.ts';
import type { Engine } from '../engine/engine.ts';
import type { Hub } from '../hub/ports.ts';
import type { Alarms } from '../observe/alarms.ts';
import type { Ms } from '../protocol/brands.ts';
import type { Hello } from '../protocol/consoleAnswers.ts';
import { refusal, refused, accepted } from '../protocol/outcome.ts';
import { historyForConsole } from './consoleHistory.ts';
import { createEnrolment } from './enrolments.ts';
import type { HostParts } from './hostParts.ts';
import { reachableHost } from './tls/hubNames.ts';

const noCertificate = refusal(
  'wrong_state',
  'this host speaks plain text and has no certificate; start it with --tls on, or with --listen beyond this machine',
);

interface ConsoleWires {
  readonly engine: Engine;
  readonly hub: Hub;
  readonly alarms: Alarms;
  readonly clock: () => Ms;
  readonly startedAtMs: Ms;
  readonly simulation: SimulationPort;
  readonly storage: StoragePort;
  readonly schedules: SchedulePort;
  readonly trail: AuditTrail;
  readonly overload: ConsolePorts['overload'];
}

export function openConsole(parts: HostParts, wires: ConsoleWires): Console {
  const { config, files, events, accounts, history, recorder } = parts;
  const { engine, hub, alarms, clock, startedAtMs, simulation, storage, schedules, trail, overload } = wires;
  const hello = (): Omit<Hello, 'who'> => ({
    version: files.version,
    epoch: engine.view.epoch(),
    startedAtMs,
    dataFolder: config.dataFolder,
    hubAddress: hub.address,
    runtime: `Node ${process.versions.node}`,
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
    accounts,
    recorder,
    audit: auditPort(trail),
    log: logPort(events),
    hello,
    ...identityPorts(parts, wires),
    hubStats: () => hub.stats(),
    overload,
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

const auditPort = (trail: AuditTrail): ConsolePorts['audit'] => ({
  record: trail.record,
  recordOften: trail.recordOften,
  settled: () => trail.settled(),
  hindrance: () => trail.hindrance(),
  state: () => trail.state(),
  list: (asks) => trail.list(asks),
  verify: () => trail.verify(),
});

const logPort = ({ log, logControl }: HostParts['events']): ConsolePorts['log'] => ({
  level: logControl.level,
  setLevel: (level, actor) => {
    logControl.setLevel(level);
    log('warn', 'the level of the log was set', { level, actor });
  },
});

/** Who may be a node, and how this host shows who it is. */
function identityPorts(
  { files, events, tls }: HostParts,
  { engine, hub, clock }: ConsoleWires,
): Pick<ConsolePorts, 'createEnrolment' | 'renewCertificate'> {
  return {
    createEnrolment: (settings, actor) => {
      // A host that listens everywhere is reached from other machines by an address of its own.
      const hubUrl = hub.address.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:\d)/, () => `//${reachableHost()}`);
      const place = { hubUrl, agentProgram: files.agentProgram, pin: tls?.pin };
      const { hide } = events.logControl;
      return createEnrolment({ engine, clock, hide }, place, { settings, actor });
    },
    renewCertificate: async () => {
      if (tls === undefined) return refused(noCertificate);
      const renewed = await tls.renew('an operator asked for it');
      return renewed.ok ? accepted({ renewed: true }) : renewed;
    },
  };
}
