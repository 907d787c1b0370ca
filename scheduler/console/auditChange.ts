// The shape of the table that says of each method what the audit trail is told of it.
import type { Method, Params, Results } from '../protocol/consoleWire.ts';
import type { SchedulerView } from '../protocol/view.ts';
import type { AccountsPort } from './accountsPort.ts';

export type Details = Readonly<Record<string, string | number | boolean>>;
/** A method that changes something. `targets` and `before` are asked before it is carried out. */
export interface Change<M extends Method> {
  readonly changes: true;
  readonly targets?: (params: Params<M>) => readonly string[];
  readonly details?: (params: Params<M>) => Details;
  /** What is changed, as it was and as it is to be: shown beside each other. */
  readonly before?: (
    params: Params<M>,
    view: SchedulerView,
    accounts: Pick<AccountsPort, 'listUsers'>,
  ) => unknown;
  readonly after?: (params: Params<M>) => unknown;
  /** Told by what came of it, in place of what was asked. */
  readonly result?: (result: Results[M], params: Params<M>) => Came;
  /** Work, not operation: the journal has each of it, so nobody waits, and a program's are told by the minute. */
  readonly isWork?: true;
  /** The things are simulated. */
  readonly isSimulated?: (params: Params<M>, view: SchedulerView) => boolean;
}
/** What came of many things in one call. */
export interface Came {
  readonly targets?: readonly string[];
  readonly details?: Details;
  /** None of them was done. */
  readonly isRefused?: boolean;
}
export type AuditTable = { readonly [M in Method]: { readonly changes: false } | Change<M> };
