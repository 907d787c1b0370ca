// Parts of a snapshot on their way to the journal.

/**
 * Lets messages and turns go between the steps. A start goes on from the snapshot and tells history nothing of what
 * came before: so the last part counts only once history holds all that ended up to it.
 */
export async function* heldParts(
  parts: Iterable<string | undefined>,
  historyHolds: () => Promise<void>,
): AsyncGenerator<string> {
  for (const part of parts) {
    if (part !== undefined) yield part;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await historyHolds();
}
