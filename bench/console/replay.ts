// Stands between the browser and the hub: passes everything on, remembers the newest fleet frame as it came over the
// wire, and can send it again as fast as the window takes it. Eight hours of frames then pass in a minute.
import { createServer, connect, type Socket } from 'node:net';

/** A Socket.IO message with binary parts is a text frame of WebSocket, then one binary frame per part. */
interface Recorded {
  readonly frames: readonly Buffer[];
}
export interface Replay {
  readonly url: string;
  readonly hasFrame: () => boolean;
  /** Sends the remembered frame once more. */
  readonly again: () => void;
  readonly close: () => void;
}

export async function startReplay(hubUrl: string): Promise<Replay> {
  const hub = new URL(hubUrl);
  let newest: Recorded | undefined;
  let live: Socket | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((browser) => {
    const upstream = connect(Number(hub.port), hub.hostname);
    for (const socket of [browser, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    const watchFrames = createFrameWatch((recorded) => {
      newest = recorded;
      live = browser;
    });
    browser.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      browser.write(chunk);
      watchFrames(chunk);
    });
    upstream.on('close', () => browser.destroy());
    browser.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    hasFrame: () => newest !== undefined,
    again: () => {
      // Between whole frames only: what the hub sends is written whole as long as it arrives whole, as on loopback.
      for (const frame of newest?.frames ?? []) live?.write(frame);
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const upgradeEnd = '\r\n\r\n';

/** Reads the frames that a server sends (never masked), and gives each fleet frame with its binary parts. */
function createFrameWatch(found: (recorded: Recorded) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isUpgraded = false;
  let open: { frames: Buffer[]; partsLeft: number } | undefined;

  function take(frame: WholeFrame): void {
    if (frame.isText) {
      // `45N-/console,[...]`: an event with N binary parts.
      const parts = /^45(\d+)-/.exec(frame.text)?.[1];
      const isFleet = parts !== undefined && frame.text.includes('"push":"fleet"');
      open = isFleet ? { frames: [frame.bytes], partsLeft: Number(parts) } : undefined;
      return;
    }
    if (!open) return;
    open.frames.push(frame.bytes);
    open.partsLeft -= 1;
    if (open.partsLeft > 0) return;
    found({ frames: open.frames });
    open = undefined;
  }
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    if (!isUpgraded) {
      const end = rest.indexOf(upgradeEnd);
      if (end < 0 || !rest.subarray(0, end).includes('101 Switching')) {
        rest = Buffer.alloc(0);
        return;
      }
      isUpgraded = true;
      rest = rest.subarray(end + upgradeEnd.length);
    }
    for (let frame = firstFrame(rest); frame; frame = firstFrame(rest)) {
      rest = rest.subarray(frame.bytes.length);
      take(frame);
    }
  };
}

interface WholeFrame {
  readonly bytes: Buffer;
  readonly isText: boolean;
  readonly text: string;
}
function firstFrame(buffer: Buffer): WholeFrame | undefined {
  if (buffer.length < 2) return undefined;
  const short = (buffer[1] ?? 0) & 0x7f;
  const headLength = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (buffer.length < headLength) return undefined;
  const length = lengthOf(buffer, short);
  if (buffer.length < headLength + length) return undefined;
  const bytes = Buffer.from(buffer.subarray(0, headLength + length));
  const isText = ((bytes[0] ?? 0) & 0x0f) === 1;
  return { bytes, isText, text: isText ? bytes.subarray(headLength).toString('utf8') : '' };
}

function lengthOf(buffer: Buffer, short: number): number {
  if (short < 126) return short;
  return short === 126 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2));
}
