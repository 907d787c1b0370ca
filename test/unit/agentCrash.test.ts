// An agent killed again and again while it works: every attempt runs at most once and ends exactly once.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandDispatch, enrolToken, until } from './support/agentHub.ts';
import { AgentStage } from './support/agentStage.ts';

const tasks = 120;
const kills = 6;

test('over six kill -9, no attempt runs twice, and each has one result in the ledger and at the hub', async () => {
  const stage = await AgentStage.open();
  const { hub } = stage;
  const counts = stage.dataFolder;
  const dispatches = Array.from({ length: tasks }, (_, n) =>
    commandDispatch({
      shell: true,
      argv: [`echo ran >> ${counts}/ran-$MILLRACE_TOKEN; sleep 0.${String(n % 10)}; exit ${String(n % 3)}`],
    }),
  );
  // As the hub does: what a join does not name and nobody has reported goes out again, with the same token.
  const sendMissing = (upTo: number): void => {
    const held = new Set(hub.joins.at(-1)?.held.map(({ token }) => token));
    hub.send(
      'run',
      dispatches.slice(0, upTo).filter(({ token }) => !held.has(token) && !hub.resultOf(token)),
    );
  };
  const exits = (): number => hub.results.filter(({ end }) => end.reason === 'exit').length;
  let program = await stage.program('--token', enrolToken);
  for (let kill = 1; kill <= kills; kill += 1) {
    const known = exits();
    sendMissing((tasks / kills) * kill);
    await until(() => exits() >= known + 6, 'some ends');
    program.kill('SIGKILL');
    program = await stage.program();
  }
  sendMissing(tasks);
  await until(() => dispatches.every(({ token }) => hub.resultOf(token)), 'every result', 20_000);

  const { entries, damaged } = stage.ledger;
  expect(damaged).toEqual([]);
  for (const { token } of dispatches) {
    const of = (kind: string) =>
      entries.filter((entry) => entry.kind === kind && 'token' in entry && entry.token === token);
    expect([of('start').length, of('result').length]).toEqual([1, 1]);
  }
  const files = readdirSync(counts).filter((name) => name.startsWith('ran-'));
  for (const name of files) expect(readFileSync(join(counts, name), 'utf8')).toBe('ran\n');
  const reasons = hub.results.map(({ end }) => end.reason);
  expect(reasons).toContain('agent_lost');
  expect(exits()).toBeGreaterThanOrEqual(6 * kills);
  expect(hub.faults).toEqual([]);
  await stage.close();
});
