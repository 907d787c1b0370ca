// A failure is told once: what follows from it fails too.
import type { Refusal } from '../protocol/outcome.ts';

export function onceOnly(call: (reason: Refusal) => void): (reason: Refusal) => void {
  let isCalled = false;
  return (reason) => {
    if (isCalled) return;
    isCalled = true;
    call(reason);
  };
}
