// The shape of a table of console methods: one function per method, what it takes and what it answers.
import type { Method, Params, Results } from '../protocol/consoleWire.ts';
import type { Command } from '../protocol/events.ts';
import type { Outcome, Refusal } from '../protocol/outcome.ts';
import type { Seat } from './seat.ts';

/** Carries out a command, and answers with the value where it was taken. */
export type Execute = <Value>(command: Command, answer: Value) => Promise<Outcome<Value, Refusal>>;
type Answer<Value> = Outcome<Value, Refusal> | Promise<Outcome<Value, Refusal>>;
export type MethodTable = {
  readonly [M in Method]: (params: Params<M>, seat: Seat) => Answer<Results[M]>;
};
