// What Node's own parser refuses, answered as a problem too: no HTTP, a head that is too large, no end.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type DoorRefusal, headersOf, problemOf, problems } from './problem.ts';
import { everyAnswer } from './sending.ts';

const noHttp: DoorRefusal = {
  code: 'unreadable',
  message: 'the request cannot be read: send HTTP/1.1 with one Host, and one length or chunks',
};
const refusals: Readonly<Record<string, DoorRefusal>> = {
  HPE_HEADER_OVERFLOW: {
    code: 'head_too_large',
    message: 'the head of the request has more than 16384 bytes; send what is long in the body',
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    code: 'too_large',
    message: 'the extensions of a chunk are too long; send chunks without any',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 'too_slow',
    message: 'the request did not come whole in time: its head has 30 s, its body 60 s',
    headers: { connection: 'close' },
  },
};

/** What the parser lets pass and nobody should answer: no host, or an expectation that is not met. */
export function refusedHead({ headers, httpVersion }: IncomingMessage): DoorRefusal | undefined {
  if (headers.host === undefined && httpVersion === '1.1') return noHttp;
  const { expect } = headers;
  if (expect === undefined || expect.toLowerCase() === '100-continue') return undefined;
  return { code: 'unmet_expectation', message: 'of what can be expected only 100-continue is met' };
}

/** For `clientError`: the connection ends. Where an answer has begun, nothing can be added to it. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Without TLS where it is asked for, or a connection that is gone: there is nobody to answer.
  const isOfHttp = /^(?:HPE|ERR_HTTP)_/.test(error.code ?? '');
  if (!isOfHttp || !socket.writable || hasBegun(socket)) {
    socket.destroy();
    return;
  }
  socket.end(problemBytes(refusals[error.code ?? ''] ?? noHttp));
  // Who goes on sending would keep the socket: the other side has what there is to know.
  socket.once('finish', () => {
    socket.destroy();
  });
}

/** Node hangs the answer under way on the socket: bytes of ours in the middle of it would be read as a part of it. */
function hasBegun(socket: Duplex): boolean {
  const message: unknown = '_httpMessage' in socket ? socket._httpMessage : undefined;
  return (
    typeof message === 'object' &&
    message !== null &&
    'headersSent' in message &&
    message.headersSent === true
  );
}

/** A whole answer in bytes, for where there is no `ServerResponse`. */
export function problemBytes(reason: DoorRefusal): string {
  const { status, title } = { status: problems[reason.code][0], title: problems[reason.code][1] };
  const text = JSON.stringify(problemOf(reason));
  const headers = {
    ...everyAnswer,
    ...headersOf(reason),
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${title}`, ...lines, '', text].join('\r\n');
}
