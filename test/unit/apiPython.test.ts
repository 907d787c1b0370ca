// A program in another language drives the plant with nothing but the OpenAPI document and a token.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { ApiHost, run } from './support/apiHost.ts';

const hasPython = spawnSync('python3', ['-c', 'import urllib.request']).status === 0;

test.skipIf(!hasPython)(
  'python3 submits, waits, lists, cancels and retries (skipped: no python3)',
  async () => {
    const host = await ApiHost.start();
    try {
      await host.addNodes(2);
      const document = `${host.address}/api/v1/openapi.json`;
      const { code, out, said } = await run('python3', [
        'test/unit/support/apiClient.py',
        document,
        host.secrets.apiToken,
      ]);
      expect(said).toBe('');
      expect(code).toBe(0);
      expect(JSON.parse(out)).toEqual({
        sameKeySameTask: true,
        ended: 201,
        listed: true,
        attempts: 1,
        why: 'wrong_state',
        unknown: 'unknown_task',
        nodes: 2,
        queues: ['default'],
        log: true,
        version: expect.any(String) as string,
      });
    } finally {
      await host.stop();
    }
  },
);
