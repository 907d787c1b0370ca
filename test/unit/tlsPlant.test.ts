// The plant's certificates: made once, kept, renewed when due, and refused where the authority is damaged.
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readHostConfig } from '../../scheduler/host/config.ts';
import { hubNames } from '../../scheduler/host/tls/hubNames.ts';
import { PlantTls } from '../../scheduler/host/tls/plantTls.ts';
import { formatEnrolCode, readEnrolCode } from '../../scheduler/protocol/enrolCode.ts';
import { pinOf } from '../../agent/trust.ts';
import { freshFolder, openPlant } from './support/tlsHost.ts';

const dayMs = 86_400_000;
const certificatesOf = (chain: string): readonly X509Certificate[] =>
  (chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (pem) => new X509Certificate(pem),
  );

describe('the first start', () => {
  test('makes an authority and a certificate for all names of the machine, for this user only', async () => {
    const names = hubNames('0.0.0.0', ['hub.plant.example']);
    const { tls, folder } = await openPlant({ names: () => names });
    const [hub, authority] = certificatesOf(tls.material.chain);
    expect(statSync(join(folder, 'tls.json')).mode & 0o777).toBe(0o600);
    expect(authority?.ca).toBe(true);
    expect(hub?.ca).toBe(false);
    expect(authority && hub?.verify(authority.publicKey)).toBe(true);
    expect(names).toEqual(expect.arrayContaining(['hub.plant.example', 'localhost', '127.0.0.1', '::1']));
    for (const name of ['hub.plant.example', 'localhost']) expect(hub?.checkHost(name)).toBe(name);
    for (const address of ['127.0.0.1', '::1']) expect(hub?.checkIP(address)).toBe(address);
    expect(hub?.checkHost('elsewhere.example')).toBeUndefined();
    expect(authority && pinOf(authority.raw)).toBe(tls.pin);
  });

  test('a later start takes what is there; a folder from before TLS gets it beside its other files', async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, 'secrets.json'), '{}');
    const first = await openPlant({ folder });
    const second = await openPlant({ folder });
    expect(second.tls.material).toEqual(first.tls.material);
    expect(second.lines).toEqual([]);
    expect(readFileSync(join(folder, 'secrets.json'), 'utf8')).toBe('{}');
  });
});

describe('the hub’s certificate is made anew', () => {
  test.each([
    ['a month before it ends', 61 * dayMs, ['localhost', '127.0.0.1'], 'it ends soon'],
    ['at a new address', 0, ['localhost', '127.0.0.1', '10.9.8.7'], 'it does not name 10.9.8.7'],
    ['at a new name', 0, ['localhost', 'other.example'], 'it does not name other.example'],
    ['where the clock went back', -30 * dayMs, ['localhost'], 'it begins later'],
  ])('%s, under the same authority and without a restart', async (_when, laterMs, laterNames, why) => {
    let nowMs = Date.now();
    let names = ['localhost', '127.0.0.1'];
    const { tls, folder, lines } = await openPlant({ clock: () => nowMs, names: () => names });
    const before = tls.material;
    const { pin } = tls;
    const told: string[] = [];
    tls.onRenewed(({ chain }) => told.push(chain));
    await tls.check();
    expect(tls.material).toEqual(before);
    nowMs += laterMs;
    names = laterNames;
    await tls.check();
    expect(tls.pin).toBe(pin);
    expect(told).toEqual([tls.material.chain]);
    expect(tls.material.key).not.toBe(before.key);
    expect(tls.material.ticketKeys).not.toBe(before.ticketKeys);
    expect(lines.at(-1)).toContain(why);
    const [hub] = certificatesOf(tls.material.chain);
    expect(Date.parse(hub?.validTo ?? '')).toBeGreaterThan(nowMs + 80 * dayMs);
    const again = await openPlant({ folder, clock: () => nowMs, names: () => names });
    expect(again.tls.material).toEqual(tls.material);
  });

  test('where the file holds another’s, or one that cannot be read', async () => {
    const { folder, tls } = await openPlant();
    const other = await openPlant();
    const path = join(folder, 'tls.json');
    const kept = JSON.parse(readFileSync(path, 'utf8')) as Record<string, object>;
    const [foreign = ''] = other.tls.material.chain.split(/(?<=END CERTIFICATE-----\n)/);
    for (const certificate of [foreign, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      writeFileSync(path, JSON.stringify({ ...kept, hub: { ...kept['hub'], certificate } }));
      const again = await openPlant({ folder });
      expect(again.tls.pin).toBe(tls.pin);
      const [hub, authority] = certificatesOf(again.tls.material.chain);
      expect(authority && hub?.verify(authority.publicKey)).toBe(true);
    }
  });
});

test('a damaged authority is refused by the file’s name, and not replaced: every agent hangs on it', async () => {
  const { folder } = await openPlant();
  const path = join(folder, 'tls.json');
  const options = { folder, names: () => ['localhost'], clock: () => Date.now(), log: () => undefined };
  const whole = readFileSync(path, 'utf8');
  const other = await openPlant();
  const otherKey = (JSON.parse(readFileSync(join(other.folder, 'tls.json'), 'utf8')) as { authority: object })
    .authority;
  const mixed = JSON.parse(whole) as { authority: object };
  const swapped = { ...mixed, authority: { ...mixed.authority, key: (otherKey as { key: string }).key } };
  for (const text of ['', '{}', whole.slice(0, 300), JSON.stringify(swapped)]) {
    writeFileSync(path, text);
    const opened = await PlantTls.open(options);
    expect(opened).toMatchObject({ ok: false, reason: { code: 'storage_failed' } });
    expect(!opened.ok && opened.reason.message).toContain('tls.json');
    expect(readFileSync(path, 'utf8')).toBe(text);
  }
});

describe('settings', () => {
  const isTls = (...args: string[]): unknown => {
    const read = readHostConfig(args);
    return read.ok ? read.value?.isTls : read.reason;
  };
  test('TLS is on beyond this machine, and off only where that is said twice', () => {
    expect(isTls()).toBe(false);
    expect(isTls('--tls', 'on')).toBe(true);
    expect(isTls('--listen', '0.0.0.0')).toBe(true);
    expect(isTls('--listen', '10.0.0.5', '--tls', 'auto')).toBe(true);
    expect(isTls('--tls', 'off')).toBe(false);
    expect(isTls('--listen', '0.0.0.0', '--tls', 'off')).toContain('--insecure-plain-text');
    expect(isTls('--listen', '0.0.0.0', '--tls', 'off', '--insecure-plain-text')).toBe(false);
    expect(isTls('--tls', 'maybe')).toContain('--tls maybe');
    expect(isTls('--tls-name', 'https://hub')).toContain('--tls-name https://hub');
  });
});

describe('the enrolment code', () => {
  const pin = 'A'.repeat(43);
  test('is the token, with the pin behind a dot where there is one', () => {
    expect(readEnrolCode(formatEnrolCode('T_-1'))).toEqual({ ok: true, value: { token: 'T_-1' } });
    expect(readEnrolCode(formatEnrolCode('T_-1', pin))).toEqual({ ok: true, value: { token: 'T_-1', pin } });
  });
  test.each([
    '',
    `T.${pin}x`,
    `T.${pin.slice(1)}`,
    `.${pin}`,
    `T.${pin.slice(1)}=`,
    `T.${pin}.`,
    'x'.repeat(321),
  ])('%s was not copied whole', (text) => {
    expect(readEnrolCode(text).ok).toBe(false);
  });
});
