// The hub of a host, opened: where it listens, what it does with each message, and what its HTTP server answers.
import { nobody } from '../accounts/knownSessions.ts';
import { answerUnreadable } from '../api/unreadable.ts';
import type { Engine } from '../engine/engine.ts';
import { openEdgeHub } from '../hub/edgePool.ts';
import type { EdgeHub } from '../hub/ports.ts';
import { RefusedAddresses } from '../hub/refusedAddresses.ts';
import { logOf } from '../observe/log.ts';
import type { Ms } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { Outcome, Refusal } from '../protocol/outcome.ts';
import { agentHandlers } from './agentHandlers.ts';
import type { EdgeLosses } from './edgeLosses.ts';
import type { HostParts } from './hostParts.ts';
import type { LateParts } from './lateParts.ts';
import type { LogGate } from './logGate.ts';
import type { Observation } from './observation.ts';
import { webDoors } from './webDoors.ts';

interface ListenWires {
  readonly engine: Engine;
  readonly clock: () => Ms;
  readonly late: LateParts;
  readonly losses: EdgeLosses;
  readonly logGate: LogGate;
  readonly observation: Observation;
}

/** Refuses `cannot_listen`. */
export function listen(parts: HostParts, wires: ListenWires): Promise<Outcome<EdgeHub, Refusal>> {
  const { config, events, history, core, accounts, audit } = parts;
  const { engine, clock, late, losses, logGate, observation } = wires;
  const attachConsole = (link: ConsoleLink): void => late.console?.attach(link);
  const refusals = new RefusedAddresses(clock, audit);
  return openEdgeHub({
    listen: config.listen,
    port: config.port,
    timing: config.timing,
    edges: config.edges,
    nodesExpected: config.nodesExpected || core.state.nodes.size,
    returning: core.state.nodes.size,
    connectionsPerAddress: config.connectionsPerAddress,
    ...(parts.tls && { tls: parts.tls.material }),
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
    log: logOf(events.log, 'hub'),
    handlers: agentHandlers({
      engine,
      history,
      clock,
      attachConsole,
      logGate,
      onLog: (taskId, pieces) => late.console?.onLog(taskId, pieces),
      consoleSession: (token, address) =>
        token === undefined ? () => nobody(address) : accounts.byToken(token, address),
      audit,
      onBug: events.onBug,
    }),
    refusals,
    onUnreadable: answerUnreadable,
    http: webDoors(parts, { epoch: engine.view.epoch, observation, attachConsole, refusals, clock }),
  });
}
