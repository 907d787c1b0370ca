// Makes certificates: the plant's own authority, once, and certificates of the hub, signed by it. Pure JavaScript over
// the process's own cryptography; loaded only when a certificate is to be made.
import 'reflect-metadata/lite';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

/** PEM texts. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly certificate: string;
}

export interface HubCertificateRequest {
  readonly authority: KeyAndCertificate;
  /** Names and addresses by which the hub is reached; the first is its subject. */
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Fixed, and long: the clock may be wrong at the first start, and every node that enrolled hangs on it. */
const authorityFrom = new Date('2020-01-01T00:00:00Z');
const authorityUntil = new Date('2070-01-01T00:00:00Z');
/** The longest common name that X.509 allows. */
const commonNameMax = 64;

const { subtle } = webcrypto;

/** A new authority for the plant. `name` tells one plant's from another's in a list of certificates. */
export async function makeAuthority(name: string): Promise<KeyAndCertificate> {
  x509.cryptoProvider.set(webcrypto);
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [name.slice(0, commonNameMax)] }],
    keys,
    signingAlgorithm: algorithm,
    notBefore: authorityFrom,
    notAfter: authorityUntil,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { key: await pemOf(keys.privateKey), certificate: `${certificate.toString('pem')}\n` };
}

/** A new key and certificate for the hub, for servers only. */
export async function makeHubCertificate(request: HubCertificateRequest): Promise<KeyAndCertificate> {
  x509.cryptoProvider.set(webcrypto);
  const { authority, names, notBefore, notAfter } = request;
  const signer = new x509.X509Certificate(authority.certificate);
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: [(names[0] ?? 'hub').slice(0, commonNameMax)] }],
    issuer: signer.subject,
    publicKey: keys.publicKey,
    signingKey: await signingKeyOf(authority.key),
    signingAlgorithm: algorithm,
    notBefore,
    notAfter: notAfter < signer.notAfter ? notAfter : signer.notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(signer),
    ],
  });
  return { key: await pemOf(keys.privateKey), certificate: `${certificate.toString('pem')}\n` };
}

/** Positive: the first bit is the sign. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

const pemOf = async (key: Parameters<typeof subtle.exportKey>[1]): Promise<string> =>
  `${x509.PemConverter.encode(await subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;

function signingKeyOf(pem: string) {
  const der = x509.PemConverter.decodeFirst(pem);
  return subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}
