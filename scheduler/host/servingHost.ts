// A host that listens: all that looks at its running parts, and what ends them.
import { shellSession } from '../accounts/knownSessions.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { Engine } from '../engine/engine.ts';
import type { EdgeHub } from '../hub/ports.ts';
import type { Alarms } from '../observe/alarms.ts';
import type { ConsoleSession } from '../protocol/accounts.ts';
import type { Ms } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { EdgeLosses } from './edgeLosses.ts';
import type { HostParts } from './hostParts.ts';
import type { LateParts } from './lateParts.ts';
import { Measuring } from './measuring.ts';
import type { Observation } from './observation.ts';
import { openConsole } from './openConsole.ts';
import type { OverloadWatch } from './overloadWatch.ts';
import { awaitReturning } from './returning.ts';
import { openSchedules } from './schedules.ts';
import { simulatedPlant } from './simulatedPlant.ts';
import { hostAct, tellStarted } from './startAudit.ts';
import type { Storage } from './storage.ts';
import { keepUp } from './upkeep.ts';

export interface Host {
  readonly address: string;
  readonly epoch: number;
  readonly liveTasks: number;
  readonly consoleToken: string;
  readonly attachConsole: (link: ConsoleLink) => void;
  /** Who comes through the ports of this machine, before any login. */
  readonly sessionAt: Readonly<Record<'window' | 'shell', () => ConsoleSession>>;
  readonly hasAccounts: boolean;
  readonly stop: () => Promise<void>;
}

interface ServedWires {
  readonly engine: Engine;
  readonly hub: EdgeHub;
  readonly alarms: Alarms;
  readonly clock: () => Ms;
  readonly startedAtMs: Ms;
  readonly storage: Storage;
  readonly late: LateParts;
  readonly watch: OverloadWatch;
  readonly losses: EdgeLosses;
  readonly liveTasks: number;
  readonly trail: AuditTrail;
  readonly observation: Observation;
}

export function servingHost(parts: HostParts, wires: ServedWires): Host {
  const { events, secrets, history, core, journal, accounts } = parts;
  const { engine, hub, alarms, clock, storage, late, watch, losses, liveTasks, trail, observation } = wires;
  const { overload } = watch;
  late.hub = hub;
  keepCertificate(parts.tls, hub);
  observation.watch({ engine, hub, journal, history, alarms, clock, watch });
  const isOverloaded = (): boolean => overload.level > 0;
  const { onBug } = events;
  const measuring = new Measuring({ engine, history, journal, alarms, clock, isOverloaded, onBug });
  late.measuring = measuring;
  const schedules = openSchedules(engine, onBug);
  late.schedules = schedules;
  const simulation = simulatedPlant(parts, { engine, clock }, hub.address);
  late.console = openConsole(parts, { ...wires, simulation, schedules, overload });
  tellStarted(trail, parts, liveTasks);
  events.log('info', 'listening', { address: hub.address, epoch: core.state.epoch, liveTasks });
  const { timing } = parts.config;
  const stopAwaiting = awaitReturning({ engine, agents: () => hub.stats().agents, clock, timing });
  const stopUpkeep = keepUp(parts, { hub, alarms, storage, clock });
  return {
    address: hub.address,
    epoch: core.state.epoch,
    liveTasks,
    consoleToken: secrets.consoleToken,
    attachConsole: (link) => late.console?.attach(link),
    sessionAt: { window: () => accounts.atWindow(), shell: () => shellSession },
    hasAccounts: accounts.hasAccounts,
    stop: async () => {
      observation.stopping();
      parts.tls?.close();
      simulation.close();
      schedules.close();
      measuring.close();
      stopUpkeep();
      stopAwaiting();
      watch.close();
      losses.close();
      await storage.close();
      late.console?.close();
      await hub.close();
      trail.record(hostAct('host_stopped'));
      await trail.close();
      await parts.recorder.close();
      await engine.stop();
      await history.close();
      await journal.close();
      await observation.close();
      events.log('info', 'stopped', {});
    },
  };
}

/** The hub takes each new certificate without a restart. */
function keepCertificate(tls: HostParts['tls'], hub: EdgeHub): void {
  tls?.onRenewed((material) => {
    hub.renewTls(material);
  });
  tls?.keep();
}
