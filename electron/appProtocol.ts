// Serves the console's own files at `app://console/`, and nothing else: contained, typed, and under a strict policy.
import { readFile, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { protocol } from 'electron';
import { contentPolicy, pageTypes } from '../scheduler/protocol/consolePages.ts';

export const consoleOrigin = 'app://console';

/** Must run before the application is ready: a scheme without these rights has no origin of its own. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true } },
  ]);
}

export async function serveApp(folder: string): Promise<void> {
  const root = await realpath(folder);
  protocol.handle('app', (request) => answer(root, request));
}

async function answer(root: string, request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (url.origin !== consoleOrigin && url.host !== 'console') return plain(404, 'not found');
  if (request.method !== 'GET') return plain(405, 'only GET');
  const path = fileFor(root, url.pathname);
  if (path === undefined) return plain(403, 'outside of the console');
  const type = pageTypes[extname(path)];
  if (type === undefined) return plain(404, 'not found');
  try {
    // A link inside the folder could still lead out of it.
    const real = await realpath(path);
    if (!isInside(root, real)) return plain(403, 'outside of the console');
    return new Response(await readFile(real), { headers: headers(type) });
  } catch {
    return plain(404, 'not found');
  }
}

/** The file for a URL's path, or undefined where it would lie outside of `root`. */
function fileFor(root: string, pathname: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
  if (decoded.includes('\0') || decoded.includes('\\')) return undefined;
  const path = join(root, decoded === '/' ? 'index.html' : decoded);
  return isInside(root, path) ? path : undefined;
}

const isInside = (root: string, path: string): boolean => path.startsWith(root + sep);

const headers = (type: string): Record<string, string> => ({
  'Content-Type': type,
  'Content-Security-Policy': contentPolicy(),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
});

const plain = (status: number, text: string): Response =>
  new Response(text, { status, headers: headers('text/plain; charset=utf-8') });
