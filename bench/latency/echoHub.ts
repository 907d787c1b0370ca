// Child process of the latency bench: the floor of our transport. A bare Socket.IO server with the hub's settings that
// passes a caller's message on to the next agent, and does nothing else.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';

const http = createServer();
const hub = new Server(http, {
  transports: ['websocket'],
  serveClient: false,
  perMessageDeflate: false,
  httpCompression: false,
});
const agents: Socket[] = [];
let next = 0;
hub.on('connection', (socket) => {
  socket.on('agent', () => agents.push(socket));
  socket.on('echo', (number: number) => {
    agents[next % agents.length]?.emit('echo', number);
    next += 1;
  });
});
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo;
  process.send?.({ kind: 'listening', url: `http://127.0.0.1:${String(port)}` });
});
process.on('disconnect', () => process.exit(0));
