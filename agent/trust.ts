// How an agent knows its hub over TLS: by the plant's certificate authority, compared with the pin of the enrolment
// code at the first contact, kept, and the only one trusted from then on.
import { createHash } from 'node:crypto';
import { Agent as HttpsAgent } from 'node:https';
import type { ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext, type DetailedPeerCertificate, type SecureContext } from 'node:tls';

/** The plant's authority as this node keeps it. */
export interface AuthorityStore {
  /** PEM; undefined before the first contact. */
  readonly kept: string | undefined;
  /** Called once, with the authority that the pin stands for. */
  readonly keep: (pem: string) => void;
}

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly servername?: string | undefined;
  readonly localAddress?: string | undefined;
}

/** The chain of whoever answers holds no authority with the pin: another hub, or somebody in between. */
export class WrongPin extends Error {}

const handshakeWithinMs = 30_000;
/** A chain is two certificates; whoever sends more is not the plant's hub. */
const chainMax = 8;

export class HubTrust {
  readonly #pin: string | undefined;
  readonly #store: AuthorityStore;
  #context: SecureContext | undefined;
  #learning: Promise<SecureContext> | undefined;

  /** `pin`: of the enrolment code; needed where nothing is kept. */
  constructor(pin: string | undefined, store: AuthorityStore) {
    this.#pin = pin;
    this.#store = store;
    if (store.kept !== undefined) this.#context = contextOf(store.kept);
  }

  /** For connections to this plant's hub and to nobody else. */
  get context(): SecureContext | undefined {
    return this.#context;
  }

  /**
   * Fetches the chain, without a word of ours, and keeps the authority that the pin stands for. Rejects with `WrongPin`
   * where there is none in it, and with the error of the connection otherwise.
   */
  learn(target: Target): Promise<SecureContext> {
    this.#learning ??= this.#fetch(target).finally(() => {
      this.#learning = undefined;
    });
    return this.#learning;
  }

  async #fetch(target: Target): Promise<SecureContext> {
    const found = (await chainAt(target)).find((raw) => pinOf(raw) === this.#pin);
    if (found === undefined)
      throw new WrongPin(
        `the hub at ${target.host} port ${String(target.port)} is not the one of this enrolment code: its ` +
          'certificate authority is another. Copy the code anew from the console; if it is the same, ' +
          'somebody stands in between',
      );
    const pem = pemOf(found);
    this.#context = contextOf(pem);
    this.#store.keep(pem);
    return this.#context;
  }
}

/** For virtual agents and tests: what is learned is shared by all who have this trust. */
export function memoryTrust(pin: string | undefined): HubTrust {
  return new HubTrust(pin, { kept: undefined, keep: () => undefined });
}

/** Makes the TLS connections of one agent, and comes back with the ticket of the last one: also at another port. */
export class TlsLine extends HttpsAgent {
  readonly #trust: HubTrust;
  #session: Buffer | undefined;

  constructor(trust: HubTrust) {
    super({ keepAlive: false, maxCachedSessions: 0 });
    this.#trust = trust;
  }

  override createConnection(
    options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | undefined {
    const target = targetOf(options);
    const { context } = this.#trust;
    if (context) return this.#connect(target, context);
    this.#trust.learn(target).then(
      (learned) => callback?.(null, this.#connect(target, learned)),
      (error: unknown) => callback?.(error as Error, undefined as unknown as Duplex),
    );
    return undefined;
  }

  #connect(target: Target, secureContext: SecureContext): Duplex {
    const session = this.#session;
    const socket = connect({
      ...target,
      secureContext,
      ALPNProtocols: ['http/1.1'],
      ...(session && { session }),
    });
    socket.on('session', (ticket) => {
      this.#session = ticket;
    });
    // A ticket that led nowhere is not tried again.
    socket.once('error', () => {
      if (session === this.#session) this.#session = undefined;
    });
    return socket;
  }
}

export const isSecureUrl = (url: string): boolean => /^(https|wss):/.test(url);

/** DER of every certificate that whoever answers there shows. */
function chainAt(target: Target): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    // Nothing is said on this connection: it only shows the chain, which the pin then judges.
    const socket = connect({ ...target, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    socket.setTimeout(handshakeWithinMs, () => {
      socket.destroy(new Error(`no TLS handshake within ${String(handshakeWithinMs / 1_000)} s`));
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const chain: Buffer[] = [];
      // The types know of no end: there is none behind an issuer that was not sent.
      let shown: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true);
      while (shown?.raw !== undefined && chain.length < chainMax) {
        if (chain.at(-1)?.equals(shown.raw) === true) break;
        chain.push(shown.raw);
        shown = shown.issuerCertificate;
      }
      socket.off('error', reject);
      socket.on('error', () => undefined);
      // In order: cut off here, the hub would count a handshake that failed.
      socket.end();
      socket.resume();
      resolve(chain);
    });
  });
}

/** Names go with the handshake, addresses do not: so the standard has it. */
function targetOf({ host, hostname, port, localAddress, ...rest }: ClientRequestArgs): Target {
  const { servername } = rest as { readonly servername?: string };
  return {
    host: hostname ?? host ?? 'localhost',
    port: Number(port),
    ...(servername !== undefined && servername !== '' && { servername }),
    ...(localAddress !== undefined && { localAddress }),
  };
}

const contextOf = (pem: string): SecureContext => createSecureContext({ ca: pem, minVersion: 'TLSv1.2' });

/** As it is written in the enrolment code. */
export const pinOf = (certificate: Buffer): string =>
  createHash('sha256').update(certificate).digest('base64url');

function pemOf(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
