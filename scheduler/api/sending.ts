// Whole answers on their way out: JSON, the document, problems.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { apiBodyBytesMax } from '../protocol/programLimits.ts';
import type { Reply } from './operation.ts';
import { type DoorRefusal, headersOf, problemOf, problems } from './problem.ts';

export const everyAnswer = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { ...everyAnswer, 'content-length': Buffer.byteLength(text), ...headers });
  response.end(text);
}

export function sendJson(
  response: ServerResponse,
  { value, status, headers }: Extract<Reply, { kind: 'json' }>,
): void {
  sendText(response, status ?? 200, JSON.stringify(value), {
    'content-type': 'application/json',
    ...headers,
  });
}

/**
 * Where the body was not read, its sender still writes, and a closed connection would keep the answer from it: what
 * comes is let pass first, up to the limit of a body.
 */
export function sendProblem(request: IncomingMessage, response: ServerResponse, reason: DoorRefusal): void {
  const status = problems[reason.code][0];
  const text = JSON.stringify(problemOf(reason));
  const headers = headersOf(reason);
  if (request.complete) {
    sendText(response, status, text, headers);
    return;
  }
  const length = { 'content-length': Buffer.byteLength(text), connection: 'close' };
  response.writeHead(status, { ...everyAnswer, ...headers, ...length });
  response.write(text);
  let left = apiBodyBytesMax * 2;
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) response.end();
  });
  for (const over of ['end', 'close', 'error']) request.once(over, () => response.end());
}
