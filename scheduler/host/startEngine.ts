// The engine, wired: to the hub that carries its dispatches, and to all that hear what became durable.
import type { Console } from '../console/ports.ts';
import { EmbeddedEngine } from '../engine/embedded.ts';
import type { Hub } from '../hub/ports.ts';
import type { Alarms } from '../observe/alarms.ts';
import { historyQueueMax } from '../protocol/limits.ts';
import type { HostParts } from './hostParts.ts';
import type { Measuring } from './measuring.ts';
import type { Observation } from './observation.ts';
import { tellHistory } from './recovery.ts';
import type { Schedules } from './schedules.ts';
import type { Storage } from './storage.ts';

interface EngineWires {
  /** With fractions, for latencies. */
  readonly preciseMs: () => number;
  readonly alarms: Alarms;
  readonly observation: Observation;
  readonly storage: Pick<Storage, 'noBackup'>;
  readonly late: {
    readonly hub?: Hub;
    readonly console?: Console;
    readonly measuring?: Measuring;
    readonly schedules?: Schedules;
  };
}

export function startEngine(
  { core, journal, history, events }: HostParts,
  { preciseMs, alarms, observation, storage, late }: EngineWires,
): EmbeddedEngine {
  return new EmbeddedEngine({
    core,
    journal,
    nowMs: preciseMs,
    agents: {
      dispatch: (nodeId, dispatch) => late.hub?.dispatch(nodeId, observation.given(dispatch)) ?? false,
      stop: (nodeId, tokens) => late.hub?.stop(nodeId, tokens),
      flush: () => late.hub?.flush(),
      closeNode: (nodeId, reason) => late.hub?.closeNode(nodeId, reason),
    },
    historyHolds: async () => {
      await storage.noBackup();
      await history.flushed();
    },
    hasRoom: () => history.stats().pending < historyQueueMax,
    listener: {
      onDurable: (batch, ended) => {
        tellHistory(history, batch, ended);
        alarms.onBatch(batch);
        late.console?.onBatch(batch);
        late.measuring?.onDurable(batch);
        observation.onDurable(ended);
        late.schedules?.onBatch(batch);
      },
      onDispatched: (waitedMs) => {
        late.console?.onDispatched(waitedMs);
        observation.onDispatched(waitedMs);
      },
      onPlaced: observation.onPlaced,
      onFailure: (reason) => {
        alarms.raise({ code: 'STORAGE_FAILED', source: 'journal', params: { message: reason.message } });
        events.onFailure(reason);
      },
    },
  });
}
