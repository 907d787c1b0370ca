// The simulated plant of this host: where its machines find the hub, and with which secrets.
import type { Engine } from '../engine/engine.ts';
import type { Ms } from '../protocol/brands.ts';
import { formatEnrolCode } from '../protocol/enrolCode.ts';
import { accepted } from '../protocol/outcome.ts';
import { simulationToken } from './enrolments.ts';
import type { HostParts } from './hostParts.ts';
import { SimulatedPlant } from './simulation.ts';

export function simulatedPlant(
  parts: HostParts,
  { engine, clock }: { readonly engine: Engine; readonly clock: () => Ms },
  address: string,
): SimulatedPlant {
  const { config, events, secrets, history, tls } = parts;
  // A host that listens everywhere is reached on this machine by its own address.
  const hub = address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
  return new SimulatedPlant({
    engine,
    history,
    runner: events.fleet,
    dataFolder: config.dataFolder,
    launchOf: async ({ nodes, seed, load }) => {
      const token = await simulationToken({ engine, clock, hide: events.logControl.hide });
      if (!token.ok) return token;
      const code = formatEnrolCode(token.value, tls?.pin);
      return accepted({
        args: ['--nodes', String(nodes), '--seed', String(seed), '--load', String(load), '--hub', hub],
        env: { MILLRACE_ENROL_TOKEN: code, MILLRACE_CONSOLE_TOKEN: secrets.consoleToken },
      });
    },
    log: events.log,
    onBug: events.onBug,
  });
}
