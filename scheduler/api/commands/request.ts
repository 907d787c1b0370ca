// One HTTP request of the command line. Over TLS with the plant's own authority, which `fetch` cannot be given.
import { request as requestSecurely } from 'node:https';
import { Readable } from 'node:stream';

interface Asked {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** PEM. */
  readonly authority: string | undefined;
}

/** Statuses of answers that have no body, which a `Response` insists on. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** Rejects where nobody answers. */
export function request(url: string, { method, headers, body, authority }: Asked): Promise<Response> {
  if (authority === undefined || !url.startsWith('https:'))
    return fetch(url, { method, headers, ...(body !== undefined && { body }) });
  return new Promise((resolve, reject) => {
    // Its length is told, as `fetch` does: otherwise it would go in chunks.
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const asked = requestSecurely(url, {
      method,
      headers: { ...headers, ...length },
      ca: authority,
      agent: false,
    });
    asked.once('error', reject);
    asked.once('response', (message) => {
      const status = message.statusCode ?? 500;
      const stream = bodiless.has(status) ? null : Readable.toWeb(message);
      if (stream === null) message.resume();
      const told = Object.entries(message.headers).flatMap(([name, value]) =>
        [value ?? []].flat().map((one): [string, string] => [name, one]),
      );
      resolve(new Response(stream as ConstructorParameters<typeof Response>[0], { status, headers: told }));
    });
    asked.end(body);
  });
}
