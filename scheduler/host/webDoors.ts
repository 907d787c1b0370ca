// All that the hub's HTTP server answers beside Socket.IO: the door for programs, the console's pages, health, metrics.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Accounts } from '../accounts/accounts.ts';
import { ownerFrom } from '../accounts/knownSessions.ts';
import { openDoor } from '../api/http.ts';
import { RequestRates } from '../api/requestRates.ts';
import { sendProblem } from '../api/sending.ts';
import { refusedHead } from '../api/unreadable.ts';
import type { RefusedAddresses } from '../hub/refusedAddresses.ts';
import type { Ms } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { HostConfig } from './config.ts';
import type { HostEvents } from './hostEvents.ts';
import { metricsReader } from './metricsReader.ts';
import type { Observation } from './observation.ts';
import { servePages } from './pages.ts';
import type { SecretsFile } from './secretsFile.ts';
import type { PlantTls } from './tls/plantTls.ts';

export interface WebParts {
  readonly config: Pick<HostConfig, 'observe'>;
  readonly files: { readonly pages: string; readonly version: string };
  readonly secrets: SecretsFile;
  readonly accounts: Accounts;
  readonly events: HostEvents;
  readonly tls: PlantTls | undefined;
}
export interface WebSources {
  readonly epoch: () => number;
  readonly observation: Observation;
  readonly attachConsole: (link: ConsoleLink) => void;
  readonly refusals: Pick<RefusedAddresses, 'tell'>;
  readonly clock: () => Ms;
}

export function webDoors({ config, files, secrets, accounts, events, tls }: WebParts, sources: WebSources) {
  const { epoch, observation, attachConsole, refusals, clock } = sources;
  const answerProgram = openDoor({
    attach: attachConsole,
    sessionOf: (token, source) => {
      const owner = ownerFrom(source);
      return secrets.apiTokenMatches(token) ? () => owner : accounts.byApiToken(token, source);
    },
    version: files.version,
    onBug: events.onBug,
    log: events.log,
    onWrongToken: (address, { code, message }) => {
      refusals.tell({ action: 'api_refused', address, code, message });
    },
  });
  const rates = new RequestRates(clock, (address, { code, message }) => {
    refusals.tell({ action: 'rate_limited', address, code, message });
  });
  const answerBrowser = servePages(files.pages, {
    health: () => ({ state: 'running', epoch: epoch(), version: files.version }),
    readiness: observation.readiness,
    metrics: observation.text,
    mayRead: metricsReader(
      config.observe.metrics,
      (token) => secrets.apiTokenMatches(token) || accounts.byApiToken(token, 'metrics') !== undefined,
    ),
    authority: tls?.authority,
  });
  return (request: IncomingMessage, response: ServerResponse): void => {
    const refused = rates.refuse(request) ?? refusedHead(request);
    if (refused) sendProblem(request, response, refused);
    else if (!answerProgram(request, response)) answerBrowser(request, response);
  };
}
