// Timers that are due: leases that ran out, backoffs that are over, tasks whose time has come.
import { type NodeIndex, taskId, token } from '../../protocol/brands.ts';
import type { TimerKind } from '../state/timers.ts';
import { attemptTimer } from './attemptReport.ts';
import { stragglerTimer } from './copies.ts';
import { gangTimer } from './gang.ts';
import { nodeTimer } from './nodeLifecycle.ts';
import { delayTimer } from './delay.ts';
import { nomineeTimer } from './nominees.ts';
import { backoffTimer } from './retry.ts';
import { windowTimer } from './maintenance.ts';
import type { Turn } from './turn.ts';

const timersPerTurnMax = 4_096; // a fallen switch ends thousands of leases at once; the rest fires next turn

/** What a timer of each kind does. It may find that what it was set for is over, or has been put off. */
const firing: { readonly [Kind in TimerKind]: (turn: Turn, id: number) => void } = {
  node: (turn, id) => {
    nodeTimer(turn, id as NodeIndex);
  },
  attempt: (turn, id) => {
    attemptTimer(turn, token(id));
  },
  window: windowTimer,
  straggler: (turn, id) => {
    stragglerTimer(turn, token(id));
  },
  backoff: (turn, id) => {
    backoffTimer(turn, taskId(id));
  },
  gang: (turn, id) => {
    gangTimer(turn, taskId(id));
  },
  rate: ({ state }) => {
    state.rateTimerMs = Number.POSITIVE_INFINITY; // the turn itself is all that was wanted: it places what may go on
  },
  nominee: (turn, id) => {
    nomineeTimer(turn, taskId(id));
  },
  preempt: ({ state }) => {
    state.preemption.timerMs = Number.POSITIVE_INFINITY; // as with `rate`
  },
  delayed: (turn, id) => {
    delayTimer(turn, taskId(id));
  },
};

/** True where more timers are due than one turn takes. */
export function fireTimers(turn: Turn): boolean {
  const { timers } = turn.state;
  for (let fired = 0; fired < timersPerTurnMax; fired += 1) {
    const timer = timers.takeDue(turn.nowMs);
    if (!timer) return false;
    firing[timer.kind](turn, timer.id);
  }
  return true;
}
