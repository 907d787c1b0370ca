// Conditions that need a person: raised, acknowledged, cleared. Listed until both cleared and acknowledged.
import type { Ms, NodeId } from '../protocol/brands.ts';
import type { AlarmRow } from '../protocol/consoleFrames.ts';
import type { Batch } from '../protocol/events.ts';
import * as limits from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { simulationActor } from '../protocol/simulation.ts';
import { LostNodes } from './lostNodes.ts';

export type AlarmCode = AlarmRow['code'];
export type AlarmParams = AlarmRow['params'];

const priorities: Readonly<Record<AlarmCode, AlarmRow['priority']>> = {
  STORAGE_FAILED: 1,
  HOST_RESTARTED: 2,
  FLEET_FULL: 2,
  EDGE_LOST: 2,
  PLAIN_TEXT: 2,
  OVERLOADED: 2,
  LIMIT_NEAR: 2,
  INTRUDER: 2,
  JOURNAL_SLOW: 2,
  DISK_LOW: 2,
  BACKUP_FAILED: 2,
  AUDIT_FAILED: 2,
  AUDIT_DAMAGED: 2,
  LOOP_LATE: 2,
  LOG_FAILED: 3,
  GC_HEAVY: 3,
  CLOCK_JUMPED: 3,
  RECORDER_STOPPED: 3,
  NODE_LOST: 3,
  NODE_SET_ASIDE: 3,
  QUEUE_LATE: 3,
  DEADLINE_MISSED: 3,
};
/** Many nodes lost at once: a switch or a line, not a node. */
const groupPriority = 2;
const fleetSource = 'fleet';

export interface RaisedAlarm {
  readonly code: AlarmCode;
  readonly source: string;
  readonly params?: AlarmParams;
}

export class Alarms {
  readonly #clock: () => Ms;
  /** By code and source, oldest first. */
  readonly #rows = new Map<string, AlarmRow>();
  readonly #lostNodes: LostNodes;
  #lastId = 0;

  constructor(clock: () => Ms) {
    this.#clock = clock;
    this.#lostNodes = new LostNodes({
      raiseOne: (nodeId) => {
        this.raise({ code: 'NODE_LOST', source: nodeId, params: { count: 1 } });
      },
      clearOne: (nodeId) => {
        this.clear('NODE_LOST', nodeId);
      },
      removeOne: (nodeId) => {
        this.#rows.delete(keyOf('NODE_LOST', nodeId));
      },
      showGroup: (count, isGrowing) => {
        this.#showGroup(count, isGrowing);
      },
    });
  }

  /** Raised again while active: only its parameters change, so that a flapping condition is one alarm. */
  raise({ code, source, params = {} }: RaisedAlarm): void {
    const found = this.#rows.get(keyOf(code, source));
    if (found?.isActive === true) this.#put({ ...found, params });
    else this.#put(this.#newRow(code, source, params, priorities[code]));
  }

  clear(code: AlarmCode, source: string): void {
    const found = this.#rows.get(keyOf(code, source));
    if (found?.isActive === true) this.#put({ ...found, isActive: false });
  }

  /** Refuses `wrong_state` where the alarm is not listed (any more). Acknowledging twice changes nothing. */
  acknowledge(alarmId: number): Outcome<void, Refusal> {
    for (const row of this.#rows.values()) {
      if (row.alarmId !== alarmId) continue;
      this.#put({ ...row, isAcknowledged: true });
      return accepted(undefined);
    }
    return refused(
      refusal('wrong_state', `alarm ${alarmId} is not listed any more; the list is being updated`),
    );
  }

  /** Highest priority first, then newest first. */
  rows(): readonly AlarmRow[] {
    return [...this.#rows.values()].sort((a, b) => a.priority - b.priority || b.alarmId - a.alarmId);
  }

  /** Lost nodes and those set aside become alarms; returned, opened and forgotten ones clear theirs. */
  onBatch({ events, atMs }: Batch): void {
    for (const event of events) {
      if (event.kind === 'node_lost') this.#lostNodes.lost(event.nodeId, atMs);
      else if (event.kind === 'node_joined' || event.kind === 'node_forgotten')
        this.#lostNodes.back(event.nodeId);
      if (event.kind === 'node_set_aside') this.setAside(event.nodeId, event.reason);
      if (event.kind === 'node_forgotten' || (event.kind === 'node_cordon_set' && !event.isCordoned))
        this.clear('NODE_SET_ASIDE', event.nodeId);
      // The simulated plant goes without a trace: there is nobody left to acknowledge its alarms for.
      if (event.kind === 'node_forgotten' && event.actor === simulationActor)
        for (const code of ['NODE_LOST', 'NODE_SET_ASIDE'] as const)
          this.#rows.delete(keyOf(code, event.nodeId));
    }
  }

  /** Also for those that a restart finds set aside. */
  setAside(nodeId: NodeId, reason: string): void {
    this.raise({ code: 'NODE_SET_ASIDE', source: nodeId, params: { message: reason } });
  }

  #showGroup(count: number, isGrowing: boolean): void {
    if (count === 0) {
      this.clear('NODE_LOST', fleetSource);
      return;
    }
    const found = this.#rows.get(keyOf('NODE_LOST', fleetSource));
    const row = found?.isActive === true ? found : this.#newRow('NODE_LOST', fleetSource, {}, groupPriority);
    // More nodes lost is news, also to somebody who has acknowledged the first ones.
    this.#put({ ...row, params: { count }, isAcknowledged: row.isAcknowledged && !isGrowing });
  }

  #newRow(code: AlarmCode, source: string, params: AlarmParams, priority: AlarmRow['priority']): AlarmRow {
    this.#lastId += 1;
    const raisedAtMs = this.#clock();
    const alarmId = this.#lastId;
    return { alarmId, priority, code, source, params, raisedAtMs, isActive: true, isAcknowledged: false };
  }

  #put(row: AlarmRow): void {
    const key = keyOf(row.code, row.source);
    if (!row.isActive && row.isAcknowledged) {
      this.#rows.delete(key);
      return;
    }
    if (!this.#rows.has(key) && this.#rows.size >= limits.alarmsMax) this.#makeRoom();
    this.#rows.set(key, row);
  }

  /** The cleared one that is oldest goes, or the oldest of the lowest priority. */
  #makeRoom(): void {
    const listed = this.rows();
    const gone = listed.findLast((row) => !row.isActive) ?? listed.at(-1);
    if (gone !== undefined) this.#rows.delete(keyOf(gone.code, gone.source));
  }
}

const keyOf = (code: AlarmCode, source: string): string => `${code} ${source}`;
