// The token of this window's session, for its next connection: a reload or a lost link does not log out.
import type { SessionKeeper } from './windowSession.ts';

const storageKey = 'millrace.session';

export const tabKeeper: SessionKeeper = {
  read: () => sessionStorage.getItem(storageKey) ?? undefined,
  keep: (token) => {
    if (token === undefined) sessionStorage.removeItem(storageKey);
    else sessionStorage.setItem(storageKey, token);
  },
};

/** The owner's token that a host without accounts prints in its address: taken out, so that it is in no bookmark. */
export function takeTokenOfAddress(keeper: SessionKeeper): void {
  const found = /^#token=(.+)$/.exec(window.location.hash)?.[1];
  if (found === undefined) return;
  keeper.keep(decodeURIComponent(found));
  window.history.replaceState(null, '', `${window.location.pathname}${window.location.search}#/`);
}
