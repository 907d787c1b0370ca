// By which names and addresses this machine's hub can be reached: what its certificate must name.
import { hostname, networkInterfaces } from 'node:os';
import { isHostName } from '../config.ts';

/** A machine with many container networks has hundreds of addresses; a certificate is sent at every first contact. */
const namesMax = 64;

const anywhere: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/**
 * Given names first. A machine's name may be no name of the DNS, and is left out then. Without addresses that only hold
 * on one link: their zone cannot be named in a certificate.
 */
export function hubNames(listen: string, given: readonly string[]): readonly string[] {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => address)
    .filter((address) => !address.toLowerCase().startsWith('fe80:'));
  const listening = anywhere.has(listen) ? [] : [listen];
  const names = [...given, ...listening, hostname(), 'localhost', '127.0.0.1', '::1', ...own];
  return [...new Set(names.filter(isHostName))].slice(0, namesMax);
}

/** Where others reach a hub that listens everywhere: the first address of this machine that is not its own loopback. */
export function reachableHost(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? hostname();
}
