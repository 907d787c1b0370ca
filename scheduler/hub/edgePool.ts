// How many processes hold agents' sockets, and which of them an agent is sent to. Together with the first port they are
// one hub: a small plant's is the first port alone.
import type { Dispatch } from '../protocol/agentWire.ts';
import type { NodeId, Token } from '../protocol/brands.ts';
import * as limits from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal } from '../protocol/outcome.ts';
import { plantTiming } from '../protocol/timing.ts';
import { edgesFor } from './edgeCount.ts';
import { type EdgeDoor, openEdgeDoor } from './edgeDoor.ts';
import { allFull, noEdgeYet } from './edgeRefusals.ts';
import type { EdgeSetup } from './edgeRecords.ts';
import { EdgeSlot } from './edgeSlot.ts';
import { readFileLimit } from './fileLimit.ts';
import { openHub } from './hub.ts';
import { addStats } from './hubStats.ts';
import { holderOf, NodeHolders } from './nodeHolders.ts';
import { paceEveryMs, tellLateMs } from './joinRoom.ts';
import type {
  EdgeCounts,
  EdgeHub,
  EdgeLoss,
  EdgeRunner,
  EdgeStats,
  Hub,
  HubHandlers,
  HubOptions,
  HubStats,
  TlsMaterial,
} from './ports.ts';
import type { RemoteEdge } from './remoteEdge.ts';

interface PoolOptions extends HubOptions {
  readonly runner: EdgeRunner;
  /** This host's own: the link's socket lies there. */
  readonly folder: string;
  /** `auto`: as the number of agents asks for. */
  readonly edges: number | 'auto';
  /** Nodes that are to be held, as far as it is known. */
  readonly nodesExpected: number;
  readonly onEdgeLost: (loss: EdgeLoss) => void;
  readonly onEdgeListening: (edge: number) => void;
  readonly onEdgeStalled: () => void;
}

const checkEveryMs = 1_000;

/** Refuses as `openHub` does. Edges start while the hub takes its first callers. */
export async function openEdgeHub(options: PoolOptions): Promise<Outcome<EdgeHub, Refusal>> {
  const pool = new EdgePool(options);
  const opened = await openHub({ ...options, handlers: pool.handlers, direct: () => pool.direct() });
  if (!opened.ok) return opened;
  await pool.open(opened.value);
  return accepted(pool);
}

class EdgePool implements EdgeHub {
  readonly handlers: HubHandlers;
  readonly #options: PoolOptions;
  readonly #fileLimit: number;
  readonly #holders: NodeHolders;
  readonly #slots: EdgeSlot[] = [];
  #front: Hub | undefined;
  #door: EdgeDoor | undefined;
  #timers: readonly NodeJS.Timeout[] = [];
  #ends = 0;
  #tls: TlsMaterial | undefined;
  #isClosing = false;

  constructor(options: PoolOptions) {
    const { handlers, fileLimit = readFileLimit() } = options;
    this.#options = options;
    this.#tls = options.tls;
    this.#fileLimit = fileLimit;
    this.#holders = new NodeHolders(handlers.disconnected);
    const own = holderOf(() => this.#front);
    this.handlers = {
      ...handlers,
      join: (nodeId, join) => {
        this.#holders.claim(nodeId, own);
        return handlers.join(nodeId, join);
      },
      disconnected: (nodeId) => {
        this.#holders.release(nodeId, own);
      },
    };
  }

  async open(front: Hub): Promise<void> {
    this.#front = front;
    const { edges, nodesExpected } = this.#options;
    const wanted = edges === 'auto' ? edgesFor(nodesExpected, this.#fileLimit) : edges;
    await this.#growTo(wanted);
    this.#timers = [
      setInterval(() => void this.#check(), checkEveryMs),
      setInterval(this.#tellLate, paceEveryMs),
    ];
  }

  get address(): string {
    return this.#front?.address ?? '';
  }

  /** Where an agent that comes to the first port should go; nothing: it stays with the host's own process. */
  direct(): Refusal | undefined {
    if (this.#slots.length === 0) return undefined;
    const withRoom = this.#slots.filter(({ isListening, remote }) => isListening && remote?.hasRoom);
    const [first, ...others] = withRoom;
    if (!first) return this.#isAllFull() ? allFull(this.#slots.length) : noEdgeYet;
    const best = others.reduce((least, slot) => (loadOf(slot) < loadOf(least) ? slot : least), first);
    best.remote?.expect();
    return refusal('moved', `agents of this plant connect to port ${best.port}`, { port: best.port });
  }

  dispatch(nodeId: NodeId, dispatch: Dispatch): boolean {
    return this.#holders.of(nodeId)?.dispatch(nodeId, dispatch) ?? false;
  }

  stop(nodeId: NodeId, tokens: readonly Token[]): void {
    this.#holders.of(nodeId)?.stop(nodeId, tokens);
  }

  isConnected(nodeId: NodeId): boolean {
    return this.#holders.of(nodeId) !== undefined;
  }

  flush(): void {
    this.#front?.flush();
    for (const { remote } of this.#slots) remote?.flush();
  }

  closeNode(nodeId: NodeId, reason: string): void {
    const holder = this.#holders.of(nodeId);
    if (!holder) return;
    this.#holders.release(nodeId, holder);
    holder.closeNode(nodeId, reason);
  }

  /** Edges that start later, or again, are given the newest with their setup. */
  renewTls(material: TlsMaterial): void {
    this.#tls = material;
    this.#front?.renewTls(material);
    for (const remote of this.#remotes()) remote.renewTls(material);
  }

  get lateMs(): number {
    return this.#front?.lateMs ?? 0;
  }

  stats(): HubStats {
    const front = this.#front?.stats();
    if (!front) throw new Error('the hub is not open yet');
    const hasEdges = this.#slots.length > 0;
    const own = hasEdges ? { ...front, joinsPerSecond: 0 } : front;
    const edges = this.#slots.map(({ stats }) => stats);
    const agents = this.#remotes().reduce((sum, remote) => sum + remote.agents, front.agents);
    const isFull = hasEdges ? this.#isAllFull() : front.isFull;
    return { ...addStats(own, edges), agents, isFull };
  }

  edges(): EdgeCounts {
    const counts = { recordsOut: 0, framesOut: 0, waitingBytes: 0, waitingBytesMost: 0 };
    for (const { sent } of this.#slots) {
      counts.recordsOut += sent.records;
      counts.framesOut += sent.frames;
      counts.waitingBytes += sent.waitingBytes;
      counts.waitingBytesMost = Math.max(counts.waitingBytesMost, sent.waitingBytes);
    }
    const listening = this.#slots.filter(({ isListening }) => isListening).length;
    return { wanted: this.#slots.length, listening, ends: this.#ends, ...counts };
  }

  eachEdge(): readonly EdgeStats[] {
    return this.#slots.map(({ counts }) => counts);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    for (const timer of this.#timers) clearInterval(timer);
    const ended = this.#slots.map((slot) => slot.end());
    await this.#front?.close();
    await Promise.all(ended);
    this.#door?.close();
  }

  /** A host in time says nothing: at rest nobody is woken for it. */
  readonly #tellLate = (): void => {
    if (this.lateMs < tellLateMs) return;
    for (const remote of this.#remotes()) remote.tellLate(Math.round(this.lateMs));
  };

  #remotes(): RemoteEdge[] {
    return this.#slots.flatMap(({ remote }) => remote ?? []);
  }

  /** Every edge that may be is there, and none has room. */
  #isAllFull(): boolean {
    const { edges } = this.#options;
    const most = edges === 'auto' ? limits.edgesMax : edges;
    const remotes = this.#remotes();
    return remotes.length >= most && remotes.every(({ hasRoom }) => !hasRoom);
  }

  /** One more where the host's own process fills up, or where its edges do. */
  async #check(): Promise<void> {
    const remotes = this.#remotes();
    for (const remote of remotes) remote.fade();
    const isStarting = this.#slots.some(({ isListening }) => !isListening);
    if (this.#options.edges !== 'auto' || isStarting) return;
    const isTight = remotes.length > 0 && remotes.every(({ hasRoom }) => !hasRoom);
    const wanted = edgesFor(this.stats().agents, this.#fileLimit);
    await this.#growTo(Math.max(wanted, this.#slots.length + (isTight ? 1 : 0)));
  }

  async #growTo(count: number): Promise<void> {
    if (count <= this.#slots.length) return;
    const { handlers, log, clock, runner, onEdgeLost, onEdgeListening, onEdgeStalled } = this.#options;
    this.#door ??= await openEdgeDoor(this.#options.folder, (edge, link) => this.#slots[edge]?.greet(link));
    while (this.#slots.length < Math.min(count, limits.edgesMax) && !this.#isClosing) {
      const edge = this.#slots.length;
      const slot = new EdgeSlot(edge, this.#portOf(edge), {
        ...{ handlers, log, clock, runner, holders: this.#holders },
        setupOf: (_edge, port) => this.#setupOf(edge, port, count),
        onListening: onEdgeListening,
        onStalled: onEdgeStalled,
        onLost: (loss) => {
          this.#ends += 1;
          onEdgeLost(loss);
        },
      });
      this.#slots.push(slot);
      slot.start();
    }
  }

  #setupOf(edge: number, port: number, count: number): EdgeSetup {
    const { listen, timing = plantTiming, returning = 0, connectionsPerAddress } = this.#options;
    if (!this.#door) throw new Error('an edge is started before its door is open');
    const { path: link, secret } = this.#door;
    const share = { joinShare: 1 / count, returning, connectionsPerAddress };
    return { link, secret, edge, listen, port, timing, ...share, ...(this.#tls && { tls: this.#tls }) };
  }

  /** Next to the first port, so that agents find it again after a restart; any free one where that was one. */
  #portOf(edge: number): number {
    const next = this.#options.port + 1 + edge;
    return this.#options.port === 0 || next > 65_535 ? 0 : next;
  }
}

const loadOf = ({ remote }: EdgeSlot): number => remote?.load ?? Number.POSITIVE_INFINITY;
