// An intruder who has something real: a token that is over or used up, a node that was revoked, a signature of another
// connection, an account that may only look. And one who speaks plain text to TLS. Refused, and in a trail that holds.
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as v from 'valibot';
import { memoryCredentials } from '../../agent/credentials.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { KeyPair } from '../../agent/keyPair.ts';
import { memoryTrust, pinOf } from '../../agent/trust.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { agentWireVersion as wire, enrolmentValidLeastMs } from '../../scheduler/protocol/limits.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { joinText } from '../../scheduler/protocol/nodeProof.ts';
import { connectConsole } from '../e2e/consoleClient.ts';
import { FuzzHost, spec } from '../fuzz/fuzzHost.ts';
import { RawSocket } from '../fuzz/rawSocket.ts';
import { openPlant } from '../unit/support/tlsHost.ts';

let host: FuzzHost;
const monotonic = performance.now.bind(performance);
beforeAll(async () => {
  host = await FuzzHost.open();
}, 30_000);
afterAll(async () => {
  expect(host.bugs).toEqual([]);
  await host.end();
  performance.now = monotonic;
}, 30_000);

/** The trail writes within a second. */
const patience = { timeout: 5_000 };
/** Each intruder has an address of its own: equal refusals of one are one entry a minute. */
const toldCodes = async (action: string, from: string, on = host) =>
  (await on.audited(action))
    .filter(({ source, outcome }) => source === from && outcome === 'refused')
    .map(({ details }) => details?.['code']);

class Stranger {
  readonly pair = KeyPair.make();
  readonly name: string;
  readonly from: string;

  constructor(name: string, from: string) {
    this.name = name;
    this.from = from;
  }
  /** A connection that asks to be let in; what it was answered. */
  async enter(enrolToken?: string): Promise<{ readonly raw: RawSocket; readonly answer: string }> {
    const raw = await RawSocket.open(host.address, undefined, this.from);
    const auth = { wire, nodeId: this.name, publicKey: this.pair.publicKey };
    const answer = await raw.enter('/agent', { ...auth, ...(enrolToken !== undefined && { enrolToken }) });
    if (answer.startsWith('44')) await raw.close();
    return { raw, answer };
  }
  proofFor(socketId: string): string {
    return this.pair.sign(joinText(nodeId(this.name), socketId, { spec, held: [] }));
  }
  /** What a join with this proof is answered. */
  async join(raw: RawSocket, proof = this.proofFor(raw.id)): Promise<string> {
    raw.text(`42/agent,${JSON.stringify(['join', { spec, held: [], proofs: [proof] }])}`);
    return raw.until((text) => text.includes('"welcome"') || text.includes('"refused"'));
  }
}

test('a token for one node lets no second one in', async () => {
  const { code } = await host.console.call('createEnrolment', { nodesMax: 1 });
  const first = new Stranger('first', '127.0.0.21');
  const { raw } = await first.enter(code);
  expect(await first.join(raw)).toContain('"welcome"');
  const second = new Stranger('second', '127.0.0.22');
  expect((await second.enter(code)).answer).toContain('"code":"token_used_up"');
  await expect.poll(() => toldCodes('agent_refused', second.from), patience).toEqual(['token_used_up']);
  await raw.close();
});

test('a node that was revoked is put out, and does not come back with its key', async () => {
  const node = new Stranger('fired', '127.0.0.23');
  const { raw } = await node.enter(host.enrolToken);
  expect(await node.join(raw)).toContain('"welcome"');
  await host.console.call('revokeNode', { nodeId: node.name });
  await raw.until((text) => text.startsWith('41/agent'));
  await raw.close();
  expect((await node.enter()).answer).toContain('"code":"node_revoked"');
  // Nor with a token for everybody.
  const again = await node.enter(host.enrolToken);
  expect(await node.join(again.raw)).toContain('"code":"node_revoked"');
  await again.raw.close();
  await expect.poll(() => toldCodes('agent_refused', node.from), patience).toEqual(['node_revoked']);
});

test('a signature that another connection was joined with is worth nothing here', async () => {
  const node = new Stranger('copied', '127.0.0.24');
  const { raw } = await node.enter(host.enrolToken);
  const overheard = node.proofFor(raw.id);
  expect(await node.join(raw, overheard)).toContain('"welcome"');
  const { raw: other, answer } = await node.enter();
  expect(answer).toContain('40/agent');
  expect(await node.join(other, overheard)).toContain('"code":"wrong_key"');
  await expect.poll(() => toldCodes('agent_refused', node.from), patience).toEqual(['wrong_key']);
  // Its own connection stands.
  raw.text(`42/agent,${JSON.stringify(['check', [77]])}`);
  expect(await raw.until((text) => text.includes('"checked"'))).toContain('"mine":[]');
  await Promise.all([raw.close(), other.close()]);
});

test('a viewer who would close a node to work, or drain a queue, is refused by name', async () => {
  const [admin, viewer, password] = ['boss', 'guest', 'three blue wagons roll'];
  await host.console.call('saveUser', { user: admin, role: 'administrator', password });
  await host.console.call('saveUser', { user: viewer, role: 'viewer', password });
  const window = await connectConsole(host.address);
  await window.call('login', { user: viewer, password });
  const next = 'seven green lathes hum';
  await window.call('changePassword', { old: password, next }).catch(() => undefined);
  const { nodeId: node } = (await host.console.call('listNodes', { limit: 1 })).rows[0] ?? { nodeId: '' };
  await expect(window.call('setCordon', { nodeId: node, isCordoned: true })).rejects.toThrow('operator');
  const drain = { queue: 'default', change: { mode: 'draining' as const } };
  await expect(window.call('putQueue', drain)).rejects.toThrow('viewer');
  window.close();
  for (const action of ['setCordon', 'putQueue'])
    expect(await host.audited(action)).toMatchObject([
      { actor: viewer, outcome: 'refused', details: { code: 'forbidden' } },
    ]);
});

test('plain text to a TLS port is refused and told; a hub with another authority hears nothing of a node', async () => {
  const secure = await FuzzHost.open(['--tls', 'on']);
  const { hostname, port } = new URL(secure.address);
  const from = '127.0.0.25';
  const answered = await new Promise<string>((resolve) => {
    let text = '';
    const socket = connect({ port: Number(port), host: hostname, localAddress: from }, () =>
      socket.write('GET /api/v1/tasks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n'),
    );
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(text);
    });
  });
  expect(answered).not.toContain('200');
  const isTold = async () =>
    (await secure.audited('plain_text_refused')).some(({ source }) => source === from);
  await expect.poll(isTold, patience).toBe(true);

  const other = await openPlant();
  expect(other.tls.pin).not.toBe(pinOf(new X509Certificate(secure.authority ?? '').raw));
  const code = await new Promise<string>((resolve) => {
    const agent = new VirtualAgent({
      url: secure.address,
      nodeId: nodeId('careful'),
      credentials: memoryCredentials(secure.enrolToken),
      spec: v.parse(nodeSpecSchema, spec),
      trust: memoryTrust(other.tls.pin),
      onTurnedAway: (reason) => {
        resolve(reason.code);
        void agent.stop();
      },
    });
    void agent.start();
  });
  // The node refuses, before it says its name or shows its token: there is nothing for the hub to tell.
  expect(code).toBe('wrong_pin');
  expect((await secure.console.call('listNodes', { limit: 1 })).total).toBe(0);
  expect((await secure.console.call('listEnrolments', {})).enrolments).toMatchObject([{ uses: 0 }]);
  expect(secure.bugs).toEqual([]);
  await verified(secure);
  await secure.end();
});

// Here, because the clock of the host goes on from it.
test('a token that is over lets nobody in', async () => {
  const { code } = await host.console.call('createEnrolment', { validMs: enrolmentValidLeastMs });
  performance.now = () => monotonic() + enrolmentValidLeastMs + 1_000;
  const late = new Stranger('late', '127.0.0.26');
  expect((await late.enter(code)).answer).toContain('"code":"token_expired"');
  await expect.poll(() => toldCodes('agent_refused', late.from), patience).toEqual(['token_expired']);
});

test('and the trail of it all is as it was written', async () => {
  const { done } = await verified(host);
  expect(done).toBeGreaterThan(8);
});

/** What `millrace audit verify` asks for. */
async function verified(of: FuzzHost) {
  await of.console.call('verifyAudit', {});
  const check = async () => (await of.console.call('getAudit', {})).check;
  await expect.poll(async () => (await check())?.state, patience).toBe('good');
  const good = await check();
  if (!good) throw new Error('no check');
  return good;
}
