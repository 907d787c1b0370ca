// Builds that are broken on purpose where schedules are decided, and the check that has to notice.
import { ms } from '../../scheduler/protocol/brands.ts';
import type { Schedule } from '../../scheduler/core/state/scheduleTable.ts';
import type { Mutant } from './mutants.ts';
import { wrap } from './rewire.ts';

export const scheduleMutants: Readonly<Record<string, Mutant>> = {
  'a due time that is told again is decided again': {
    lookFor: 'schedule-once',
    changeCore: ({ state: { schedules } }) => {
      wrap(schedules, 'get', (get) => (scheduleId) => {
        const schedule = get(scheduleId);
        const everyMs = schedule?.spec.everyMs ?? 0;
        const seen = (of: Schedule, name: string | symbol): unknown =>
          name === 'lastDueMs' ? ms(Number(Reflect.get(of, name)) - everyMs) : Reflect.get(of, name);
        return schedule && new Proxy(schedule, { get: seen });
      });
    },
  },
  'due times of an absence are passed over without a word': {
    lookFor: 'schedule-none-lost',
    changeCommand: (_core, command) => {
      if (command.kind !== 'ScheduleDue') return command;
      const { kind, scheduleId, atMs } = command;
      return { kind, scheduleId, atMs, dueMs: command.dueMs.slice(-1) };
    },
  },
};
