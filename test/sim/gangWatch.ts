// Holds every durable batch against what a gang is: all members start in one batch, no more of them run than there are,
// and all end in one batch, the same way.
import type { Core } from '../../scheduler/core/cycle.ts';
import type { NodeIndex, TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { Batch, Event } from '../../scheduler/protocol/events.ts';
import type { AskClass } from '../../scheduler/core/state/classTable.ts';
import type { Report } from './audit.ts';

interface SeenGang {
  readonly groupId: TaskId;
  readonly members: readonly TaskId[];
  readonly live: Set<Token>;
}
type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;

export class GangWatch {
  readonly #report: Report;
  readonly #gangs = new Map<TaskId, SeenGang>();
  readonly #byMember = new Map<TaskId, SeenGang>();
  readonly #byToken = new Map<Token, SeenGang>();

  constructor(report: Report) {
    this.#report = report;
  }

  membersOf(groupId: TaskId): readonly TaskId[] | undefined {
    return this.#gangs.get(groupId)?.members;
  }

  take({ sequence, events }: Batch): void {
    const placed = new Map<SeenGang, number>();
    const ended = new Map<SeenGang, string[]>();
    for (const event of events) this.#event(event, placed, ended);
    this.#batch(`in batch ${String(sequence)}`, placed, ended);
  }

  #event(event: Event, placed: Map<SeenGang, number>, ended: Map<SeenGang, string[]>): void {
    if (event.kind === 'gang_admitted') this.#admitted(event);
    if (event.kind === 'attempt_placed') this.#placed(event, placed);
    if (event.kind === 'attempt_ended') this.#byToken.get(event.token)?.live.delete(event.token);
    if (event.kind === 'gang_backed_off') this.#backedOff(event);
    const gang = isEnd(event) ? this.#byMember.get(event.taskId) : undefined;
    if (gang) ended.set(gang, [...(ended.get(gang) ?? []), event.kind]);
  }

  #batch(where: string, placed: ReadonlyMap<SeenGang, number>, ended: ReadonlyMap<SeenGang, string[]>): void {
    for (const [{ groupId, members }, count] of placed)
      this.#rule(
        count === members.length,
        `gang ${String(groupId)}: ${String(count)} of ${String(members.length)} members start ${where}`,
      );
    for (const [{ groupId, members, live }, kinds] of ended)
      this.#rule(
        kinds.length === members.length && new Set(kinds).size === 1 && live.size === 0,
        `gang ${String(groupId)} ends ${where} by ${kinds.join(', ')}, ${String(live.size)} run`,
      );
  }

  #admitted({ groupId, spec }: EventOf<'gang_admitted'>): void {
    const size = spec.gang?.size ?? 0;
    const members = Array.from({ length: size }, (_, index) => (groupId + 1 + index) as TaskId);
    const gang = { groupId, members, live: new Set<Token>() };
    this.#gangs.set(groupId, gang);
    for (const member of members) this.#byMember.set(member, gang);
  }

  #placed({ taskId, token }: EventOf<'attempt_placed'>, placed: Map<SeenGang, number>): void {
    const gang = this.#byMember.get(taskId);
    if (!gang) return;
    placed.set(gang, (placed.get(gang) ?? 0) + 1);
    gang.live.add(token);
    this.#byToken.set(token, gang);
    this.#rule(
      gang.live.size <= gang.members.length,
      `gang ${String(gang.groupId)}: ${String(gang.live.size)} attempts of ${String(gang.members.length)} members`,
    );
  }

  #backedOff({ groupId }: EventOf<'gang_backed_off'>): void {
    const running = this.#gangs.get(groupId)?.live.size ?? 0;
    this.#rule(running === 0, `gang ${String(groupId)} goes back while ${String(running)} members run`);
  }

  #rule(holds: boolean, message: string): void {
    if (!holds) this.#report('gang', message);
  }
}

const isEnd = (
  event: Event,
): event is EventOf<'task_succeeded'> | EventOf<'task_dead_lettered'> | EventOf<'task_cancelled'> =>
  event.kind === 'task_succeeded' || event.kind === 'task_dead_lettered' || event.kind === 'task_cancelled';

/** Gangs that are set aside although the plant has a seat for each member, counted by taking what each would take. */
export function gangsLeftWaiting({ state }: Core): string[] {
  const left: string[] = [];
  for (const ask of state.classes.askClasses) {
    if (!ask?.isBlocked || ask.gangSize === 0 || ask.rules) continue;
    let seats = 0;
    for (const node of state.nodes.occupied()) seats += seatsOn(node, ask, state);
    if (seats >= ask.gangSize) left.push(`${String(seats)} seats for a gang of ${String(ask.gangSize)}`);
  }
  return left;
}

/** Room that is kept for others is no seat: who may pass there is judged by the very task, not by its ask. */
function seatsOn(node: NodeIndex, ask: AskClass, { nodes, placer, reservations }: Core['state']): number {
  if (reservations.first(node)) return 0;
  const { cpu, memory } = ask.ask;
  const before = [nodes.cpuFree[node] ?? 0, nodes.memoryFree[node] ?? 0, nodes.slotsFree[node] ?? 0] as const;
  let seats = 0;
  // One at most where the ask has more than these: that is below the truth, and enough to see a gang forgotten.
  const isPlain = !ask.ask.gpu && Object.keys(ask.ask.custom).length === 0;
  while (placer.fits(node, ask) && seats < (isPlain ? ask.gangSize : 1)) {
    seats += 1;
    nodes.cpuFree[node] = before[0] - seats * cpu;
    nodes.memoryFree[node] = before[1] - seats * memory;
    nodes.slotsFree[node] = before[2] - seats * ask.ask.slots;
  }
  [nodes.cpuFree[node], nodes.memoryFree[node], nodes.slotsFree[node]] = before;
  return seats;
}
