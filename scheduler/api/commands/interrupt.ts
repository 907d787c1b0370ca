// Ctrl-C while a command waits for the hub: it ends what it began, tells what it has, and says so by its exit code.

/** `signal` aborts with the first Ctrl-C; a second one ends the process at once, as everywhere. */
export async function withInterrupt<Result>(run: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    interrupt.abort();
  };
  process.once('SIGINT', onSignal);
  try {
    return await run(interrupt.signal);
  } finally {
    process.off('SIGINT', onSignal);
  }
}
