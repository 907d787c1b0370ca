// What must always hold of gangs: all members there, all waiting or all placed, and one of them in line for all.
import type { Gang } from './gangTable.ts';
import type { SchedulerState } from './schedulerState.ts';
import type { Task } from './taskTable.ts';

type Check = (isTrue: boolean, what: string) => void;

export function checkGangs(state: SchedulerState, check: Check): void {
  for (const gang of state.gangs.all()) checkGang(gang, check);
  for (const task of state.tasks.all())
    if (task.group?.kind === 'gang')
      check(
        state.gangs.of(task)?.members[task.group.index] === task,
        `gang: task ${String(task.taskId)} is not listed with its gang`,
      );
}

function checkGang({ groupId, members, active, brokenBy }: Gang, check: Check): void {
  const name = `gang ${String(groupId)}`;
  const size = members[0]?.group?.size ?? 0;
  check(members.filter(Boolean).length === size, `gang: ${name} has not all of its ${String(size)} members`);
  const live = members.filter((member) => member.live);
  check(active === live.length, `gang: ${name} counts ${String(active)} live, has ${String(live.length)}`);
  check(brokenBy === undefined || active > 0, `gang: ${name} is being stopped and has nothing that runs`);
  const attempts = new Set(members.map((member) => member.past.length + (member.live ? 1 : 0)));
  check(
    attempts.size === 1,
    `gang: members of ${name} are at different attempts: ${[...attempts].join(', ')}`,
  );
  const [leader, ...others] = members;
  const waits = ({ state }: Task): boolean => state === 'ready' || state === 'backoff';
  check(
    others.every((member) => !waits(member)),
    `gang: another than the leader of ${name} is in line`,
  );
  check(active === 0 || !leader || !waits(leader), `gang: ${name} is in line while members run`);
}
