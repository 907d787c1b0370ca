// The local socket at which edges report to their host: a path only this user can reach, and a secret of this start.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FromEdge, ToEdge } from './edgeRecords.ts';
import { newSecret } from './secrets.ts';
import { RecordLink } from './recordLink.ts';

export type LinkToEdge = RecordLink<FromEdge, ToEdge>;

export interface EdgeVisitor {
  readonly onRecords: (records: readonly FromEdge[]) => void;
  readonly onClosed: (reason: string) => void;
}

export interface EdgeDoor {
  readonly path: string;
  readonly secret: string;
  readonly close: () => void;
}

/** Who connects and says nothing is let go. */
const helloWithinMs = 5_000;

/** Paths of local sockets are at most 103 to 107 bytes long, by system. */
const pathBytesMax = 100;

/** `onEdge` returns who takes the link, or nothing where no such edge is awaited. `folder`: this host's own. */
export function openEdgeDoor(
  folder: string,
  onEdge: (edge: number, link: LinkToEdge) => EdgeVisitor | undefined,
): Promise<EdgeDoor> {
  const secret = newSecret();
  const path = pathIn(folder);
  const server = createServer((socket) => {
    greet(socket, secret, onEdge);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      resolve({
        path,
        secret,
        close: () => {
          server.close();
          if (process.platform !== 'win32') rmSync(path, { force: true });
        },
      });
    });
  });
}

/** What a host that was killed left behind is taken away: it is alone in its folder. */
function pathIn(folder: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\millrace-${randomBytes(16).toString('hex')}`;
  const path = join(folder, 'edges.sock');
  if (Buffer.byteLength(path) > pathBytesMax) return join(mkdtempSync(join(tmpdir(), 'millrace-')), 'edges');
  rmSync(path, { force: true });
  return path;
}

function greet(
  socket: Socket,
  secret: string,
  onEdge: (edge: number, link: LinkToEdge) => EdgeVisitor | undefined,
): void {
  let visitor: EdgeVisitor | undefined;
  const timer = setTimeout(() => {
    link.close('it said nothing');
  }, helloWithinMs);
  const link: LinkToEdge = new RecordLink<FromEdge, ToEdge>(socket, {
    onRecords: (records) => {
      if (visitor) {
        visitor.onRecords(records);
        return;
      }
      clearTimeout(timer);
      const [first, ...more] = records;
      if (first?.[0] === 'hello' && first[1] === secret) visitor = onEdge(first[2], link);
      if (visitor) visitor.onRecords(more);
      else link.close('no such edge is awaited');
    },
    onClosed: (reason) => {
      clearTimeout(timer);
      visitor?.onClosed(reason);
    },
  });
}
