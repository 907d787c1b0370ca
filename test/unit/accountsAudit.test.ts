// What people and programs do at a real host is in its audit trail, with who they are and without their secrets.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiHost } from './support/apiHost.ts';

let host: ApiHost;
beforeAll(async () => {
  host = await ApiHost.start();
});
afterAll(async () => {
  await host.stop();
});

test('a program acts by its token: done and refused are recorded with its name', async () => {
  const made = await host.ask('POST', '/tokens', { name: 'mes', role: 'operator' });
  const token = String(made.body['token']);
  const asked = await fetch(`${host.address}/api/v1/queues/press`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ weight: 3 }),
  });
  expect(asked.status).toBe(403);
  const listed = await host.ask('GET', '/audit/entries');
  expect(listed.body['entries']).toMatchObject([
    { action: 'putQueue', actor: 'program:mes', source: '127.0.0.1', outcome: 'refused', targets: ['press'] },
    { action: 'createToken', actor: 'owner', outcome: 'done', targets: ['mes'] },
    { action: 'host_started', actor: 'host' },
  ]);
  expect(token.length).toBeGreaterThan(20);
  expect(listed.text).not.toContain(token);
});
