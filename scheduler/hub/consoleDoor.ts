// The namespace of consoles in browsers and programs: lets them in and hands their links to the host.
import * as limits from '../protocol/limits.ts';
import { refusal } from '../protocol/outcome.ts';
import type { ConnectionGuard } from './connectionGuard.ts';
import { linkOf } from './consoleSocket.ts';
import type { JoinAuth } from './joinAuth.ts';
import type { HubHandlers, HubLog } from './ports.ts';
import type { RefusedAddresses } from './refusedAddresses.ts';
import { refuseSocket } from './refuseSocket.ts';
import type { ConsoleNamespace, ConsoleSocket, HubCounters } from './wireSockets.ts';

export interface ConsoleDoorContext {
  readonly auth: JoinAuth;
  readonly handlers: HubHandlers;
  readonly counters: HubCounters;
  readonly log: HubLog;
  readonly guard: ConnectionGuard;
  readonly refusals: RefusedAddresses;
}

export class ConsoleDoor {
  readonly #context: ConsoleDoorContext;
  #count = 0;

  constructor(context: ConsoleDoorContext) {
    this.#context = context;
  }

  get count(): number {
    return this.#count;
  }

  open(namespace: ConsoleNamespace): void {
    namespace.use((socket, next) => {
      this.#admit(socket, next);
    });
    namespace.on('connection', (socket) => {
      this.#count += 1;
      socket.once('disconnect', () => {
        this.#count -= 1;
      });
      const { handlers, counters, log } = this.#context;
      handlers.console(linkOf(socket, counters, log));
    });
  }

  /** The operator gets in even when the fleet is full: that is when consoles are needed. */
  #admit(socket: ConsoleSocket, next: (error?: Error) => void): void {
    const { auth, counters, log, guard, refusals } = this.#context;
    const { address } = socket.handshake;
    const admitted = auth.admitConsole(socket.handshake.auth, address);
    if (admitted.ok && this.#count < limits.consoleClientsMax) {
      socket.data.session = admitted.value;
      guard.admitted(socket.request);
      next();
      return;
    }
    const reason = admitted.ok ? consolesFull : admitted.reason;
    counters.refusedConnections += 1;
    refusals.add(address);
    log(reason.code === 'too_many' ? 'debug' : 'warn', 'console refused', { address, code: reason.code });
    refuseSocket(socket, next, reason);
  }
}

const consolesFull = refusal(
  'too_many',
  `${limits.consoleClientsMax} consoles are connected, the most this host serves; close one and try again`,
  { retryAfterMs: 10_000 },
);
