// Child process of the fleet bench: the floor of any such transport. A bare WebSocket server that passes a caller's
// message on to the next agent and does nothing else.
import type { AddressInfo } from 'node:net';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
const agents: WebSocket[] = [];
let next = 0;
server.on('connection', (socket) => {
  socket.on('message', (data: RawData) => {
    const text = (data as Buffer).toString();
    if (text === 'agent') agents.push(socket);
    else {
      agents[next % agents.length]?.send(text);
      next += 1;
    }
  });
});
server.on('listening', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ url: `ws://127.0.0.1:${String(port)}` });
});
process.on('disconnect', () => process.exit(0));
