// The door for programs: HTTP requests below /api/v1, with a token of their own, answered by the console's methods.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConsoleSession } from '../protocol/accounts.ts';
import * as limits from '../protocol/programLimits.ts';
import { accepted, type Outcome, refusal, refused } from '../protocol/outcome.ts';
import { bodyBytesOf, readJson } from './body.ts';
import { openApiDocument } from './openapi.ts';
import { apiPrefix, documentPath, type Operation, type Reply } from './operation.ts';
import type { ApiPorts } from './ports.ts';
import type { DoorRefusal } from './problem.ts';
import { openCaller } from './programLink.ts';
import { readQuery } from './query.ts';
import { findRoute, type Route, wrongMethod } from './routes.ts';
import { everyAnswer, sendJson, sendProblem, sendText } from './sending.ts';
import { openSink } from './sink.ts';

/** Answers a request below `/api/v1`. False: the request is for somebody else. */
export type Door = (request: IncomingMessage, response: ServerResponse) => boolean;

export function openDoor(ports: ApiPorts): Door {
  const door = new ProgramDoor(ports);
  return (request, response) => {
    const { url = '' } = request;
    if (url !== apiPrefix && !url.startsWith(`${apiPrefix}/`)) return false;
    void door.answer(request, response);
    return true;
  };
}

class ProgramDoor {
  readonly #ports: ApiPorts;
  #document: string | undefined;
  #inWork = 0;
  /** What the bodies of those may hold at most. */
  #bodyBytes = 0;
  #follows = 0;
  #wrongTokens = 0;

  constructor(ports: ApiPorts) {
    this.#ports = ports;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const path = (request.url ?? '').slice(apiPrefix.length);
      if (path === documentPath) this.#sendDocument(request, response);
      else await this.#send(request, response, await this.#outcome(request));
    } catch (error) {
      this.#ports.onBug(error, `${request.method ?? ''} ${request.url?.split('?')[0] ?? ''}`);
      if (response.headersSent) response.destroy();
      else sendProblem(request, response, failedInside);
    }
  }

  /** Cheapest checks first: nothing of the body is read for somebody without a token. */
  async #outcome(request: IncomingMessage): Promise<Outcome<Reply, DoorRefusal> & { close?: () => void }> {
    const foreign = foreignOrigin(request);
    if (foreign) return refused(foreign);
    const session = this.#sessionOf(request);
    if (!session.ok) return session;
    const [path, search] = cutAtQuestion((request.url ?? '').slice(apiPrefix.length));
    const route = findRoute(request.method ?? '', path);
    if (!route.ok) return route;
    const bytes = bodyBytesOf(request);
    if (this.#inWork >= limits.apiRequestsMax || this.#bodyBytes + bytes > limits.apiBodiesBytesMax)
      return refused(tooManyRequests);
    this.#inWork += 1;
    this.#bodyBytes += bytes;
    try {
      return await this.#run(request, route.value, { search, session: session.value });
    } finally {
      this.#inWork -= 1;
      this.#bodyBytes -= bytes;
    }
  }

  async #run(
    request: IncomingMessage,
    { operation, path }: Route,
    { search, session }: { readonly search: string; readonly session: () => ConsoleSession },
  ) {
    const query = readQuery(search, operation.query ?? {});
    if (!query.ok) return query;
    const body = await bodyFor(operation, request);
    if (!body.ok) return body;
    const caller = openCaller(this.#ports.attach, session);
    const key = operation.takesKey === true ? idempotencyKey(request) : undefined;
    const outcome = await operation.run({
      path,
      query: query.value,
      body: body.value,
      key,
      caller,
      traceparent: request.headers['traceparent']?.toString(),
    });
    // A stream goes on asking while it is sent.
    if (outcome.ok && outcome.value.kind === 'stream') return { ...outcome, close: caller.close };
    caller.close();
    return outcome;
  }

  async #send(
    request: IncomingMessage,
    response: ServerResponse,
    outcome: Outcome<Reply, DoorRefusal> & { close?: () => void },
  ): Promise<void> {
    if (!outcome.ok) sendProblem(request, response, outcome.reason);
    else if (outcome.value.kind === 'json') sendJson(response, outcome.value);
    else
      await this.#stream(request, response, outcome.value).finally(() => {
        outcome.close?.();
      });
  }

  async #stream(
    request: IncomingMessage,
    response: ServerResponse,
    { contentType, isFollow, write }: Extract<Reply, { kind: 'stream' }>,
  ): Promise<void> {
    if (isFollow && this.#follows >= limits.apiFollowsMax) {
      sendProblem(request, response, tooManyFollows);
      return;
    }
    response.writeHead(200, { ...everyAnswer, 'content-type': contentType });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    response.flushHeaders();
    if (isFollow) this.#follows += 1;
    try {
      await write(openSink(response));
    } finally {
      if (isFollow) this.#follows -= 1;
      response.end();
    }
  }

  #sessionOf(request: IncomingMessage): Outcome<() => ConsoleSession, DoorRefusal> {
    const given = /^Bearer +([\w.~+/=-]{1,256})$/i.exec(request.headers.authorization ?? '')?.[1];
    const address = request.socket.remoteAddress ?? '';
    const session = given === undefined ? undefined : this.#ports.sessionOf(given, address);
    if (session) return accepted(session);
    this.#wrongTokens += 1;
    if (given !== undefined) this.#ports.onWrongToken(request.socket.remoteAddress ?? '', wrongToken);
    // Each power of two once: an attack shows in the log and does not fill it.
    if (given !== undefined && Number.isInteger(Math.log2(this.#wrongTokens)))
      this.#ports.log('warn', 'wrong API token', { address, times: this.#wrongTokens });
    return refused(given === undefined ? missingToken : wrongToken);
  }

  /** Open to all: it holds nothing but what the program is. Made once. */
  #sendDocument(request: IncomingMessage, response: ServerResponse): void {
    const { method = '' } = request;
    const foreign = foreignOrigin(request);
    if (foreign) sendProblem(request, response, foreign);
    else if (method !== 'GET' && method !== 'HEAD')
      sendProblem(request, response, wrongMethod(method, ['GET']));
    else {
      this.#document ??= JSON.stringify(openApiDocument(this.#ports.version));
      sendText(response, 200, this.#document, { 'content-type': 'application/json' });
    }
  }
}

async function bodyFor(
  { id, method, body: wanted }: Operation,
  request: IncomingMessage,
): Promise<Outcome<unknown, DoorRefusal>> {
  if (method === 'GET') return accepted(undefined);
  const body = await readJson(request);
  if (!body.ok) return body;
  if (body.value === undefined && wanted && wanted.isOptional !== true)
    return refused(refusal('bad_message', `${id} needs a body: see ${apiPrefix}${documentPath}`));
  if (body.value !== undefined && !wanted) return refused(refusal('bad_message', `${id} takes no body`));
  return body;
}

/** Programs send no Origin. Pages of this host may call; there is no CORS for others. */
function foreignOrigin({ headers }: IncomingMessage): DoorRefusal | undefined {
  const { origin, host } = headers;
  if (origin === undefined) return undefined;
  if (host !== undefined && /^https?:\/\/(.+)$/.exec(origin)?.[1] === host) return undefined;
  return { code: 'foreign_origin', message: 'web pages of others may not call this host' };
}

function cutAtQuestion(url: string): [string, string] {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}

/** With or without the quotes that the draft of the header asks for. */
function idempotencyKey({ headers }: IncomingMessage): string | undefined {
  const given = headers['idempotency-key'];
  const text = Array.isArray(given) ? given[0] : given;
  return text === undefined ? undefined : (/^"(.*)"$/.exec(text)?.[1] ?? text);
}

const missingToken: DoorRefusal = {
  code: 'wrong_token',
  message:
    'send Authorization: Bearer and an API token, or the apiToken of secrets.json in the data folder of the host',
  headers: { 'www-authenticate': 'Bearer realm="millrace"' },
};
const wrongToken: DoorRefusal = {
  code: 'wrong_token',
  message:
    'no API token is like this, or it has ended; this is not the apiToken of secrets.json in the data folder either',
  headers: { 'www-authenticate': 'Bearer realm="millrace", error="invalid_token"' },
};
const failedInside: DoorRefusal = {
  code: 'failed_inside',
  message: 'the host failed inside; what happened is in its log',
};
const tooManyRequests = refusal(
  'too_many',
  `${limits.apiRequestsMax} requests, or ${limits.apiBodiesBytesMax} bytes of them, are in work; retry after 1 s`,
  { retryAfterMs: 1_000 },
);
const tooManyFollows = refusal(
  'too_many',
  `${limits.apiFollowsMax} outputs are being followed, the most this host serves; retry after 10 s`,
  { retryAfterMs: 10_000 },
);
