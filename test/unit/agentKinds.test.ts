// What a node does with each kind of work: real processes, real calls, and one real agent and hub on loopback.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import type { Work } from '../../scheduler/protocol/work.ts';
import { commandDispatch, type Result, until } from './support/agentHub.ts';
import { AgentStage } from './support/agentStage.ts';

let stage: AgentStage;
let target: Server | undefined;
const pathBefore = process.env['PATH'];
beforeEach(async () => {
  stage = await AgentStage.open();
  mkdirSync(join(stage.dataFolder, 'handlers'));
});
afterEach(async () => {
  process.env['PATH'] = pathBefore;
  target?.close();
  expect(stage.hub.faults).toEqual([]);
  await stage.close();
});

const dispatchOf = (work: Work, more: Partial<Dispatch> = {}): Dispatch =>
  commandDispatch({}, { work, ...more });
const functionWork = (handler: string, input: unknown = null): Work => ({ kind: 'function', handler, input });
const writeHandler = (name: string, text: string): void => {
  writeFileSync(
    join(stage.dataFolder, 'handlers', `${name}.mjs`),
    `import { defineHandler, v } from 'millrace';\n${text}`,
  );
};
async function endOf(dispatch: Dispatch): Promise<Result['end']> {
  stage.hub.send('run', [dispatch]);
  await until(() => stage.hub.resultOf(dispatch.token) !== undefined, 'a result');
  const result = stage.hub.resultOf(dispatch.token);
  if (!result) throw new Error('no result');
  return result.end;
}
const isAlive = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${String(pid)}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

describe('function', () => {
  test('a handler gets its input, and what it returns is the result', async () => {
    writeHandler('sum', 'export default defineHandler({ run: (input) => ({ sum: input.a + input.b }) });');
    await stage.agent();
    expect(stage.hub.joins[0]?.spec.kinds).toContain('function');
    const end = await endOf(dispatchOf(functionWork('sum', { a: 2, b: 40 })));
    expect(end).toMatchObject({ reason: 'exit', exitCode: 0, result: '{"sum":42}' });
  });

  test('a process serves the next attempt, and each has its own output and folder', async () => {
    writeHandler(
      'who',
      `import { readdirSync } from 'node:fs';
       export default defineHandler({ run: (input, attempt) => {
         attempt.log('I am', input);
         return { pid: process.pid, files: readdirSync(attempt.folder).length, folder: attempt.folder };
       } });`,
    );
    await stage.agent();
    const first = dispatchOf(functionWork('who', 'one'));
    const second = dispatchOf(functionWork('who', 'two'));
    const one = JSON.parse((await endOf(first)).result ?? '') as { pid: number; folder: string };
    const two = JSON.parse((await endOf(second)).result ?? '') as { pid: number; folder: string };
    expect(two.pid).toBe(one.pid);
    expect(two.folder).not.toBe(one.folder);
    await until(() => stage.hub.textOf(second.token, 'stdout') === 'I am two\n', 'the second output');
    expect(stage.hub.textOf(first.token, 'stdout')).toBe('I am one\n');
    await until(() => !existsSync(one.folder) && !existsSync(two.folder), 'the folders are gone');
  });

  test('an input that does not fit its schema is named, and the handler is not called', async () => {
    writeHandler(
      'typed',
      `export default defineHandler({ input: v.object({ items: v.number() }), run: () => { throw new Error('called'); } });`,
    );
    await stage.agent();
    const end = await endOf(dispatchOf(functionWork('typed', { items: 'many' })));
    expect(end).toMatchObject({ reason: 'exit', exitCode: 2 });
    expect(end.message).toContain('input.items');
  });

  test('what a handler throws is the message of its failure', async () => {
    writeHandler(
      'bad',
      "export default defineHandler({ run: () => { throw new Error('press is open'); } });",
    );
    await stage.agent();
    const end = await endOf(dispatchOf(functionWork('bad')));
    expect(end).toMatchObject({ reason: 'exit', exitCode: 1, message: 'the handler failed: press is open' });
  });

  test('a module that is no handler is refused by name, and so is one that is not there', async () => {
    writeHandler('plain', 'export default { run: () => 1 };');
    writeHandler('torn', 'export default {{{');
    await stage.agent();
    const plain = await endOf(dispatchOf(functionWork('plain')));
    expect(plain).toMatchObject({ reason: 'refused' });
    expect(plain.message).toMatch(/plain\.mjs: its default export is not made by defineHandler/);
    expect(await endOf(dispatchOf(functionWork('torn')))).toMatchObject({ reason: 'refused' });
    const missing = await endOf(dispatchOf(functionWork('none')));
    expect(missing).toMatchObject({ reason: 'spawn_failed' });
    expect(missing.message).toContain('this node has no handler none');
  });

  test('a handler that takes more memory than it has is out of memory, and the next attempt runs', async () => {
    writeHandler(
      'greedy',
      'export default defineHandler({ run: (input) => { const all = []; while (input) all.push({ all: [1, 2] }); return 1; } });',
    );
    await stage.agent();
    const end = await endOf(dispatchOf(functionWork('greedy', true), { memory: 32 }));
    expect(end).toMatchObject({ reason: 'out_of_memory' });
    expect(end.message).toContain('32 MiB');
    expect(await endOf(dispatchOf(functionWork('greedy', false), { memory: 32 }))).toMatchObject({
      exitCode: 0,
    });
  });

  test('a cancelled handler hears it; one that does not listen is killed when its time is over', async () => {
    writeHandler(
      'waits',
      `export default defineHandler({ run: (_, attempt) => new Promise((resolve) => {
         attempt.log('up');
         const timer = setInterval(() => {}, 1000);
         attempt.signal.addEventListener('abort', () => { clearInterval(timer); resolve('heard'); });
       }) });`,
    );
    writeHandler('deaf', 'export default defineHandler({ run: () => { for (;;); } });');
    await stage.agent();
    const waits = dispatchOf(functionWork('waits'), { graceMs: 5_000 });
    stage.hub.send('run', [waits]);
    await until(() => stage.hub.textOf(waits.token, 'stdout') === 'up\n', 'it runs');
    stage.hub.send('stop', [waits.token]);
    await until(() => stage.hub.resultOf(waits.token) !== undefined, 'a result');
    expect(stage.hub.resultOf(waits.token)?.end).toMatchObject({ reason: 'cancelled', result: '"heard"' });
    const deaf = await endOf(dispatchOf(functionWork('deaf'), { timeoutMs: 300, graceMs: 100 }));
    expect(deaf).toMatchObject({ reason: 'timeout', signal: 'SIGKILL' });
  });

  test('what a handler began is killed with its end', async () => {
    writeHandler(
      'parent',
      `import { spawn } from 'node:child_process';
       export default defineHandler({ run: () => spawn('sleep', ['60'], { stdio: 'ignore' }).pid });`,
    );
    await stage.agent();
    const end = await endOf(dispatchOf(functionWork('parent')));
    await until(() => !isAlive(Number(end.result)), 'the child is dead');
  });

  test('a handler asks whether its attempt is still this node’s, and leaves a checkpoint', async () => {
    writeHandler(
      'careful',
      `export default defineHandler({ run: async (_, attempt) => {
         attempt.checkpoint((attempt.before ?? '') + 'b');
         return attempt.stillMine();
       } });`,
    );
    await stage.agent();
    const end = await endOf(dispatchOf(functionWork('careful'), { checkpoint: 'a' }));
    expect(end).toMatchObject({ exitCode: 0, checkpoint: 'ab' });
    expect(['true', 'false']).toContain(end.result);
  });

  test('100 MB of output leave the agent at work', async () => {
    writeHandler(
      'loud',
      "export default defineHandler({ run: () => { for (let n = 0; n < 100; n += 1) process.stdout.write('x'.repeat(1e6)); return 'done'; } });",
    );
    await stage.agent();
    expect(await endOf(dispatchOf(functionWork('loud')))).toMatchObject({ exitCode: 0, result: '"done"' });
  });

  test('a node without handlers does not offer the kind, and says so where it comes all the same', async () => {
    await stage.agent();
    expect(stage.hub.joins[0]?.spec.kinds).not.toContain('function');
    const end = await endOf(dispatchOf(functionWork('sum')));
    expect(end).toMatchObject({ reason: 'refused' });
    expect(end.message).toContain('does not offer kind function');
  });
});

describe('http', () => {
  const calls: { readonly key: string | undefined; readonly body: string }[] = [];
  const listen = async (answer: (call: number) => { status: number; text: string }): Promise<string> => {
    calls.length = 0;
    target = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        calls.push({ key: request.headers['idempotency-key'] as string | undefined, body });
        const { status, text } = answer(calls.length);
        if (status > 0) response.writeHead(status).end(text);
      });
    });
    await new Promise<void>((resolve) => target?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${String((target.address() as AddressInfo).port)}/jobs`;
  };
  const httpWork = (url: string, more: Partial<Extract<Work, { kind: 'http' }>> = {}): Work => ({
    ...{ kind: 'http', method: 'POST', url, headers: {}, body: 'go', retries: 2 },
    ...more,
  });

  test('a busy target is called again with the same key, and its answer is the result', async () => {
    const url = await listen((call) =>
      call === 1 ? { status: 503, text: '' } : { status: 201, text: 'made' },
    );
    await stage.agent();
    const end = await endOf(dispatchOf(httpWork(url)));
    expect(end).toMatchObject({ reason: 'exit', exitCode: 0, result: 'made' });
    expect(calls.map(({ body }) => body)).toEqual(['go', 'go']);
    expect(calls[0]?.key).toMatch(/\S/);
    expect(calls[1]?.key).toBe(calls[0]?.key);
  });

  test('a refusal is not repeated, and its status is the exit code', async () => {
    const url = await listen(() => ({ status: 404, text: 'no such job' }));
    await stage.agent();
    const end = await endOf(dispatchOf(httpWork(url)));
    expect(end).toMatchObject({ reason: 'exit', exitCode: 404, result: 'no such job' });
    expect(calls).toHaveLength(1);
  });

  test('a target that nobody listens at is named', async () => {
    const url = await listen(() => ({ status: 200, text: '' }));
    target?.close();
    await stage.agent();
    const end = await endOf(dispatchOf(httpWork(url, { retries: 0 })));
    expect(end).toMatchObject({ reason: 'exit', exitCode: 1 });
    expect(end.message).toContain('ECONNREFUSED');
  });

  test('a target that does not answer is left when the time is over, or when it is cancelled', async () => {
    const url = await listen(() => ({ status: 0, text: '' }));
    await stage.agent();
    expect(await endOf(dispatchOf(httpWork(url), { timeoutMs: 200 }))).toMatchObject({ reason: 'timeout' });
    const cancelled = dispatchOf(httpWork(url));
    stage.hub.send('run', [cancelled]);
    await until(() => stage.hub.started.includes(cancelled.token), 'it runs');
    stage.hub.send('stop', [cancelled.token]);
    await until(() => stage.hub.resultOf(cancelled.token) !== undefined, 'a result');
    expect(stage.hub.resultOf(cancelled.token)?.end.reason).toBe('cancelled');
  });

  test('of an answer of 100 MB the bound is kept and the rest not read', async () => {
    const url = await listen(() => ({ status: 200, text: 'x'.repeat(100_000_000) }));
    await stage.agent();
    const end = await endOf(dispatchOf(httpWork(url)));
    expect(end).toMatchObject({ exitCode: 0 });
    expect(end.result).toHaveLength(16 * 1024);
    expect(end.message).toContain('cut');
  });
});

// There is no container engine on the machines that run this: a program in its place shows what the agent asks of it.
describe('container, with a program in the place of docker', () => {
  const engine = (run: string, isOutOfMemory = false): void => {
    const folder = join(stage.dataFolder, 'bin');
    mkdirSync(folder);
    const script = `#!/bin/sh
case "$1" in
version) echo 27.0 ;;
inspect) echo ${String(isOutOfMemory)} ;;
run) echo "$@"; ${run} ;;
*) echo "$@" >>${folder}/asked ;;
esac
`;
    writeFileSync(join(folder, 'docker'), script);
    chmodSync(join(folder, 'docker'), 0o755);
    process.env['PATH'] = `${folder}:${pathBefore ?? ''}`;
  };
  const work: Work = {
    kind: 'container',
    image: 'press/vision:3',
    argv: ['see', '--all'],
    env: { MODE: 'fast' },
  };
  const asked = (): string => readFileSync(join(stage.dataFolder, 'bin', 'asked'), 'utf8');

  test('the image gets its arguments, bounds and environment, and the container is removed', async () => {
    engine('echo "mode $MODE"');
    await stage.agent();
    const dispatch = dispatchOf(work);
    expect(await endOf(dispatch)).toMatchObject({ reason: 'exit', exitCode: 0 });
    await until(() => stage.hub.textOf(dispatch.token, 'stdout').includes('mode fast'), 'output');
    const line = stage.hub.textOf(dispatch.token, 'stdout');
    expect(line).toContain('--memory 64m');
    expect(line).toContain('--env MODE ');
    expect(line).toContain('press/vision:3 see --all');
    expect(asked()).toContain(`rm --force millrace-${String(dispatch.token)}`);
  });

  test('a failure, an image that cannot be had, and too little memory are told apart', async () => {
    engine('exit $(echo "$@" | sed "s/.* //")');
    await stage.agent();
    const coded = (code: string): Dispatch => dispatchOf({ ...work, argv: [code] });
    expect(await endOf(coded('3'))).toMatchObject({ reason: 'exit', exitCode: 3 });
    expect(await endOf(coded('125'))).toMatchObject({ reason: 'spawn_failed' });
    expect(await endOf(coded('127'))).toMatchObject({ reason: 'spawn_failed' });
  });

  test('a container that took too much memory is out of memory', async () => {
    engine('exit 137', true);
    await stage.agent();
    expect(await endOf(dispatchOf(work))).toMatchObject({ reason: 'out_of_memory', exitCode: 137 });
  });

  test('when its time is over the container itself is asked and then killed', async () => {
    engine('sleep 60');
    await stage.agent();
    const dispatch = dispatchOf(work, { timeoutMs: 300, graceMs: 200 });
    expect(await endOf(dispatch)).toMatchObject({ reason: 'timeout' });
    const name = `millrace-${String(dispatch.token)}`;
    expect(asked()).toContain(`kill --signal TERM ${name}`);
    expect(asked()).toContain(`kill ${name}`);
  });

  test('a node whose docker does not answer does not offer the kind', async () => {
    engine('true');
    const file = join(stage.dataFolder, 'bin', 'docker');
    writeFileSync(file, '#!/bin/sh\nexit 1\n');
    await stage.agent();
    expect(stage.hub.joins[0]?.spec.kinds).not.toContain('container');
  });
});
