// Steps that several end-to-end tests take: enrol an agent, submit, count, ask the agent's ledger, look and check.
import axe from 'axe-core';
import { expect } from 'vitest';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import { startAgent, type AgentProcess } from './agentProcess.ts';
import { connectConsole, readSecrets, type ConsoleClient } from './consoleClient.ts';
import { hostState, hubAddress, inPage, takeScreen, type Console } from './electronApp.ts';
import { enrolmentToken } from '../enrolmentToken.ts';

export const soon = { timeout: 30_000, interval: 200 };
const late = { timeout: 90_000, interval: 500 };

export async function enrol(console: Console): Promise<AgentProcess> {
  await expect.poll(() => hostState(console), soon).toMatchObject({ state: 'running' });
  const address = hubAddress(console.dataFolder) ?? '';
  const agent = startAgent(address, await enrolmentToken(address, console.dataFolder, 1), 'press-4');
  await expect.poll(agent.output, soon).toContain('joined');
  return agent;
}

export async function submitInWindow({ window }: Console, line: string, name: string): Promise<void> {
  await window.getByRole('link', { name: 'Tasks', exact: true }).click();
  await window.getByRole('button', { name: 'New task' }).first().click();
  const dialog = window.getByRole('dialog');
  await dialog.getByLabel('Command line').fill(line);
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await takeScreen(window, 'submit-dialog');
  await dialog.getByRole('button', { name: 'Submit task' }).last().click();
  await dialog.waitFor({ state: 'detached' });
  const row = window.getByText(name).first();
  await row.click();
  await window.getByRole('tab', { name: 'Log' }).click();
}

/** Submits so many sleeping tasks, and waits until the agent runs all of them. */
export async function runMany(
  console: Console,
  agent: AgentProcess,
  { count, seconds }: { count: number; seconds: number },
): Promise<TaskId[]> {
  const client = await connect(console.dataFolder);
  const spec = {
    name: 'hold the press',
    work: { kind: 'command', argv: ['sleep', String(seconds)] },
    ask: { cpu: 10, memory: 8 },
  };
  const { answers } = await client.call('submitTasks', {
    specs: Array.from({ length: count }, () => spec),
  });
  const ids = answers.flatMap((answer) => (answer.ok ? [answer.taskId] : []));
  expect(ids).toHaveLength(count);
  await expect.poll(() => countIn(client, 'running'), { ...soon, message: agent.output() }).toBe(count);
  client.close();
  return ids;
}

/** By the console's word and, which is what counts, by the agent's own ledger. */
export async function everyTaskRanOnce(
  dataFolder: string,
  ids: readonly TaskId[],
  agent: AgentProcess,
): Promise<void> {
  const client = await connect(dataFolder);
  await expect.poll(() => countIn(client, 'succeeded'), late).toBe(ids.length);
  client.close();
  const runs = agent.runs();
  for (const id of ids) expect(runs.get(id), `task ${id}`).toEqual({ started: 1, succeeded: 1 });
}

/** A program's console at the hub of this data folder. */
export const connect = (dataFolder: string): Promise<ConsoleClient> =>
  connectConsole(hubAddress(dataFolder) ?? '', readSecrets(dataFolder).consoleToken);

async function countIn(client: ConsoleClient, state: 'running' | 'succeeded'): Promise<number> {
  const { total } = await client.call('listTasks', { filter: { states: [state] }, limit: 1 });
  return total;
}

/** Every theme in every language. */
export const looks = ['night', 'day', 'hc'].flatMap((theme) =>
  ['en', 'zh-CN'].map((language) => ({ theme, language })),
);

/** What axe finds against WCAG 2.2 AA, as `rule (element)`. */
export async function axeFaults(console: Console): Promise<string[]> {
  await inPage(console, `${axe.source}; 0`);
  const tags = JSON.stringify(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']);
  return inPage<string[]>(
    console,
    `window.axe.run(document, { runOnly: ${tags} }).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ' (' + nodes[0].target.join(' ') + ')'))`,
  );
}

/** The window looks so from now on: it is loaded anew. */
export async function appear(console: Console, theme: string, language: string): Promise<void> {
  const kept = JSON.stringify({ theme, language, scale: 1, zone: 'utc', hasSingleKeys: true });
  await inPage(
    console,
    `(localStorage.setItem('millrace.appearance', ${JSON.stringify(kept)}), location.reload(), 0)`,
  );
  await console.window.waitForTimeout(1_500);
}
