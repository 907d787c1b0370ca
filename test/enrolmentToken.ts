// A token by which agents of tests and benches come into a real host: made over its door for programs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from '../scheduler/api/commands/request.ts';

/** `nodesMax`: how many nodes may come with it. `authority`: PEM, of a host with TLS; the answer is without its pin. */
export async function enrolmentToken(
  address: string,
  dataFolder: string,
  nodesMax = 50_000,
  authority?: string,
): Promise<string> {
  const { apiToken } = JSON.parse(readFileSync(join(dataFolder, 'secrets.json'), 'utf8')) as {
    apiToken: string;
  };
  const answer = await request(`${address}/api/v1/enrolments`, {
    authority,
    method: 'POST',
    headers: { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ label: 'test', nodesMax }),
  });
  if (!answer.ok) throw new Error(`no enrolment token: ${await answer.text()}`);
  const { code } = (await answer.json()) as { code: string };
  return code.split('.', 1)[0] ?? '';
}
