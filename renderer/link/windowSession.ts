// The session of this window: logs in and out, goes on in the next connection, and follows what the host says of it.
import type { ShallowRef } from 'vue';
import type { WhoAmI } from '../../scheduler/protocol/accounts.ts';
import type { Hello } from '../../scheduler/protocol/consoleAnswers.ts';
import type { ParamsInput, Results } from '../../scheduler/protocol/consoleWire.ts';
import { consoleWireVersion } from '../../scheduler/protocol/limits.ts';

/** Where the token of the session is between two connections of this window. */
export interface SessionKeeper {
  readonly read: () => string | undefined;
  readonly keep: (token: string | undefined) => void;
}

type SessionMethod = 'hello' | 'login' | 'logout';
/** As far as sessions are concerned; other states of the link pass through. */
type SessionState<Other> =
  | { readonly state: 'login'; readonly hello: Hello }
  | { readonly state: 'live'; readonly hello: Hello }
  | Other;
interface Parts<Other> {
  readonly call: <M extends SessionMethod>(method: M, params: ParamsInput<M>) => Promise<Results[M]>;
  readonly keeper: SessionKeeper;
  readonly link: ShallowRef<SessionState<Other>>;
  readonly who: ShallowRef<WhoAmI | undefined>;
  readonly greet: () => Promise<void>;
}

export function createSessions<Other extends { readonly state: 'connecting' | 'down' }>({
  call,
  keeper,
  link,
  who,
  greet,
}: Parts<Other>) {
  const hello = (): Promise<Hello> => call('hello', { wire: consoleWireVersion });
  /** False where there is no session to go on with, or it is over. */
  async function resume(): Promise<boolean> {
    const token = keeper.read();
    if (token === undefined) return false;
    try {
      keeper.keep((await call('login', { token })).token);
      return true;
    } catch (error) {
      if (isOver(error)) keeper.keep(undefined);
      return false;
    }
  }
  return {
    /** Goes on with the session of the connection before, where there is one. */
    hello: async (): Promise<Hello> => {
      const first = await hello();
      return first.who.role === 'nobody' && (await resume()) ? hello() : first;
    },
    /** What the host says unasked: other rights, or the end. */
    take: (next: WhoAmI): void => {
      who.value = next;
      const now = link.value;
      if (now.state === 'live' && !isIn(next)) link.value = { state: 'login', hello: now.hello };
      else if (now.state === 'login' && isIn(next)) void greet();
    },
    ofBridge: {
      login: async (typed: ParamsInput<'login'>): Promise<void> => {
        const { token } = await call('login', typed);
        keeper.keep(token);
        await greet();
      },
      logout: async (): Promise<void> => {
        keeper.keep(undefined);
        await call('logout', {}).catch(() => undefined); // a link that is down holds no session any more
        await greet();
      },
      greetAgain: () => void greet(),
      sessionToken: keeper.read,
    },
  };
}

/** A password that somebody else chose has to be changed before anything is shown. */
export const isIn = ({ role, mustChange }: WhoAmI): boolean => role !== 'nobody' && mustChange !== true;

/** The host said so, and not that the link was lost meanwhile. */
const isOver = (error: unknown): boolean =>
  (error as { readonly refusal?: { readonly code?: unknown } } | null)?.refusal?.code === 'not_logged_in';

export function forgetful(): SessionKeeper {
  let kept: string | undefined;
  return {
    read: () => kept,
    keep: (token) => {
      kept = token;
    },
  };
}
