// Child process of the failures bench: virtual nodes on the real wire that lose their power at random, some without a
// sign, and come back with their ledger. It counts what ran, what was cut off, and what ran to its end twice.
import { join } from 'node:path';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { type Credentials, memoryCredentials } from '../../agent/credentials.ts';
import { type NodeId, nodeId } from '../../scheduler/protocol/brands.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';

export interface NodesAsk {
  readonly hub: string;
  readonly token: string;
  readonly nodes: number;
  readonly tasks: number;
  readonly killsPerS: number;
  /** Where each node keeps its ledger over its lives, as a real one does. */
  readonly ledgers: string;
}
export interface NodeCounts {
  readonly joined: number;
  readonly kills: number;
  readonly silentKills: number;
  /** Attempts that were under way on a node when it was killed. */
  readonly cutOff: number;
  /** Attempts begun. */
  readonly begun: number;
  /** Tasks that ran to their end more than once. */
  readonly duplicateRuns: number;
}

/** Back after this, at random: some before the node's lease ends, some after that of its attempts. */
const awayMs = { least: 1_000, most: 25_000 };
const silentShare = 0.5;
const killTickMs = 100;
/** A join storm of all nodes at once is another bench. */
const joinsPerTick = 25;
const joinTickMs = 50;

const ask = JSON.parse(process.argv[2] ?? '{}') as NodesAsk;
const counts = { kills: 0, silentKills: 0, cutOff: 0, begun: 0 };
/** By task id: runs that were not cut off. */
const runs = new Uint8Array(ask.tasks + 1);

const spec = decode(
  nodeSpecSchema,
  { resources: { cpu: 64_000, memory: 65_536, slots: 8 }, kinds: ['simulated'], agentVersion: 'bench' },
  'node',
);
if (!spec.ok) throw new Error(spec.reason.message);
const nodeSpec = spec.value;

class Node {
  readonly #nodeId: NodeId;
  readonly #credentials: Credentials;
  #agent: VirtualAgent | undefined;
  /** By token: what runs, and until when. */
  readonly #running = new Map<number, { readonly taskId: number; readonly untilMs: number }>();

  constructor(at: number) {
    this.#nodeId = nodeId(`node-${at}`);
    this.#credentials = memoryCredentials(ask.token);
  }

  get isJoined(): boolean {
    return this.#agent?.connection.isJoined ?? false;
  }

  powerOn(): void {
    this.#agent = new VirtualAgent({
      url: ask.hub,
      nodeId: this.#nodeId,
      credentials: this.#credentials,
      spec: nodeSpec,
      ledgerFile: join(ask.ledgers, `${this.#nodeId}.ndjson`),
      course: (work, { token, taskId }) => {
        this.#begin(token, taskId, work.runMs);
        return work;
      },
    });
    void this.#agent.start();
  }

  kill(isSilent: boolean): void {
    const agent = this.#agent;
    if (!agent) return;
    this.#agent = undefined;
    this.#cutOff();
    const backInMs = awayMs.least + Math.random() * (awayMs.most - awayMs.least);
    if (isSilent) agent.fallSilent();
    else void agent.stop();
    setTimeout(() => {
      // The old connection of a node that fell silent ends when it starts again, as with a real one.
      if (isSilent) void agent.stop();
      setImmediate(() => {
        this.powerOn();
      });
    }, backInMs);
  }

  #begin(token: number, taskId: number, runMs: number): void {
    const nowMs = performance.now();
    for (const [old, { untilMs }] of this.#running) if (untilMs <= nowMs) this.#running.delete(old);
    this.#running.set(token, { taskId, untilMs: nowMs + runMs });
    counts.begun += 1;
    runs[taskId] = (runs[taskId] ?? 0) + 1;
  }

  #cutOff(): void {
    const nowMs = performance.now();
    for (const { taskId, untilMs } of this.#running.values()) {
      if (untilMs <= nowMs) continue;
      counts.cutOff += 1;
      runs[taskId] = (runs[taskId] ?? 1) - 1;
    }
    this.#running.clear();
  }
}

const nodes = Array.from({ length: ask.nodes }, (_, at) => new Node(at));
let started = 0;
const joining = setInterval(() => {
  for (const node of nodes.slice(started, started + joinsPerTick)) node.powerOn();
  started += joinsPerTick;
  if (started >= nodes.length) clearInterval(joining);
}, joinTickMs);

let killing: NodeJS.Timeout | undefined;

function beginKilling(): void {
  let due = 0;
  killing = setInterval(() => {
    due += (ask.killsPerS * killTickMs) / 1_000;
    for (; due >= 1; due -= 1) killOne();
  }, killTickMs);
}

function killOne(): void {
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  if (node?.isJoined !== true) return;
  const isSilent = Math.random() < silentShare;
  node.kill(isSilent);
  counts.kills += 1;
  if (isSilent) counts.silentKills += 1;
}

function tell(): void {
  const told: NodeCounts = {
    ...counts,
    joined: nodes.filter(({ isJoined }) => isJoined).length,
    duplicateRuns: runs.reduce((sum, count) => sum + (count > 1 ? 1 : 0), 0),
  };
  process.send?.(told);
}

process.on('message', (message: 'kill' | 'spare' | 'count') => {
  if (message === 'kill') beginKilling();
  if (message === 'spare') clearInterval(killing);
  if (message === 'count') tell();
});
process.on('disconnect', () => process.exit(0));
