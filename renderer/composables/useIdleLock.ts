// Locks this window after a while without a key or a pointer: it logs out. Who may only look stays: displays on walls.
import { onScopeDispose, readonly, ref } from 'vue';
import { windowLockMs } from '../../scheduler/protocol/accountLimits.ts';
import { bridge } from '../link/console.ts';

const lookEveryMs = 10_000;
const signs = ['pointerdown', 'pointermove', 'keydown', 'wheel'] as const;

export function useIdleLock() {
  /** Whose window it was; empty where it is not locked. */
  const lockedFor = ref('');
  let touchedAtMs = Date.now();
  const touch = (): void => {
    touchedAtMs = Date.now();
  };
  const timer = setInterval(() => {
    const who = bridge.who.value;
    if (bridge.link.value.state !== 'live' || who === undefined) return;
    if (lockedFor.value !== '') lockedFor.value = '';
    if (who.role === 'viewer' || who.user === 'local' || Date.now() - touchedAtMs < windowLockMs) return;
    lockedFor.value = who.user;
    void bridge.logout();
  }, lookEveryMs);
  for (const sign of signs) window.addEventListener(sign, touch, { passive: true });
  onScopeDispose(() => {
    clearInterval(timer);
    for (const sign of signs) window.removeEventListener(sign, touch);
  });
  return { lockedFor: readonly(lockedFor) };
}
