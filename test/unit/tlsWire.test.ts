// Agents and a hub over TLS: the pin, the kept authority, renewed and expired certificates, resumption, and plain text at
// a TLS port, with a real hub and real handshakes.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect as connectPlain } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { authorityFileOf, openTrust } from '../../agent/keptAuthority.ts';
import { type HubTrust, memoryTrust } from '../../agent/trust.ts';
import { request } from '../../scheduler/api/commands/request.ts';
import { openStage } from './hubStage.ts';
import { until } from './support/agentHub.ts';
import { comeTo, freshFolder, openPlant, openTlsHub } from './support/tlsHost.ts';

function trustIn(folder: string, url: string, pin?: string): HubTrust {
  const opened = openTrust(folder, url, pin);
  if (!opened.ok || !opened.value) throw new Error(opened.ok ? 'plain text' : opened.reason);
  return opened.value;
}
const lineOf = (log: readonly string[], part: string) => log.some((line) => line.includes(part));

describe('the first contact', () => {
  test('with the right pin the node joins, and keeps the authority for this user only', async () => {
    const plant = await openPlant();
    const { hub } = await openTlsHub(plant);
    expect(hub.address).toMatch(/^https:/);
    const folder = freshFolder();
    const here = comeTo(hub.address, { trust: trustIn(folder, hub.address, plant.tls.pin) });
    await until(() => here.joins === 1, 'it joined');
    expect(statSync(authorityFileOf(folder)).mode & 0o777).toBe(0o600);
    expect(readFileSync(authorityFileOf(folder), 'utf8').trim()).toBe(plant.tls.authority.trim());
  });

  test('with a wrong pin it is turned away for good: no secret is sent, no authority kept', async () => {
    const plant = await openPlant();
    const other = await openPlant();
    const stage = await openTlsHub(plant);
    const folder = freshFolder();
    const trust = trustIn(folder, stage.hub.address, other.tls.pin);
    const here = comeTo(stage.hub.address, { trust });
    await until(() => here.turnedAway.length > 0, 'it gave up');
    expect(here.turnedAway).toEqual(['wrong_pin']);
    expect(stage.calls).toEqual([]);
    expect(stage.hub.stats().messagesIn).toBe(0);
    expect(existsSync(authorityFileOf(folder))).toBe(false);
  });

  test('without a pin it asks for the whole code', () => {
    expect(openTrust(freshFolder(), 'https://127.0.0.1:1', undefined)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('the whole enrolment code') as string,
    });
  });
});

describe('a node that knows its hub', () => {
  test('comes back after its own restart without a pin', async () => {
    const plant = await openPlant();
    const { hub } = await openTlsHub(plant);
    const folder = freshFolder();
    await trustIn(folder, hub.address, plant.tls.pin).learn({ host: '127.0.0.1', port: portOf(hub.address) });
    const here = comeTo(hub.address, { trust: trustIn(folder, hub.address) });
    await until(() => here.joins === 1, 'it joined');
  });

  test('does not join a hub of another authority, and joins its own when that is there again', async () => {
    const plant = await openPlant();
    const first = await openTlsHub(plant);
    const trust = memoryTrust(plant.tls.pin);
    const here = comeTo(first.hub.address, { trust });
    await until(() => here.joins === 1, 'it joined');
    await first.close();
    const foreign = await openTlsHub(await openPlant(), first);
    await until(() => lineOf(here.log, 'not of the authority that this node enrolled with'), 'it says why');
    expect(foreign.calls).toEqual([]);
    expect(here.turnedAway).toEqual([]);
    await foreign.close();
    await openTlsHub(plant, first);
    await until(() => here.joins === 2, 'it is back');
  });

  test('takes another authority only with that one’s pin', async () => {
    const [before, after] = [await openPlant(), await openPlant()];
    const { hub } = await openTlsHub(before);
    const folder = freshFolder();
    await trustIn(folder, hub.address, before.tls.pin).learn({
      host: '127.0.0.1',
      port: portOf(hub.address),
    });
    expect(trustIn(folder, hub.address).context).toBeDefined();
    expect(trustIn(folder, hub.address, before.tls.pin).context).toBeDefined();
    expect(trustIn(folder, hub.address, after.tls.pin).context).toBeUndefined();
  });

  test('is not talked into plain text by an address', async () => {
    const plant = await openPlant();
    const { hub } = await openTlsHub(plant);
    const folder = freshFolder();
    const plain = hub.address.replace('https:', 'http:');
    expect(openTrust(folder, plain, undefined)).toEqual({ ok: true, value: undefined });
    expect(openTrust(folder, plain, plant.tls.pin).ok).toBe(false);
    await trustIn(folder, hub.address, plant.tls.pin).learn({ host: '127.0.0.1', port: portOf(hub.address) });
    expect(openTrust(folder, plain, undefined).ok).toBe(false);
  });

  test('checks the name: a certificate for other addresses is refused, with the setting that helps', async () => {
    const plant = await openPlant({ names: () => ['hub.elsewhere.example'] });
    const { hub } = await openTlsHub(plant);
    const here = comeTo(hub.address, { trust: memoryTrust(plant.tls.pin) });
    await until(() => lineOf(here.log, '--tls-name'), 'it says what helps');
    expect(here.joins).toBe(0);
  });
});

describe('the hub’s certificate', () => {
  test('an expired one is refused; the renewed one is taken without a restart', async () => {
    let nowMs = Date.now() - 200 * 86_400_000;
    const plant = await openPlant({ clock: () => nowMs });
    const stage = await openTlsHub(plant);
    plant.tls.onRenewed((material) => {
      stage.hub.renewTls(material);
    });
    const here = comeTo(stage.hub.address, { trust: memoryTrust(plant.tls.pin) });
    await until(() => lineOf(here.log, 'certificate has ended'), 'it says so');
    expect(here.joins).toBe(0);
    nowMs = Date.now();
    await plant.tls.check();
    await until(() => here.joins === 1, 'it joined');
  });

  test('a renewal leaves connections that stand alone, and serves the new one to those that come', async () => {
    const plant = await openPlant();
    const stage = await openTlsHub(plant);
    plant.tls.onRenewed((material) => {
      stage.hub.renewTls(material);
    });
    const here = comeTo(stage.hub.address, { trust: memoryTrust(plant.tls.pin) });
    await until(() => here.joins === 1, 'it joined');
    const before = await serialAt(stage.hub.address, plant.tls.authority);
    expect((await plant.tls.renew('asked')).ok).toBe(true);
    expect(await serialAt(stage.hub.address, plant.tls.authority)).not.toBe(before);
    expect(here.agent.connection.isJoined).toBe(true);
  });
});

test('a node that comes back resumes its session, also at a hub that was started again', async () => {
  const plant = await openPlant();
  const first = await openTlsHub(plant);
  const here = comeTo(first.hub.address, { trust: memoryTrust(plant.tls.pin) });
  await until(() => here.joins === 1, 'it joined');
  expect(first.hub.stats()).toMatchObject({ tlsResumed: 0 });
  first.hub.closeNode('press-7' as never, 'a test');
  await until(() => here.joins === 2, 'it is back');
  expect(first.hub.stats()).toMatchObject({ tlsResumed: 1, tlsFailures: 0 });
  await first.close();
  const again = await openTlsHub(await openPlant({ folder: plant.folder }), first);
  await until(() => here.joins === 3, 'it is back');
  expect(again.hub.stats()).toMatchObject({ tlsHandshakes: 1, tlsResumed: 1 });
});

describe('plain text and TLS that meet', () => {
  test('plain text at a TLS port is closed, counted each time, and told once a minute per address', async () => {
    const stage = await openTlsHub(await openPlant());
    const port = portOf(stage.hub.address);
    for (const text of [
      'GET / HTTP/1.1\r\nhost: x\r\n\r\n',
      'no protocol at all\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
    ])
      expect(await answerTo(port, text)).not.toContain('HTTP');
    await until(() => stage.hub.stats().plainTextRefused === 3, 'they are counted');
    expect(stage.audits).toEqual(['plain_text_refused 127.0.0.1']);
    expect(stage.hub.stats().tlsFailures).toBe(0);
  });

  test('a handshake that fails is counted as such', async () => {
    const stage = await openTlsHub(await openPlant());
    const port = portOf(stage.hub.address);
    const socket = connectSecurely({ host: '127.0.0.1', port, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
    socket.on('error', () => undefined);
    await until(() => stage.hub.stats().tlsFailures === 1, 'it is counted');
    expect(stage.hub.stats()).toMatchObject({ plainTextRefused: 0, tlsHandshakes: 0 });
    expect(stage.calls).toEqual([]);
  });

  test('an agent with http:// at a TLS port is told to use https://', async () => {
    const { hub } = await openTlsHub(await openPlant());
    const here = comeTo(hub.address.replace('https:', 'http:'));
    await until(() => lineOf(here.log, 'the hub speaks TLS: start the agent with https://'), 'it says so');
    expect(here.log.filter((line) => line.includes('the hub speaks TLS'))).toHaveLength(1);
  });

  test('an agent with https:// at a plain port is told that there is no TLS', async () => {
    const stage = await openStage();
    onTestFinished(() => stage.close());
    const plant = await openPlant();
    const here = comeTo(stage.hub.address.replace('http:', 'https:'), { trust: memoryTrust(plant.tls.pin) });
    await until(() => lineOf(here.log, 'the hub speaks no TLS at this address'), 'it says so');
    expect(stage.calls).toEqual([]);
  });
});

test('a hub that recovers behind TLS says so to its agents', async () => {
  const plant = await openPlant();
  const { openRecoveringDoor } = await import('../../scheduler/host/recoveringDoor.ts');
  const door = await openRecoveringDoor({ listen: '127.0.0.1', port: 0, pages: '/nowhere', tls: plant.tls });
  if (!door.ok) throw new Error(door.reason.message);
  onTestFinished(() => door.value.close());
  door.value.progressed({ stage: 'loading', done: 40, total: 100 });
  const url = `https://127.0.0.1:${String(door.value.port)}`;
  const here = comeTo(url, { trust: memoryTrust(plant.tls.pin) });
  await until(() => lineOf(here.log, 'the hub is recovering (loading 40 %)'), 'it says so');
  const authority = { method: 'GET', headers: {}, body: undefined, authority: plant.tls.authority };
  expect(await (await request(`${url}/ca.pem`, authority)).text()).toBe(plant.tls.authority);
  const other = { ...authority, authority: (await openPlant()).tls.authority };
  await expect(request(`${url}/ca.pem`, other)).rejects.toThrow();
});

test('the command line’s requests carry their bodies over TLS as over plain text', async () => {
  const plant = await openPlant();
  const { createServer: createSecure } = await import('node:https');
  const { contextOf } = await import('../../scheduler/hub/listener.ts');
  const answers: { status: number; length: string | null; text: string }[] = [];
  for (const isSecure of [false, true]) {
    const answer: Parameters<typeof createServer>[1] = (asked, response) => {
      response.statusCode = 202;
      response.setHeader('seen', asked.headers['content-length'] ?? '');
      asked.pipe(response);
    };
    const server = isSecure ? createSecure(contextOf(plant.tls.material), answer) : createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
    });
    const url = `${isSecure ? 'https' : 'http'}://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const asked = { method: 'POST', headers: { a: 'b' }, body: '{"ä":1}', authority: plant.tls.authority };
    const response = await request(url, asked);
    const { status, headers } = response;
    answers.push({ status, length: headers.get('seen'), text: await response.text() });
  }
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[1]).toEqual({ status: 202, length: '8', text: '{"ä":1}' });
});

const portOf = (url: string): number => Number(new URL(url).port);

function serialAt(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectSecurely({ host: '127.0.0.1', port: portOf(url), ca }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

/** All that comes back, until the line is closed. */
function answerTo(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connectPlain(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      resolve(answer);
    });
  });
}
