// Commands waiting for the next turn, by what their loss or delay would cost: what agents report, then what operators
// do, then new tasks, then signs of life, of which a node needs only its newest. So overload shows as refused submits
// and not as lost results; yet operators and signs of life have a part of every turn.
import type { Command } from '../protocol/events.ts';
import {
  actsPerTurnMin,
  commandsPerCycleMax,
  heartbeatsPerTurnMin,
  pendingCommandsMax,
} from '../protocol/limits.ts';

export interface Waiting<Answer> {
  readonly command: Command;
  readonly answer: (answer: Answer) => void;
}

export class CommandQueue<Answer> {
  readonly #reports = new Line<Answer>();
  readonly #acts = new Line<Answer>();
  readonly #submits = new Line<Answer>();
  /** By node, the newest; in the order in which they first came. */
  readonly #heartbeats = new Map<string, Waiting<Answer>>();

  get size(): number {
    return this.#reports.size + this.#heartbeats.size + this.fromPeople;
  }
  /** Bounded by `pendingCommandsMax`. */
  get fromPeople(): number {
    return this.#acts.size + this.#submits.size;
  }

  /** False where people's commands have reached `pendingCommandsMax`; agents' are bounded by their own outboxes. */
  add(waiting: Waiting<Answer>): boolean {
    const { command } = waiting;
    if (command.kind === 'Heartbeat') {
      this.#addHeartbeat(command.nodeId, waiting);
      return true;
    }
    if (reportKinds.has(command.kind)) {
      this.#reports.add(waiting);
      return true;
    }
    if (this.fromPeople >= pendingCommandsMax) return false;
    (submitKinds.has(command.kind) ? this.#submits : this.#acts).add(waiting);
    return true;
  }

  /** The next turn's commands, the most important first, in order of arrival within each kind. */
  take(): readonly Waiting<Answer>[] {
    const heartbeats = Math.min(this.#heartbeats.size, heartbeatsPerTurnMin);
    const acts = Math.min(this.#acts.size, actsPerTurnMin);
    const taken: Waiting<Answer>[] = [];
    this.#reports.takeInto(taken, commandsPerCycleMax - heartbeats - acts);
    this.#acts.takeInto(taken, commandsPerCycleMax - heartbeats);
    this.#submits.takeInto(taken, commandsPerCycleMax - heartbeats);
    for (const [nodeId, waiting] of this.#heartbeats) {
      if (taken.length >= commandsPerCycleMax) break;
      this.#heartbeats.delete(nodeId);
      taken.push(waiting);
    }
    return taken;
  }

  #addHeartbeat(nodeId: string, waiting: Waiting<Answer>): void {
    const older = this.#heartbeats.get(nodeId);
    if (older === undefined) {
      this.#heartbeats.set(nodeId, waiting);
      return;
    }
    // In the older one's place: a node that speaks often must not fall back for it.
    this.#heartbeats.set(nodeId, {
      command: waiting.command,
      answer: (answer) => {
        older.answer(answer);
        waiting.answer(answer);
      },
    });
  }
}

/** First in, first out. What was taken stays in the array until half of it is: no copy per turn of a long line. */
class Line<Answer> {
  #waiting: Waiting<Answer>[] = [];
  #taken = 0;

  get size(): number {
    return this.#waiting.length - this.#taken;
  }

  add(waiting: Waiting<Answer>): void {
    this.#waiting.push(waiting);
  }

  /** Until `into` is `lengthMax` long. */
  takeInto(into: Waiting<Answer>[], lengthMax: number): void {
    const until = Math.min(this.#waiting.length, this.#taken + Math.max(0, lengthMax - into.length));
    for (let at = this.#taken; at < until; at += 1) {
      const next = this.#waiting[at];
      if (next) into.push(next);
    }
    this.#taken = until;
    if (this.#taken * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#taken);
    this.#taken = 0;
  }
}

const reportKinds: ReadonlySet<Command['kind']> = new Set<Command['kind']>([
  'JoinNode',
  'DisconnectNode',
  'ReportStarted',
  'ReportResults',
  'StartEpoch',
]);
const submitKinds: ReadonlySet<Command['kind']> = new Set<Command['kind']>(['SubmitTasks', 'SubmitWorkflow']);
