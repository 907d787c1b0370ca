// The console's pages over HTTP, for browsers, and the health answer. Nothing outside the pages' folder is served.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createReadStream, existsSync, realpathSync, statSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { contentPolicy, pageTypes } from '../protocol/consolePages.ts';
import type { Readiness } from '../observe/readiness.ts';
import type { RecoveryProgress } from '../protocol/hostLink.ts';
import type { MayRead } from './metricsReader.ts';

type Health =
  | { readonly state: 'running'; readonly epoch: number; readonly version: string }
  | ({ readonly state: 'recovering' } & RecoveryProgress);

export interface PageSources {
  /** Says that the host lives, to anybody, and nothing more. */
  readonly health: () => Health;
  /** Says whether it takes and places work, and what is in the way. */
  readonly readiness: () => Readiness;
  /** Prometheus text. */
  readonly metrics: () => string;
  /** The plant's certificate authority, PEM, for browsers to import. Absent: the host speaks plain text. */
  readonly authority?: string | undefined;
  readonly mayRead: MayRead;
}

/** Answers GET and HEAD: `/health`, `/ready`, `/metrics`, `/ca.pem` and the files of the folder. */
export function servePages(folder: string, sources: PageSources) {
  const root = existsSync(folder) ? realpathSync(folder) : undefined;
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      plain(response, 405, 'only GET');
      return;
    }
    const path = pathOf(request.url ?? '/');
    if (path !== undefined && answerProbe(path, request, response, sources)) return;
    if (path === '/ca.pem' && sources.authority !== undefined) {
      response.writeHead(200, { 'content-type': 'application/x-x509-ca-cert', 'cache-control': 'no-cache' });
      response.end(sources.authority);
      return;
    }
    const file = root === undefined || path === undefined ? undefined : fileOf(root, path);
    if (file === undefined) plain(response, 404, 'not found');
    else sendFile(request, response, file);
  };
}

/** True: it was for those who watch the host. */
function answerProbe(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  { health, readiness, metrics, mayRead }: PageSources,
): boolean {
  // Alive while it recovers: whoever ends it for that makes it begin anew.
  if (path === '/health') sendJson(response, 200, health());
  else if (path === '/ready') {
    const said = readiness();
    sendJson(response, said.isReady ? 200 : 503, said);
  } else if (path !== '/metrics') return false;
  else if (mayRead(request)) {
    response.writeHead(200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    });
    response.end(metrics());
  } else {
    response.setHeader('www-authenticate', 'Bearer realm="millrace"');
    plain(response, 401, 'metrics: ask from this machine, or with Authorization: Bearer and an API token');
  }
  return true;
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(JSON.stringify(value));
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: string): void {
  const { host = '' } = request.headers;
  // Older browsers do not count ws: as 'self'.
  const sockets = /^[\w.:[\]-]+$/.test(host) ? `ws://${host} wss://${host}` : '';
  response.writeHead(200, {
    'content-type': pageTypes[extname(file)],
    'content-security-policy': contentPolicy(sockets),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': file.endsWith('.html') ? 'no-cache' : 'max-age=31536000, immutable',
  });
  if (request.method === 'HEAD') response.end();
  else
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
}

function pathOf(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url, 'http://console').pathname);
  } catch {
    return undefined; // a malformed escape
  }
}

/** The real file behind a path, or undefined where there is none, or it lies outside, or is of no known type. */
function fileOf(root: string, path: string): string | undefined {
  if (path.includes('\0')) return undefined;
  const wanted = join(root, path === '/' ? 'index.html' : path);
  if (pageTypes[extname(wanted)] === undefined || !existsSync(wanted)) return undefined;
  const real = realpathSync(wanted);
  return real.startsWith(root + sep) && statSync(real).isFile() ? real : undefined;
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}
