// Lets go what a handshake leaves behind at each socket: the request with its headers and address, held by Engine.IO
// and Socket.IO until the end and needed by nobody. Of 50,000 agents that is a seventh of an edge's memory.
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Server } from 'socket.io';
import type { AgentSocket } from './wireSockets.ts';

/** In the place of each request: one for all. */
const blank = new IncomingMessage(new Socket());
const blankHandshake = { headers: {}, query: {}, auth: {}, time: '', url: '' };

/** Engine.IO's answer to an upgrade, which its socket holds for an event that nobody here listens to. */
interface Answer {
  req: IncomingMessage;
}

/** To be called before the first connection. Returns what forgets; `handshake.address` stays. */
export function rememberAnswers(server: Server): (socket: AgentSocket) => void {
  const answers = new WeakMap<IncomingMessage, Answer>();
  server.engine.use((request: IncomingMessage, answer: Answer, next: () => void) => {
    answers.set(request, answer);
    next();
  });
  return ({ conn, handshake }) => {
    const answer = answers.get(conn.request);
    if (answer) answer.req = blank;
    Object.assign(conn, { request: blank });
    Object.assign(handshake, blankHandshake);
  };
}
