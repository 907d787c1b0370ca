// The plant's certificate authority in the agent's data folder, and which trust follows from it, the address and the
// enrolment code.
import { X509Certificate } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { accepted, type Outcome, refused } from '../scheduler/protocol/outcome.ts';
import { HubTrust, isSecureUrl, pinOf } from './trust.ts';

export const authorityFileOf = (dataFolder: string): string => join(dataFolder, 'hub-ca.pem');

/**
 * Undefined: plain text. Refuses in words where address, code and what is kept contradict each other: a node that knows
 * its hub by TLS is not talked out of it by an address.
 */
export function openTrust(
  dataFolder: string,
  hub: string,
  pin: string | undefined,
): Outcome<HubTrust | undefined, string> {
  const path = authorityFileOf(dataFolder);
  const kept = readKept(path);
  if (!kept.ok) return kept;
  if (!isSecureUrl(hub)) return plainText(path, kept.value !== undefined, pin);
  // Another pin than that of what is kept: the operator enrols it with a hub that was set up anew.
  const isSame = kept.value !== undefined && (pin === undefined || pinOf(kept.value.raw) === pin);
  if (!isSame && pin === undefined)
    return refused(
      `--token: this node does not know the hub at ${hub} yet; give the whole enrolment code that the console shows: ` +
        'the part after the dot is how the node knows it',
    );
  return accepted(
    new HubTrust(pin, {
      kept: isSame ? kept.value.toString() : undefined,
      keep: (pem) => {
        writeDurably(path, pem);
      },
    }),
  );
}

function plainText(path: string, hasAuthority: boolean, pin: string | undefined): Outcome<undefined, string> {
  if (pin !== undefined)
    return refused('--hub: the hub of this enrolment code speaks TLS; write https:// in place of http://');
  if (hasAuthority)
    return refused(
      '--hub: this node knows its hub by TLS; write https:// in place of http://. If the hub speaks plain text now ' +
        `because its operators want it so, remove ${path} first`,
    );
  return accepted(undefined);
}

function readKept(path: string): Outcome<X509Certificate | undefined, string> {
  try {
    return accepted(new X509Certificate(readFileSync(path)));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return accepted(undefined);
    return refused(
      `${path} cannot be used: ${message}; remove it and start again with --token and the whole enrolment code`,
    );
  }
}

/** Whole or not at all, and readable by this user only: who can write it says which hub this node obeys. */
function writeDurably(path: string, text: string): void {
  const draft = `${path}.new`;
  const fd = openSync(draft, 'w', 0o600);
  chmodSync(draft, 0o600);
  writeSync(fd, text);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(draft, path);
}
