// Child process of the drain bench: virtual agents on the real wire that keep their results in ledgers while their hub is
// away. It counts what began and what still runs.
import { join } from 'node:path';
import { memoryCredentials } from '../../agent/credentials.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';

export interface AgentsAsk {
  readonly hub: string;
  readonly token: string;
  readonly agents: number;
  readonly slots: number;
  readonly ledgers: string;
}
export interface AgentCounts {
  readonly joined: number;
  /** Dispatches that arrived, repeated ones too. */
  readonly begun: number;
  readonly running: number;
  /** When the first agent was welcomed since joins were forgotten, and the last one; ms since 1970. */
  readonly firstJoinAtMs: number;
  readonly lastJoinAtMs: number;
}

const startEveryMs = 50;
const startsPerTick = 25;

const ask = JSON.parse(process.argv[2] ?? '{}') as AgentsAsk;
const spec = decode(
  nodeSpecSchema,
  {
    resources: { cpu: 64_000, memory: 65_536, slots: ask.slots },
    kinds: ['simulated'],
    agentVersion: 'bench',
  },
  'node',
);
if (!spec.ok) throw new Error(spec.reason.message);
const nodeSpec = spec.value;
const joins = { firstAtMs: 0, lastAtMs: 0 };
let begun = 0;

const agents = Array.from({ length: ask.agents }, (_, at) => {
  const name = `drain-${String(at).padStart(4, '0')}`;
  return new VirtualAgent({
    url: ask.hub,
    nodeId: nodeId(name),
    credentials: memoryCredentials(ask.token),
    spec: nodeSpec,
    ledgerFile: join(ask.ledgers, `${name}.ndjson`),
    onDispatch: () => {
      begun += 1;
    },
    onJoined: () => {
      joins.lastAtMs = Date.now();
      if (joins.firstAtMs === 0) joins.firstAtMs = joins.lastAtMs;
    },
  });
});

let started = 0;
const starting = setInterval(() => {
  for (const agent of agents.slice(started, started + startsPerTick)) void agent.start();
  started += startsPerTick;
  if (started >= agents.length) clearInterval(starting);
}, startEveryMs);

process.on('message', (message: 'count' | 'forget joins') => {
  if (message === 'forget joins') joins.firstAtMs = 0;
  const counts: AgentCounts = {
    joined: agents.filter(({ connection }) => connection.isJoined).length,
    begun,
    running: agents.reduce((sum, { runningCount }) => sum + runningCount, 0),
    firstJoinAtMs: joins.firstAtMs,
    lastJoinAtMs: joins.lastAtMs,
  };
  process.send?.(counts);
});
process.on('disconnect', () => process.exit(0));
