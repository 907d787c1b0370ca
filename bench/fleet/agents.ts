// Child process of the fleet bench: some of its agents, real ones on the wire whose attempts are pretended, and one bare
// WebSocket that stands for all of them. Notes when each dispatch handler is entered; the parent asks for the notes.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { memoryCredentials } from '../../agent/credentials.ts';
import { addressesFor } from '../../agent/fleet/fleet.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { memoryTrust } from '../../agent/trust.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';

/** What the parent asks a child to do. */
export interface AgentsStart {
  readonly hub: string;
  /** Of the plant's authority, where the hub speaks TLS. */
  readonly pin?: string | undefined;
  readonly token: string;
  readonly echo: string;
  readonly first: number;
  readonly count: number;
  readonly joinsPerS: number;
}
export type FromAgents =
  | {
      readonly kind: 'joined';
      readonly joined: number;
      readonly joins: number;
      /** How late this process runs its timers: agents that are starved say nothing about a host. */
      readonly lateMs: number;
      readonly cpuS: number;
    }
  | { readonly kind: 'entered'; readonly tasks: readonly Entry[]; readonly echoes: readonly Entry[] };
/** Task or echo number, and when, monotonic, in nanoseconds. */
export type Entry = readonly [number, number];

const tellEveryMs = 100;
const startEveryMs = 20;
/** Agents of this process under way at a time: thousands of machines would not share one event loop either. */
const joiningMax = 200;

const start = JSON.parse(process.argv[2] ?? '') as AgentsStart;
const spec = decode(
  nodeSpecSchema,
  { resources: { cpu: 4_000, memory: 8_192, slots: 64 }, kinds: ['simulated'], agentVersion: 'bench' },
  'node',
);
if (!spec.ok) throw new Error(spec.reason.message);
const nodeSpec = spec.value;
const now = (): number => Number(process.hrtime.bigint());
const trust = start.pin === undefined ? undefined : memoryTrust(start.pin);
const addressOf = addressesFor(start.hub);
let entered = { tasks: [] as Entry[], echoes: [] as Entry[] };
const agents: VirtualAgent[] = [];
/** With those that came back: close enough for its purpose. */
let everJoined = 0;

function add(index: number): void {
  const localAddress = addressOf(index);
  const agent = new VirtualAgent({
    url: start.hub,
    nodeId: nodeId(`bench-${String(start.first + index).padStart(5, '0')}`),
    credentials: memoryCredentials(start.token),
    spec: nodeSpec,
    trust,
    onJoined: () => {
      everJoined += 1;
    },
    onDispatch: ({ taskId }) => entered.tasks.push([taskId, now()]),
    ...(localAddress !== undefined && { localAddress }),
  });
  agents.push(agent);
  void agent.start();
}

const startedMs = performance.now();
const starting = setInterval(() => {
  const due = Math.min(start.count, ((performance.now() - startedMs) * start.joinsPerS) / 1_000);
  while (agents.length < due && agents.length - everJoined < joiningMax) add(agents.length);
  if (agents.length >= start.count) clearInterval(starting);
}, startEveryMs);

const echo = new WebSocket(start.echo);
echo.addEventListener('open', () => {
  echo.send('agent');
});
echo.addEventListener('message', ({ data }) => entered.echoes.push([Number(data), now()]));

const lateness = monitorEventLoopDelay({ resolution: 20 });
lateness.enable();
const tell = (message: FromAgents): void => {
  process.send?.(message);
};
setInterval(() => {
  let joined = 0;
  let joins = 0;
  for (const { connection } of agents) {
    if (connection.isJoined) joined += 1;
    joins += connection.counts.joins;
  }
  const { user, system } = process.cpuUsage();
  tell({ kind: 'joined', joined, joins, lateMs: lateness.max / 1e6, cpuS: (user + system) / 1e6 });
  lateness.reset();
}, tellEveryMs);
process.on('message', () => {
  tell({ kind: 'entered', ...entered });
  entered = { tasks: [], echoes: [] };
});
process.on('disconnect', () => process.exit(0));
