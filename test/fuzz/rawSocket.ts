// A WebSocket client that keeps no rule: it writes whatever bytes it is given, and hands over what comes back.
import { connect, type Socket } from 'node:net';

export interface Frame {
  readonly opcode?: number;
  readonly isFinal?: boolean;
  readonly isMasked?: boolean;
  /** Reserved bits, 0 to 7. */
  readonly reserved?: number;
  /** Said instead of the true length. */
  readonly length?: number;
}

export function frameOf(payload: Buffer, frame: Frame = {}): Buffer {
  const { opcode = 1, isFinal = true, isMasked = true, reserved = 0, length = payload.length } = frame;
  const head = Buffer.alloc(10);
  head[0] = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  const mask = isMasked ? 0x80 : 0;
  let size = 2;
  if (length < 126) head[1] = mask | length;
  else if (length < 65_536) {
    head[1] = mask | 126;
    head.writeUInt16BE(length, 2);
    size = 4;
  } else {
    head[1] = mask | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
    size = 10;
  }
  // A mask of zeros is a mask: the payload stays as it is.
  return Buffer.concat([head.subarray(0, size), isMasked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}

export class RawSocket {
  readonly #socket: Socket;
  readonly closed: Promise<void>;
  readonly texts: string[] = [];
  /** As Socket.IO calls it in the namespace it entered: what proofs are bound to. */
  id = '';
  #rest: Buffer = Buffer.alloc(0);
  #isUpgraded = false;
  isClosed = false;
  #wake = (): void => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      this.#read();
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  /** `from`: an address of this machine, by which the host tells who it was. */
  static async open(
    address: string,
    path = '/socket.io/?EIO=4&transport=websocket',
    from = '127.0.0.1',
  ): Promise<RawSocket> {
    const { hostname, port } = new URL(address);
    const socket = connect({ port: Number(port), host: hostname, localAddress: from });
    const raw = new RawSocket(socket);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await raw.until((text) => text.startsWith('0{'));
    return raw;
  }

  /** Into the namespace; the answer tells whether it was let in. */
  async enter(namespace: string, auth: unknown): Promise<string> {
    this.text(`40${namespace},${JSON.stringify(auth)}`);
    const answer = await this.until(
      (text) => text.startsWith(`40${namespace}`) || text.startsWith(`44${namespace}`),
    );
    this.id = /"sid":"([^"]+)"/.exec(answer)?.[1] ?? '';
    return answer;
  }
  text(text: string | Buffer): void {
    this.bytes(frameOf(Buffer.isBuffer(text) ? text : Buffer.from(text)));
  }
  bytes(bytes: Buffer): void {
    if (!this.isClosed) this.#socket.write(bytes);
  }
  /** The first text, past or coming, that is as asked; empty where the connection ends before. */
  async until(isIt: (text: string) => boolean, forMs = 10_000): Promise<string> {
    const untilMs = performance.now() + forMs;
    for (;;) {
      const at = this.texts.findIndex(isIt);
      if (at >= 0) return this.texts.splice(0, at + 1).at(-1) ?? '';
      if (this.isClosed) return '';
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) throw new Error('no answer within its time');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
  async close(): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }

  #read(): void {
    if (!this.#isUpgraded) {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#isUpgraded = true;
      this.#rest = this.#rest.subarray(end + 4);
    }
    for (let end = frameEnd(this.#rest); end !== undefined; end = frameEnd(this.#rest)) {
      const payload = this.#rest.subarray(end.head, end.whole);
      const isText = ((this.#rest[0] ?? 0) & 0x0f) === 1;
      this.#rest = this.#rest.subarray(end.whole);
      if (!isText) continue;
      const text = payload.toString();
      if (text === '2') this.text('3');
      else this.texts.push(text);
    }
    this.#wake();
  }
}

/** Where the first frame's payload begins and ends; nothing where it is not there yet. A server masks none. */
function frameEnd(bytes: Buffer): { readonly head: number; readonly whole: number } | undefined {
  const short = (bytes[1] ?? 0) & 0x7f;
  const head = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < head) return undefined;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  return bytes.length < head + length ? undefined : { head, whole: head + length };
}
