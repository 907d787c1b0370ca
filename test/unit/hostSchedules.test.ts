// A real host with a schedule of each second, killed in between: the journal decides which due times are still to come.
import { expect, test } from 'vitest';
import { millrace, newFolder, type RunningHost, startHost } from './support/hostProcess.ts';

const everyMs = 1_000;
const work = { kind: 'simulated', runMs: 1 };

async function firedAtLeast(host: RunningHost, count: number): Promise<number> {
  for (let asked = 0; asked < 200; asked += 1) {
    const fired = Number((await host.ask('GET', '/schedules/tick'))['fired']);
    if (fired >= count) return fired;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the schedule has not fired ${String(count)} times`);
}

test('each due time brings one task, over kills of the host', async () => {
  const folder = newFolder();
  let host = await startHost(folder);
  await host.ask('PUT', '/schedules/tick', { everyMs, misfire: 'all', task: { work } });
  let fired = await firedAtLeast(host, 1);
  for (let kills = 0; kills < 3; kills += 1) {
    await host.kill();
    host = await startHost(folder);
    fired = await firedAtLeast(host, fired + 2);
  }
  await host.ask('PUT', '/schedules/tick', { everyMs, misfire: 'all', task: { work }, isPaused: true });
  const tick = await host.ask('GET', '/schedules/tick');
  const { rows } = await host.ask('GET', '/tasks?label=millrace/schedule:tick&limit=200');
  const due = (rows as { labels: Record<string, string> }[])
    .map(({ labels }) => Number(labels['millrace/due']))
    .sort((a, b) => a - b);
  const first = due[0] ?? 0;
  expect(due).toEqual(due.map((_, at) => first + at * everyMs));
  expect({ fired: due.length, lastDueMs: due.at(-1) }).toEqual({
    fired: tick['fired'],
    lastDueMs: tick['lastDueMs'],
  });
}, 60_000);

test('the command line puts, previews, runs, pauses and removes', async () => {
  const folder = newFolder();
  const host = await startHost(folder);
  const said = async (command: string, ...args: string[]): Promise<string> => {
    const { code, out, said: words } = await millrace([command, '--data', folder, ...args]);
    return code === 0 ? out : `${String(code)} ${words}`;
  };
  expect(await said('put-calendar', 'plant', '2026-12-25')).toBe('plant has 1 dates\n');
  const rhythm = ['--cron', '30 2 * * *', '--zone', 'Europe/Berlin'];
  expect(await said('put-schedule', 'night', ...rhythm, '--calendar', 'plant', '--', 'true')).toMatch(
    /^night is next due /,
  );
  expect(await said('preview-schedule', 'night', '--count', '2')).toMatch(
    /T02:30:00\+0[12]:00 .*\n.*T0[23]:[03]0:00\+0[12]:00 /,
  );
  expect(await said('run-schedule', 'night')).toBe('T-1\n');
  expect(await said('put-schedule', 'night', '--pause')).toBe('night is paused\n');
  expect(await said('schedules')).toMatch(/night +30 2 \* \* \* +Europe\/Berlin +paused +T-1 ready +0 +0\n$/);
  expect(await said('calendars')).toMatch(/plant +1 +2026-12-25 +2026-12-25 +1\n$/);
  expect(await said('put-schedule', 'never', '--cron', '0 0 31 2 *', '--', 'true')).toMatch(
    /^6 .*not due within 10 years/,
  );
  expect(await said('remove-schedule', 'night')).toBe('night removed\n');
  expect(await said('remove-calendar', 'plant')).toBe('plant removed\n');
  await host.kill();
}, 60_000);
