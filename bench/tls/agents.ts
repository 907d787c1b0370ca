// Child process of the tls bench: all of its agents, which join and come back. Says what it used.
import { memoryCredentials } from '../../agent/credentials.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { memoryTrust } from '../../agent/trust.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { used, type Used } from './used.ts';

export interface AgentsStart {
  readonly hub: string;
  readonly pin?: string;
  readonly count: number;
  readonly joinsPerS: number;
}
export type ToAgents = { readonly kind: 'start' } | { readonly kind: 'use' };
export interface FromAgents {
  readonly kind: 'used';
  readonly used: Used;
}

const startEveryMs = 10;
const { hub, pin, count, joinsPerS } = JSON.parse(process.argv[2] ?? '') as AgentsStart;
const spec = decode(
  nodeSpecSchema,
  { resources: { cpu: 4_000, memory: 8_192 }, kinds: ['simulated'], agentVersion: 'bench' },
  'node',
);
if (!spec.ok) throw new Error(spec.reason.message);
const nodeSpec = spec.value;
const trust = pin === undefined ? undefined : memoryTrust(pin);
const agents: VirtualAgent[] = [];

function add(): void {
  const agent = new VirtualAgent({
    url: hub,
    nodeId: nodeId(`bench-${String(agents.length)}`),
    credentials: memoryCredentials('token'),
    spec: nodeSpec,
    trust,
    // At once: their places at the hub are what spreads them.
    retry: { minMs: 10, maxMs: 100, slowMs: 100 },
  });
  agents.push(agent);
  void agent.start();
}

process.on('message', ({ kind }: ToAgents) => {
  if (kind === 'use') process.send?.({ kind: 'used', used: used() } satisfies FromAgents);
  if (kind !== 'start') return;
  const startedMs = performance.now();
  const starting = setInterval(() => {
    const due = Math.min(count, ((performance.now() - startedMs) * joinsPerS) / 1_000);
    while (agents.length < due) add();
    if (agents.length >= count) clearInterval(starting);
  }, startEveryMs);
});
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'used', used: used() } satisfies FromAgents);
