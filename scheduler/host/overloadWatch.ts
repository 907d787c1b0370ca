// Looks four times a second how far this host is behind and what is nearly full, and acts on it: output of attempts
// waits, tasks are refused, operators are told.
import type { Console } from '../console/ports.ts';
import type { Engine } from '../engine/engine.ts';
import type { History } from '../history/store.ts';
import type { EdgeHub } from '../hub/ports.ts';
import type { JournalPort } from '../journal/port.ts';
import type { Alarms } from '../observe/alarms.ts';
import { LimitMeters } from '../observe/limitMeters.ts';
import { Overload } from '../observe/overload.ts';
import type { Ms, NodeId } from '../protocol/brands.ts';
import * as limits from '../protocol/limits.ts';
import type { HostEvents } from './hostEvents.ts';
import { LogGate } from './logGate.ts';

const lookEveryMs = 250;
const looksPerCheck = 4;
const source = 'host';

export interface WatchedParts {
  readonly engine: Engine;
  readonly history: Pick<History, 'stats'>;
  readonly journal: Pick<JournalPort, 'stats'>;
  readonly alarms: Alarms;
  readonly clock: () => Ms;
  readonly log: HostEvents['log'];
  /** Parts that are there later than this one. */
  readonly late: { readonly hub?: EdgeHub; readonly console?: Console };
}

export class OverloadWatch {
  readonly overload: Overload;
  readonly logGate: LogGate;
  readonly meters: LimitMeters;
  readonly #parts: WatchedParts;
  readonly #timer: NodeJS.Timeout;
  #looks = 0;

  constructor(parts: WatchedParts) {
    this.#parts = parts;
    this.meters = new LimitMeters(parts.alarms);
    meterAll(this.meters, parts);
    this.logGate = new LogGate({
      recall: (nodeId: NodeId) =>
        parts.late.hub?.closeNode(nodeId, 'its output was turned away; it sends it again'),
    });
    const bytes = { limit: () => limits.heldLogBytesMax, used: () => this.logGate.heldBytes };
    this.meters.add({ name: 'held_log_bytes', ...bytes });
    this.overload = new Overload((level, before) => {
      this.#changed(level, before);
    });
    this.#timer = setInterval(() => {
      this.#look();
    }, lookEveryMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { engine, history, clock, late } = this.#parts;
    this.overload.look(clock(), {
      loopLateMs: late.hub?.lateMs ?? 0,
      writeMs: engine.stats().writeMs,
      commands: engine.pending(),
      historyPending: history.stats().pending,
    });
    this.#looks += 1;
    if (this.#looks % looksPerCheck !== 0) return;
    this.meters.check(clock());
    this.logGate.tick();
  }

  #changed(level: number, before: number): void {
    const { alarms, log } = this.#parts;
    log(level > before ? 'warn' : 'info', 'overload', { level, before });
    if (level >= 2) this.logGate.shut();
    else this.logGate.open();
    if (level >= 2) alarms.raise({ code: 'OVERLOADED', source, params: { level } });
    else alarms.clear('OVERLOADED', source);
  }
}

function meterAll(meters: LimitMeters, { engine, history, journal, late }: WatchedParts): void {
  const tasks = (): number => {
    const counts: Readonly<Record<string, number>> = { ...engine.view.taskCounts() };
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  };
  const of = (name: string, limit: number, used: () => number) => ({ name, limit: () => limit, used });
  const stats = () => late.hub?.stats();
  meters.add(
    of('live_tasks', limits.liveTasksMax, tasks),
    {
      ...of('ready_window', limits.readyWindowMax, () => engine.view.taskCounts().ready),
      isFullByDesign: true,
    },
    of('commands', limits.pendingCommandsMax, engine.pendingOfPeople),
    of('history_queue', limits.historyQueueMax, () => history.stats().pending),
    of('journal_bytes', limits.journalBytesMost, () => journal.stats().bytesSinceSnapshot),
    of('console_requests', limits.requestsInFlightMax, () => late.console?.requestsMost() ?? 0),
    of('consoles', limits.consoleClientsMax, () => stats()?.consoles ?? 0),
    { name: 'sockets', limit: () => stats()?.socketsMax ?? 0, used: () => stats()?.sockets ?? 0 },
    of('node_outbox', limits.outboxFramesMax, () => stats()?.outboxMost ?? 0),
    of('edge_link_bytes', limits.edgeLinkBytesMax, () => late.hub?.edges().waitingBytesMost ?? 0),
    of('nodes', limits.nodesMax, () => engine.view.nodeCounts().total),
  );
}
