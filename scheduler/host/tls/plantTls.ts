// The plant's transport security: its authority, made at the first start; the hub's certificate, renewed by itself
// before it ends and when this machine's addresses change; and the keys of session tickets, the same for
// all edges and starts.
import { createHash, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TlsMaterial } from '../../hub/ports.ts';
import type { Log } from '../../observe/log.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import type { KeyAndCertificate } from './certificates.ts';
import { readTlsFile, ticketKeyBytes, type TlsFile, writeTlsFile } from './tlsFile.ts';

export interface TlsOptions {
  readonly folder: string;
  /** By which the hub is reached now; asked again at each check. */
  readonly names: () => readonly string[];
  /** Wall clock, milliseconds. */
  readonly clock: () => number;
  readonly log: Log;
}

const dayMs = 86_400_000;
/** Short enough that a stolen key ages out, long enough for a machine that is off over a summer to be the exception. */
const validMs = 90 * dayMs;
const renewBeforeMs = 30 * dayMs;
/** Nodes' clocks may be behind. */
const backdatedMs = 7 * dayMs;
export const checkEveryMs = 60_000;

export class PlantTls {
  readonly #options: TlsOptions;
  readonly #listeners: ((material: TlsMaterial) => void)[] = [];
  #file: TlsFile;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<Outcome<undefined, Refusal>> | undefined;

  private constructor(options: TlsOptions, file: TlsFile) {
    this.#options = options;
    this.#file = file;
  }

  /** Reads the file, or makes what is missing. Refuses `storage_failed` where the authority cannot be used. */
  static async open(options: TlsOptions): Promise<Outcome<PlantTls, Refusal>> {
    const { folder, log } = options;
    try {
      const found = readTlsFile(folder);
      if (found) checkAuthority(found.authority);
      else log('info', 'the plant gets a certificate authority of its own', { folder });
      const authority = found?.authority ?? (await newAuthority());
      const { hub, ticketKeys } = found ?? {};
      const due = hub === undefined ? 'there was none' : dueFor(authority, hub, options);
      if (due === undefined && hub && ticketKeys !== undefined)
        return accepted(new PlantTls(options, { authority, hub, ticketKeys }));
      const why = due ?? 'it had no ticket keys';
      const file = await renewed(authority, options);
      writeTlsFile(folder, file);
      log('info', 'the hub has a new certificate', { why });
      return accepted(new PlantTls(options, file));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const advice = 'take tls.json from a backup, or move it away: then all agents must enrol again';
      return refused(
        refusal('storage_failed', `tls.json in ${folder} cannot be used: ${message}; ${advice}`),
      );
    }
  }

  /** For every process that listens. With the authority in the chain, so that an agent can compare it with its pin. */
  get material(): TlsMaterial {
    const { hub, authority, ticketKeys } = this.#file;
    return { chain: `${hub.certificate}${authority.certificate}`, key: hub.key, ticketKeys };
  }

  /** PEM. Public: whoever trusts it knows the hub. */
  get authority(): string {
    return this.#file.authority.certificate;
  }

  get pin(): string {
    return pinOf(this.authority);
  }

  onRenewed(listener: (material: TlsMaterial) => void): void {
    this.#listeners.push(listener);
  }

  /** From now on looks once a minute whether the certificate is due. Where that fails it is said and tried again. */
  keep(): void {
    this.#timer = setInterval(() => {
      void this.check();
    }, checkEveryMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Renews where it is due. */
  async check(): Promise<void> {
    const why = dueFor(this.#file.authority, this.#file.hub, this.#options);
    if (why !== undefined) await this.renew(why);
  }

  /** A new key, a new certificate, new ticket keys, taken at once. Refuses where it cannot be written. */
  renew(why: string): Promise<Outcome<undefined, Refusal>> {
    this.#renewing ??= this.#renewNow(why).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renewNow(why: string): Promise<Outcome<undefined, Refusal>> {
    const { folder, log } = this.#options;
    try {
      const file = await renewed(this.#file.authority, this.#options);
      writeTlsFile(folder, file);
      this.#file = file;
    } catch (error) {
      const message = `the hub's certificate cannot be renewed: ${String(error)}`;
      log('error', message, { why });
      return refused(refusal('storage_failed', message));
    }
    log('info', 'the hub has a new certificate', { why });
    for (const listener of this.#listeners) listener(this.material);
    return accepted(undefined);
  }
}

/** SHA-256 of the certificate, as agents are told it. */
const pinOf = (certificate: string): string =>
  createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');

async function newAuthority(): Promise<KeyAndCertificate> {
  const { makeAuthority } = await import('./certificates.ts');
  return makeAuthority(`Millrace plant ${randomBytes(4).toString('hex')}`);
}

async function renewed(authority: KeyAndCertificate, options: TlsOptions): Promise<TlsFile> {
  const { makeHubCertificate } = await import('./certificates.ts');
  const nowMs = options.clock();
  const hub = await makeHubCertificate({
    authority,
    names: options.names(),
    notBefore: new Date(nowMs - backdatedMs),
    notAfter: new Date(nowMs + validMs),
  });
  return { authority, hub, ticketKeys: randomBytes(ticketKeyBytes).toString('base64') };
}

/** Throws in words. */
function checkAuthority({ key, certificate }: KeyAndCertificate): void {
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
    throw new Error('key and certificate of the authority do not belong together');
}

/** Why another certificate is needed now; undefined: this one is good. */
function dueFor(
  authority: KeyAndCertificate,
  hub: KeyAndCertificate,
  options: TlsOptions,
): string | undefined {
  const nowMs = options.clock();
  try {
    const certificate = new X509Certificate(hub.certificate);
    if (!certificate.verify(new X509Certificate(authority.certificate).publicKey))
      return 'another authority signed it';
    if (!certificate.checkPrivateKey(createPrivateKey(hub.key))) return 'its key is another';
    if (Date.parse(certificate.validTo) - nowMs < renewBeforeMs) return 'it ends soon';
    if (Date.parse(certificate.validFrom) > nowMs) return 'it begins later';
    const missing = options.names().find((name) => !isNamed(certificate, name));
    return missing === undefined ? undefined : `it does not name ${missing}`;
  } catch {
    return 'it is damaged';
  }
}

const isNamed = (certificate: X509Certificate, name: string): boolean =>
  isIP(name) === 0
    ? certificate.checkHost(name, { wildcards: false, subject: 'never' }) !== undefined
    : certificate.checkIP(name) !== undefined;
