// The one typed way from this window to the scheduler host: calls with one reply each, pushes, and the link's state.
import { readonly, shallowReadonly, shallowRef, type ShallowRef } from 'vue';
import type { WhoAmI } from '../scheduler/protocol/accounts.ts';
import type { TaskId } from '../scheduler/protocol/brands.ts';
import type { Push } from '../scheduler/protocol/consoleFrames.ts';
import type { FromHost, Method, ParamsInput, Reply, Results } from '../scheduler/protocol/consoleWire.ts';
import type { Hello } from '../scheduler/protocol/consoleAnswers.ts';
import type { HostState } from '../scheduler/protocol/hostLink.ts';
import type { Refusal } from '../scheduler/protocol/outcome.ts';
import type { DownReason, Transport } from './link/transport.ts';
import { createSessions, forgetful, isIn, type SessionKeeper } from './link/windowSession.ts';

const callTimeoutMs = 10_000;
const greetAgainMs = 2_000;

/** The host said no, and why. */
export class RefusalError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}
/** No answer came: the link closed, or the host took too long. Whether the host acted is unknown. */
export class LinkError extends Error {
  readonly code: 'closed' | 'timeout';
  constructor(code: 'closed' | 'timeout', method: Method) {
    super(
      code === 'timeout'
        ? `${method}: no answer in ${callTimeoutMs / 1000} s`
        : `${method}: no link to the host`,
    );
    this.code = code;
  }
}

export type LinkState =
  | { readonly state: 'connecting' }
  /** The host answers and waits for somebody to log in, or to choose a password. */
  | { readonly state: 'login'; readonly hello: Hello }
  | { readonly state: 'live'; readonly hello: Hello }
  | { readonly state: 'down'; readonly reason: DownReason; readonly detail: string };

type Subscription =
  { readonly method: 'watchOverview' } | { readonly method: 'watchLog'; readonly taskId: TaskId };

export interface Bridge {
  readonly call: <M extends Method>(method: M, params: ParamsInput<M>) => Promise<Results[M]>;
  /** Returns how to stop listening. */
  readonly onPush: (listener: (push: Push) => void) => () => void;
  /** Keeps a subscription on over reconnects, until the returned function is called. */
  readonly keepOn: (subscription: Subscription) => () => void;
  readonly link: Readonly<ShallowRef<LinkState>>;
  /** Who is logged in here; undefined before the host has answered. */
  readonly who: Readonly<ShallowRef<WhoAmI | undefined>>;
  /** Rejects as the method does. */
  readonly login: (typed: ParamsInput<'login'>) => Promise<void>;
  readonly logout: () => Promise<void>;
  /** Asks anew who is logged in. */
  readonly greetAgain: () => void;
  /** Of the session, for the shell, which asks the host with the rights of this window. */
  readonly sessionToken: () => string | undefined;
  readonly host: Readonly<ShallowRef<HostState | undefined>>;
}

interface Pending {
  readonly method: Method;
  readonly settle: (reply: Reply) => void;
  readonly fail: (error: Error) => void;
}

export function createBridge(transport: Transport, keeper: SessionKeeper = forgetful()): Bridge {
  const link = shallowRef<LinkState>({ state: 'connecting' });
  const host = shallowRef<HostState>();
  const who = shallowRef<WhoAmI>();
  const { listeners, onPush } = createListeners();
  const { call, settle, failAll } = createCalls(transport, () => link.value.state !== 'down');
  const sessions = createSessions({ call, keeper, link, who, greet: () => greet() });
  const subscriptions = createSubscriptions(call, () => link.value.state === 'live');

  async function greet(): Promise<void> {
    try {
      const hello = await sessions.hello();
      who.value = hello.who;
      link.value = { state: isIn(hello.who) ? 'live' : 'login', hello };
      if (isIn(hello.who)) subscriptions.askAgain();
    } catch (error) {
      const reason = error instanceof RefusalError ? 'refused' : 'unreachable';
      if (error instanceof LinkError && error.code === 'closed') return;
      link.value = { state: 'down', reason, detail: error instanceof Error ? error.message : '' };
      // An open way without a greeting: the host may only be slow to start.
      if (reason === 'unreachable') setTimeout(greetAgain, greetAgainMs);
    }
  }
  function greetAgain(): void {
    if (link.value.state !== 'down' || link.value.reason !== 'unreachable') return;
    link.value = { state: 'connecting' };
    void greet();
  }
  function receive(message: FromHost): void {
    if (!('push' in message)) settle(message);
    else if (message.push === 'session') sessions.take(message.who);
    else for (const listener of listeners) listener(message);
  }
  transport.start({
    opened: () => {
      link.value = { state: 'connecting' };
      void greet();
    },
    closed: (reason, detail) => {
      link.value = { state: 'down', reason, detail };
      failAll();
    },
    received: receive,
    hostChanged: (state) => {
      host.value = state;
    },
  });
  return {
    call,
    keepOn: subscriptions.keepOn,
    onPush,
    link: readonly(link),
    host: readonly(host),
    who: shallowReadonly(who),
    ...sessions.ofBridge,
  };
}

function createListeners() {
  const listeners = new Set<(push: Push) => void>();
  return {
    listeners,
    onPush: (listener: (push: Push) => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function createSubscriptions(call: Bridge['call'], isLive: () => boolean) {
  const kept = new Set<Subscription>();
  return {
    keepOn: (subscription: Subscription): (() => void) => {
      kept.add(subscription);
      if (isLive()) turn(call, subscription, true);
      return () => {
        kept.delete(subscription);
        if (isLive()) turn(call, subscription, false);
      };
    },
    /** A new link knows nothing of what was asked over the old one. */
    askAgain: (): void => {
      for (const subscription of kept) turn(call, subscription, true);
    },
  };
}

function turn(call: Bridge['call'], subscription: Subscription, on: boolean): void {
  const sent: Promise<unknown> =
    subscription.method === 'watchOverview'
      ? call('watchOverview', { on })
      : call('watchLog', { taskId: subscription.taskId, on });
  // A refusal here shows as data that grows old, which the status line says anyway.
  sent.catch(() => undefined);
}

function createCalls(transport: Transport, isUp: () => boolean) {
  const pending = new Map<number, Pending>();
  let lastId = 0;

  function call<M extends Method>(method: M, params: ParamsInput<M>): Promise<Results[M]> {
    if (!isUp()) return Promise.reject(new LinkError('closed', method));
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        pending.delete(id);
        reject(new LinkError('timeout', method));
      }, callTimeoutMs);
      pending.set(id, {
        method,
        settle: (reply) => {
          clearTimeout(timer);
          if (reply.ok) resolve(reply.result as Results[M]);
          else reject(new RefusalError(reply.refusal));
        },
        fail: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      transport.send({ id, method, params });
    });
  }
  function settle(reply: Reply): void {
    pending.get(reply.id)?.settle(reply);
    pending.delete(reply.id);
  }
  function failAll(): void {
    for (const { method, fail } of pending.values()) fail(new LinkError('closed', method));
    pending.clear();
  }
  return { call, settle, failAll };
}
