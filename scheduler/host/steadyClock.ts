// The host's one clock.

/** Milliseconds since 1970 that never run backwards: the wall clock is read once, then the monotonic one counts. */
export function steadyClock(notBeforeMs: number): () => number {
  const startMs = Math.max(Date.now(), notBeforeMs);
  const startedAt = performance.now();
  return () => startMs + (performance.now() - startedAt);
}
