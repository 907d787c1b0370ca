// Commands waiting for the next turn: what agents report goes before what people ask for, so that overload shows as
// refused submits and not as lost results.
import type { Command } from '../protocol/events.ts';
import { commandsPerCycleMax, pendingCommandsMax } from '../protocol/limits.ts';

export interface Waiting<Answer> {
  readonly command: Command;
  readonly answer: (answer: Answer) => void;
}

export class CommandQueue<Answer> {
  #fromAgents: Waiting<Answer>[] = [];
  #fromPeople: Waiting<Answer>[] = [];

  get size(): number {
    return this.#fromAgents.length + this.#fromPeople.length;
  }

  /** False where people's commands have reached `pendingCommandsMax`; agents' are bounded by their own outboxes. */
  add(waiting: Waiting<Answer>): boolean {
    if (isFromAgent(waiting.command)) {
      this.#fromAgents.push(waiting);
      return true;
    }
    if (this.#fromPeople.length >= pendingCommandsMax) return false;
    this.#fromPeople.push(waiting);
    return true;
  }

  /** The next turn's commands, in order of arrival within each kind. */
  take(): readonly Waiting<Answer>[] {
    const taken = this.#fromAgents.slice(0, commandsPerCycleMax);
    this.#fromAgents = this.#fromAgents.slice(taken.length);
    const room = commandsPerCycleMax - taken.length;
    taken.push(...this.#fromPeople.slice(0, room));
    this.#fromPeople = this.#fromPeople.slice(room);
    return taken;
  }
}

const agentKinds: ReadonlySet<Command['kind']> = new Set<Command['kind']>([
  'JoinNode',
  'Heartbeat',
  'DisconnectNode',
  'ReportStarted',
  'ReportResults',
  'StartEpoch',
]);
const isFromAgent = ({ kind }: Command): boolean => agentKinds.has(kind);
