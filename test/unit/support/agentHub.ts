// A small hub on a real Socket.IO server for agent tests: checks every message against the contract and keeps it.
import { createPublicKey, verify } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Namespace, Server, type Socket } from 'socket.io';
import * as v from 'valibot';
import {
  agentAuthSchema,
  agentNamespace,
  checkSchema,
  type Dispatch,
  heartbeatSchema,
  joinSchema,
  type Join,
  type LogChunk,
  logSchema,
  resultsSchema,
  rotateSchema,
  startedSchema,
} from '../../../scheduler/protocol/agentWire.ts';
import { epoch, taskId, type Token, token } from '../../../scheduler/protocol/brands.ts';
import { joinText, rotateText } from '../../../scheduler/protocol/nodeProof.ts';
import type { CommandWork } from '../../../scheduler/protocol/work.ts';

export type Result = v.InferOutput<typeof resultsSchema>[number];
export const enrolToken = 'T-secret-of-the-plant';

export class AgentHub {
  readonly #http = createServer();
  readonly #io: Server;
  readonly #agents: Namespace;
  readonly joins: Join[] = [];
  readonly auths: v.InferOutput<typeof agentAuthSchema>[] = [];
  readonly heartbeats: v.InferOutput<typeof heartbeatSchema>[] = [];
  readonly started: Token[] = [];
  /** Every result as it arrived, repeats included. */
  readonly results: Result[] = [];
  readonly logs: LogChunk[] = [];
  /** Results that were there when the first piece of output came. */
  resultsAtFirstLog: number | undefined;
  /** Messages that broke the contract. */
  readonly faults: string[] = [];
  /** By node: the public key. */
  readonly nodeKeys = new Map<string, string>();
  /** Joins that proved nothing. */
  readonly unproven: string[] = [];
  /** Whether a new key is taken; told or not, it counts from then on. */
  onRotate: 'answer' | 'silent' | 'ignore' = 'answer';
  ackResults = true;
  ackLogs = true;
  epoch = 1;
  heartbeatMs = 50;
  attemptLeaseMs = 1_000;
  /** Answers `check`: the tokens that are the node's. Undefined: it does not answer. */
  mine: ((asked: readonly Token[]) => readonly Token[]) | undefined = (asked) => asked;
  revoked: number[] = [];
  refuseWith: { code: string; message: string } | undefined;
  socket: Socket | undefined;

  constructor() {
    this.#io = new Server(this.#http, {
      transports: ['websocket'],
      serveClient: false,
      maxHttpBufferSize: 256 * 1024,
    });
    this.#agents = this.#io.of(agentNamespace);
    this.#agents.use((socket, next) => {
      const code = this.refuseWith?.code ?? this.#refusalOf(socket.handshake.auth);
      if (code === undefined) next();
      else
        next(
          Object.assign(new Error('refused'), { data: this.refuseWith ?? { code, message: `no: ${code}` } }),
        );
    });
    this.#agents.on('connection', (socket) => {
      this.#serve(socket);
    });
  }

  /** `port` 0: any free one; another: where an earlier hub was. */
  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#http.listen(port, '127.0.0.1', resolve));
    return this;
  }
  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }
  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }
  async close(): Promise<void> {
    await this.#io.close();
  }
  /** Cuts the line, as a switch would. */
  cut(): void {
    this.socket?.conn.close();
  }
  send(event: string, message: unknown): void {
    this.socket?.emit(event, message);
  }
  resultOf(of: number): Result | undefined {
    return this.results.find((result) => result.token === of);
  }
  textOf(of: number, stream: 'stdout' | 'stderr'): string {
    const pieces = new Map<number, LogChunk>();
    for (const chunk of this.logs)
      if (chunk.token === of && chunk.stream === stream) pieces.set(chunk.offset, chunk);
    return [...pieces.values()]
      .sort((a, b) => a.offset - b.offset)
      .map(({ text }) => text)
      .join('');
  }

  #refusalOf(input: unknown): string | undefined {
    const auth = v.parse(agentAuthSchema, input);
    this.auths.push(auth);
    if (this.nodeKeys.has(auth.nodeId)) return undefined;
    if (auth.enrolToken === undefined) return 'node_revoked';
    return auth.enrolToken === enrolToken ? undefined : 'wrong_token';
  }

  #serve(socket: Socket): void {
    this.socket = socket;
    const auth = v.parse(agentAuthSchema, socket.handshake.auth);
    this.#on(socket, 'join', joinSchema, (join) => {
      this.joins.push(join);
      const publicKey = this.nodeKeys.get(auth.nodeId) ?? auth.publicKey;
      const text = joinText(auth.nodeId, socket.id, join);
      if (!join.proofs.some((proof) => isSigned(publicKey, text, proof))) {
        this.unproven.push(auth.nodeId);
        socket.emit('refused', { code: 'wrong_key', message: 'no: wrong_key' });
        socket.disconnect(true);
        return;
      }
      this.nodeKeys.set(auth.nodeId, publicKey);
      socket.emit('welcome', {
        epoch: this.epoch,
        heartbeatMs: this.heartbeatMs,
        attemptLeaseMs: this.attemptLeaseMs,
        returnAfterMs: 0,
        revoked: this.revoked,
        publicKey,
      });
    });
    this.#on(socket, 'hb', heartbeatSchema, (frame) => this.heartbeats.push(frame));
    this.#on(socket, 'started', startedSchema, (tokens) => this.started.push(...tokens));
    this.#on(socket, 'results', resultsSchema, (results) => {
      this.results.push(...results);
      if (this.ackResults)
        socket.emit(
          'resultsAck',
          results.map((result) => result.token),
        );
    });
    this.#on(socket, 'rotate', rotateSchema, ({ publicKey, proofs }) => {
      const before = this.nodeKeys.get(auth.nodeId) ?? '';
      const text = rotateText(auth.nodeId, socket.id, publicKey);
      if (!isSigned(before, text, proofs[0]) || !isSigned(publicKey, text, proofs[1]))
        this.faults.push('rotate: a signature is wrong');
      if (this.onRotate === 'ignore') return;
      this.nodeKeys.set(auth.nodeId, publicKey);
      if (this.onRotate === 'answer') socket.emit('rotated', { publicKey });
    });
    this.#on(socket, 'check', checkSchema, (asked) => {
      if (this.mine) socket.emit('checked', { asked, mine: this.mine(asked) });
    });
    this.#on(socket, 'log', logSchema, (chunk) => {
      this.resultsAtFirstLog ??= this.results.length;
      this.logs.push(chunk);
      const { token: of, stream, offset, bytes } = chunk;
      if (this.ackLogs) socket.emit('logAck', { token: of, stream, offset: offset + bytes });
    });
  }

  #on<Schema extends v.GenericSchema>(
    socket: Socket,
    event: string,
    schema: Schema,
    take: (message: v.InferOutput<Schema>) => void,
  ): void {
    socket.on(event, (message: unknown) => {
      const read = v.safeParse(schema, message);
      if (read.success) take(read.output);
      else this.faults.push(`${event}: ${read.issues[0].message}`);
    });
  }
}

function isSigned(publicKey: string, text: string, proof: string): boolean {
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
  return verify(null, Buffer.from(text), key, Buffer.from(proof, 'base64url'));
}

let lastToken = 1_000;
/** A dispatch of a command, with the rest filled in. */
export function commandDispatch(work: Partial<CommandWork>, more: Partial<Dispatch> = {}): Dispatch {
  lastToken += 1;
  return {
    token: token(lastToken),
    taskId: taskId(lastToken + 50_000),
    attempt: 1,
    epoch: epoch(1),
    work: { kind: 'command', argv: ['true'], shell: false, env: {}, ...work },
    timeoutMs: 20_000,
    graceMs: 300,
    cpu: 100,
    memory: 64,
    gpuMask: 0,
    ...more,
  };
}

/** Waits for a condition, not for a time. */
export async function until(condition: () => boolean, what: string, deadlineMs = 8_000): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${String(deadlineMs)} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
