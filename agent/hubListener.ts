// What arrives on a socket, read and handed on by its name. What cannot be read is said; it never ends the agent.
import type { Checked, LogAck, Welcome } from '../scheduler/protocol/agentWire.ts';
import type { Token } from '../scheduler/protocol/brands.ts';
import type { Outcome, Refusal } from '../scheduler/protocol/outcome.ts';
import * as hub from './hubMessages.ts';
import type { HubSocket } from './hubSocket.ts';

export interface HubListener {
  readonly connected: () => void;
  readonly notConnected: (error: Error) => void;
  readonly disconnected: (reason: string) => void;
  readonly welcome: (welcome: Welcome) => void;
  readonly run: (dispatch: hub.DispatchRead) => void;
  readonly stop: (tokens: readonly Token[]) => void;
  readonly resultsAck: (tokens: readonly Token[]) => void;
  readonly logAck: (ack: LogAck) => void;
  readonly checked: (checked: Checked) => void;
  readonly rotated: (publicKey: string) => void;
  readonly refused: (refusal: hub.HubRefusal) => void;
  readonly unreadable: (reason: Refusal) => void;
}

export function listening(socket: HubSocket, listener: HubListener): HubSocket {
  const take = <Message>(read: Outcome<Message, Refusal>, use: (message: Message) => void): void => {
    if (read.ok) use(read.value);
    else listener.unreadable(read.reason);
  };
  socket.on('connect', listener.connected);
  socket.on('connect_error', listener.notConnected);
  socket.on('disconnect', listener.disconnected);
  socket.on('welcome', (message) => {
    take(hub.readWelcome(message), listener.welcome);
  });
  socket.on('run', (message) => {
    for (const item of Array.isArray(message) ? (message as unknown[]) : [message])
      take(hub.readDispatch(item), listener.run);
  });
  socket.on('stop', (message) => {
    take(hub.readTokens(message, 'stop'), listener.stop);
  });
  socket.on('resultsAck', (message) => {
    take(hub.readTokens(message, 'resultsAck'), listener.resultsAck);
  });
  socket.on('checked', (message) => {
    take(hub.readChecked(message), listener.checked);
  });
  socket.on('logAck', (message) => {
    take(hub.readLogAck(message), listener.logAck);
  });
  socket.on('rotated', (message) => {
    take(hub.readRotated(message), ({ publicKey }) => {
      listener.rotated(publicKey);
    });
  });
  socket.on('refused', (message) => {
    take(hub.readRefusal(message), listener.refused);
  });
  return socket;
}
