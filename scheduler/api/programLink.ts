// One program's request as a console link: it asks by the console's own methods, and hears what is pushed to it.
import type { ConsoleSession } from '../protocol/accounts.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { FromHost, Method, Results } from '../protocol/consoleWire.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';

export interface Caller {
  /**
   * The console decodes `params`: they come from outside. Refuses what the method refuses, and `stopping` where the
   * host closed the link.
   */
  readonly call: <M extends Method>(method: M, params: unknown) => Promise<Outcome<Results[M], Refusal>>;
  /** Called when new output of a task that this link watches was stored. */
  readonly onLog: (listener: () => void) => void;
  readonly isClosed: () => boolean;
  readonly close: () => void;
}

type Settle = (outcome: Outcome<unknown, Refusal>) => void;

export function openCaller(attach: (link: ConsoleLink) => void, session: () => ConsoleSession): Caller {
  const waiting = new Map<number, Settle>();
  const closeListeners: (() => void)[] = [];
  let receive: (raw: unknown) => void = () => undefined;
  let heard: () => void = () => undefined;
  let isOpen = true;
  let lastId = 0;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    for (const settle of waiting.values()) settle(refused(stopping));
    waiting.clear();
    for (const listener of closeListeners) listener();
    heard();
  };
  attach({
    get session() {
      return session();
    },
    send: (message) => {
      if (isOpen) take(message);
      return isOpen;
    },
    onMessage: (listener) => {
      receive = listener;
    },
    onClose: (listener) => {
      closeListeners.push(listener);
    },
    close,
  });
  const take = (message: FromHost): void => {
    if ('push' in message) {
      if (message.push === 'log') heard();
      return;
    }
    waiting.get(message.id)?.(message.ok ? accepted(message.result) : refused(message.refusal));
    waiting.delete(message.id);
  };
  return {
    call: <M extends Method>(method: M, params: unknown) =>
      new Promise<Outcome<Results[M], Refusal>>((resolve) => {
        if (!isOpen) {
          resolve(refused(stopping));
          return;
        }
        lastId += 1;
        // The console answers each method with the result that the contract names for it.
        waiting.set(lastId, resolve as Settle);
        receive({ id: lastId, method, params });
      }),
    onLog: (listener) => {
      heard = listener;
    },
    isClosed: () => !isOpen,
    close,
  };
}

const stopping = refusal('stopping', 'the host is stopping; ask again when it is back', {
  retryAfterMs: 5_000,
});
