// One edge as its host sees it: takes its records to the handlers, and carries dispatches and answers to it.
import type { Dispatch } from '../protocol/agentWire.ts';
import type { NodeId, Token } from '../protocol/brands.ts';
import { edgeFillPercent, edgeLinkBytesMax } from '../protocol/limits.ts';
import type { LinkToEdge } from './edgeDoor.ts';
import type { AskedByEdge, FromEdge, ToldByEdge } from './edgeRecords.ts';
import type { NodeHolder, NodeHolders } from './nodeHolders.ts';
import type { HubHandlers, HubLog, HubStats, TlsMaterial } from './ports.ts';

export interface RemoteEdgeParts {
  readonly edge: number;
  readonly link: LinkToEdge;
  readonly handlers: HubHandlers;
  readonly holders: NodeHolders;
  readonly log: HubLog;
  readonly onListening: (port: number, pid: number) => void;
  readonly onStalled: (forMs: number) => void;
}

/** Nodes of a lost edge whose loss is told per turn: each is a command, and 20,000 may wait. */
const lostPerTurn = 500;

export class RemoteEdge implements NodeHolder {
  readonly #parts: RemoteEdgeParts;
  readonly #nodes = new Set<NodeId>();
  #stats: HubStats | undefined;
  #socketsMax = 0;
  /** Agents sent here that may not have joined yet; fades, since some never come. */
  #expected = 0;

  constructor(parts: RemoteEdgeParts) {
    this.#parts = parts;
  }

  get agents(): number {
    return this.#nodes.size;
  }
  get stats(): HubStats | undefined {
    return this.#stats;
  }
  get load(): number {
    return this.#nodes.size + this.#expected;
  }
  get hasRoom(): boolean {
    return this.load < (this.#socketsMax * edgeFillPercent) / 100;
  }

  expect(): void {
    this.#expected += 1;
  }
  /** Once a second: half of those that were expected have come, and are counted, or will not. */
  fade(): void {
    this.#expected = Math.floor(this.#expected / 2);
  }

  /** The edge keeps the node's outbox and its bound. */
  dispatch(nodeId: NodeId, dispatch: Dispatch): boolean {
    this.#send(['run', nodeId, dispatch]);
    return true;
  }
  stop(nodeId: NodeId, tokens: readonly Token[]): void {
    this.#send(['stop', nodeId, tokens]);
  }
  closeNode(nodeId: NodeId, reason: string): void {
    this.#send(['close', nodeId, reason]);
  }
  renewTls(material: TlsMaterial): void {
    this.#send(['tls', material]);
  }

  /** How late the host's loop runs. */
  tellLate(lateMs: number): void {
    this.#send(['late', lateMs]);
  }
  flush(): void {
    this.#parts.link.flush();
  }

  take(records: readonly FromEdge[]): void {
    for (const record of records)
      if (isQuestion(record)) this.#answer(record[1], this.#asked(record));
      else this.#told(record);
  }

  held(nodeId: NodeId): void {
    this.#nodes.add(nodeId);
  }
  released(nodeId: NodeId): void {
    this.#nodes.delete(nodeId);
  }

  /** The edge is gone: its nodes are without a line, but for those that have joined elsewhere meanwhile. */
  async lost(): Promise<void> {
    let told = 0;
    for (const nodeId of [...this.#nodes]) {
      this.#parts.holders.release(nodeId, this);
      told += 1;
      if (told % lostPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #told(record: ToldByEdge): void {
    const { handlers, holders, log, edge, onListening } = this.#parts;
    switch (record[0]) {
      case 'hb':
        if (holders.isHeldBy(record[1], this)) handlers.heartbeat(record[1], record[2]);
        break;
      case 'started':
        if (holders.isHeldBy(record[1], this)) handlers.started(record[1], record[2]);
        break;
      case 'gone':
        holders.release(record[1], this);
        break;
      case 'counts':
        this.#stats = record[1];
        break;
      case 'stalled':
        this.#parts.onStalled(record[1]);
        break;
      case 'said':
        log(record[1], record[2], { ...record[3], edge, component: 'edge' });
        break;
      case 'audit':
        handlers.audit(record[1]);
        break;
      case 'listening':
        this.#socketsMax = record[2];
        onListening(record[1], record[3]);
        break;
      case 'hello':
        break; // greeted already
    }
  }

  #asked(record: AskedByEdge): unknown {
    const { handlers, holders } = this.#parts;
    switch (record[0]) {
      case 'key':
        return handlers.nodeKey(record[2]);
      case 'token':
        return handlers.enrolmentHindrance(record[2], record[3]);
      case 'enrol':
        return handlers.enrol(record[2], record[3], record[4]);
      case 'replace':
        return handlers.replaceKey(record[2], record[3], record[4]);
      case 'join':
        holders.claim(record[2], this);
        return handlers.join(record[2], record[3]);
      case 'results':
        return handlers.results(record[2], record[3]);
      case 'check':
        return handlers.check(record[2], record[3]);
      case 'log':
        return handlers.log(record[2], record[3]);
    }
  }

  #answer(ask: number, value: unknown): void {
    if (!(value instanceof Promise)) {
      this.#send(['answer', ask, value ?? null]);
      return;
    }
    void value.then(
      (late: unknown) => {
        this.#send(['answer', ask, late ?? null]);
      },
      (error: unknown) => {
        this.#send(['threw', ask, error instanceof Error ? error.message : String(error)]);
      },
    );
  }

  #send(record: Parameters<LinkToEdge['send']>[0]): void {
    const { link } = this.#parts;
    link.send(record);
    if (link.waitingBytes > edgeLinkBytesMax) link.close(`it has not read ${edgeLinkBytesMax} bytes`);
  }
}

const questions: ReadonlySet<string> = new Set<AskedByEdge[0]>([
  'key',
  'token',
  'enrol',
  'replace',
  'join',
  'results',
  'check',
  'log',
]);
const isQuestion = (record: FromEdge): record is AskedByEdge => questions.has(record[0]);
