// A core with a journal and the host's clock of schedules, on a wall clock that tests set: it can crash, and come back
// from what the journal kept.
import * as v from 'valibot';
import { Core } from '../../scheduler/core/cycle.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import { openSchedules, type Schedules } from '../../scheduler/host/schedules.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import type { Batch, Command } from '../../scheduler/protocol/events.ts';
import { refusal, refused } from '../../scheduler/protocol/outcome.ts';
import { dueLabel, scheduleLabel, scheduleSpecSchema } from '../../scheduler/protocol/schedule.ts';

export class ScheduleStage {
  readonly journal: Batch[] = [];
  core = new Core();
  schedules: Schedules | undefined;
  wallMs: number;

  constructor(wallMs: number) {
    this.wallMs = wallMs;
  }

  /** The host starts from its journal. */
  async start(): Promise<void> {
    this.core = new Core();
    for (const batch of this.journal) this.core.replay(batch);
    this.give({ kind: 'StartEpoch', seed: 1 });
    const execute = (command: Command) =>
      Promise.resolve(this.schedules ? this.give(command) : refused(refusal('stopping', 'it is gone')));
    const failed = (error: unknown): void => {
      throw error instanceof Error ? error : new Error(String(error));
    };
    this.schedules = openSchedules({ view: this.core.view(), execute }, failed, () => this.wallMs);
    await this.schedules.settle();
  }
  /** The host is gone. The last batches may have been on their way to the disk still. */
  crash(batchesLost = 0): void {
    this.schedules?.close();
    this.schedules = undefined;
    this.journal.splice(Math.max(0, this.journal.length - batchesLost));
  }
  /** The wall clock shows this, and the host has looked at it. */
  async goTo(wallMs: number): Promise<void> {
    this.wallMs = wallMs;
    await this.schedules?.settle();
  }

  give(command: Command) {
    const { batch, answers } = this.core.turn(this.wallMs, [command]);
    if (batch) {
      this.journal.push(batch);
      this.schedules?.onBatch(batch);
    }
    const broken = brokenInvariants(this.core.state);
    if (broken.length > 0) throw new Error(broken.join('\n'));
    const [answer] = answers;
    if (!answer) throw new Error('no answer');
    return answer;
  }
  put(scheduleId: string, input: object): void {
    const task = { work: { kind: 'simulated', runMs: 1 } };
    const spec = v.parse(scheduleSpecSchema, { task, ...input });
    const put = this.give({ kind: 'PutSchedule', scheduleId, spec, atMs: ms(this.wallMs), actor: 'ann' });
    if (!put.ok) throw new Error(put.reason.message);
  }

  /** Due times of the tasks that the journal admitted for a schedule, in order. */
  ran(scheduleId: string): readonly number[] {
    return this.journal.flatMap(({ events }) =>
      events.flatMap((event) => {
        if (event.kind !== 'task_admitted' || event.spec.labels[scheduleLabel] !== scheduleId) return [];
        return [Number(event.spec.labels[dueLabel])];
      }),
    );
  }
}
