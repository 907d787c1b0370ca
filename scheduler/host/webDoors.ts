// All that the hub's HTTP server answers beside Socket.IO: the door for programs, the console's pages, health, metrics.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { openDoor } from '../api/http.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { HostEvents } from './hostEvents.ts';
import { type PageSources, servePages } from './pages.ts';
import type { SecretsFile } from './secretsFile.ts';

export interface WebParts {
  readonly files: { readonly pages: string; readonly version: string };
  readonly secrets: SecretsFile;
  readonly events: HostEvents;
}
export interface WebSources {
  readonly epoch: () => number;
  readonly metrics: PageSources['metrics'];
  readonly attachConsole: (link: ConsoleLink) => void;
}

export function webDoors({ files, secrets, events }: WebParts, sources: WebSources) {
  const { epoch, metrics, attachConsole } = sources;
  const answerProgram = openDoor({
    attach: attachConsole,
    tokenMatches: secrets.apiTokenMatches,
    version: files.version,
    onBug: events.onBug,
    log: events.log,
  });
  const answerBrowser = servePages(files.pages, {
    health: () => ({ state: 'running', epoch: epoch(), version: files.version }),
    metrics,
  });
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (!answerProgram(request, response)) answerBrowser(request, response);
  };
}
