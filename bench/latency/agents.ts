// Child process of the latency bench: 100 virtual agents on the real wire, and as many bare Socket.IO echo clients.
// Notes the time of each handler entry; the parent asks for the notes at the end.
import { io } from 'socket.io-client';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { memoryCredentials } from '../../agent/credentials.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { decode } from '../../scheduler/protocol/decode.ts';

const [hubUrl = '', token = '', echoUrl = '', countText = ''] = process.argv.slice(2);
const count = Number(countText);
/** Task id or echo number -> time of the handler's entry, monotonic, in nanoseconds. */
const entered = { task: [] as [number, string][], echo: [] as [number, string][] };
const now = (): string => process.hrtime.bigint().toString();

const spec = decode(
  nodeSpecSchema,
  { resources: { cpu: 64_000, memory: 65_536, slots: 1_000 }, kinds: ['simulated'], agentVersion: 'bench' },
  'node',
);
if (!spec.ok) throw new Error(spec.reason.message);

let joined = 0;
for (let i = 0; i < count; i += 1) {
  const agent = new VirtualAgent({
    url: hubUrl,
    nodeId: nodeId(`bench-${String(i)}`),
    credentials: memoryCredentials(token),
    spec: spec.value,
    onDispatch: ({ taskId }) => entered.task.push([taskId, now()]),
    onJoined: () => {
      joined += 1;
      if (joined === 2 * count) process.send?.({ kind: 'ready' });
    },
  });
  void agent.start();
  const echo = io(echoUrl, { transports: ['websocket'], forceNew: true });
  echo.on('connect', () => {
    echo.emit('agent');
    joined += 1;
    if (joined === 2 * count) process.send?.({ kind: 'ready' });
  });
  echo.on('echo', (number: number) => entered.echo.push([number, now()]));
}

process.on('message', () => {
  process.send?.({ kind: 'entered', ...entered });
});
process.on('disconnect', () => process.exit(0));
