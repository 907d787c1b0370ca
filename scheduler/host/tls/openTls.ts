// Transport security as the host's settings ask for it.
import { accepted, type Outcome, type Refusal } from '../../protocol/outcome.ts';
import type { Log } from '../../observe/log.ts';
import type { HostConfig } from '../config.ts';
import { hubNames } from './hubNames.ts';
import { PlantTls } from './plantTls.ts';

/** Undefined: the host speaks plain text. Refuses `storage_failed` where the data folder's TLS file cannot be used. */
export async function openTls(
  { isTls, listen, tlsNames, dataFolder }: HostConfig,
  log: Log,
): Promise<Outcome<PlantTls | undefined, Refusal>> {
  if (!isTls) return accepted(undefined);
  return PlantTls.open({
    folder: dataFolder,
    names: () => hubNames(listen, tlsNames),
    clock: () => Date.now(),
    log,
  });
}
