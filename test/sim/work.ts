// What becomes of a program that an agent starts: how long it runs, and how it ends.
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import type { World } from './world.ts';

export interface Machine {
  readonly world: World;
  /** Share of attempts that fail by themselves. */
  readonly flakyShare: number;
  /** Work takes this many times longer. */
  readonly slowness: number;
}
const commandRunMs = 1_000;

export function outcomeOf(
  { work, timeoutMs }: Dispatch,
  { world, flakyShare, slowness }: Machine,
): { readonly afterMs: number; readonly end: AttemptEnd } {
  const runMs = (work.kind === 'simulated' ? work.runMs : commandRunMs) * slowness;
  const exitCode = work.kind === 'simulated' ? work.exitCode : 0;
  const isFlaky = world.chance(flakyShare);
  if (runMs > timeoutMs) return { afterMs: timeoutMs, end: { reason: 'timeout' } };
  if (isFlaky) return { afterMs: runMs / 2, end: { reason: 'signal', signal: 'SIGSEGV' } };
  return { afterMs: runMs, end: { reason: 'exit', exitCode, runMs: ms(Math.round(runMs)) } };
}
