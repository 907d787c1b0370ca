// Long work in pieces, so that dispatches and other windows are not kept waiting by it.
/** Calls `work` for each chunk of `items`, one after the other, and lets the event loop turn between them. */
export async function inChunks<Item, Answer>(
  items: readonly Item[],
  chunkSize: number,
  work: (chunk: readonly Item[], start: number) => Promise<readonly Answer[]> | readonly Answer[],
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let start = 0; start < items.length; start += chunkSize) {
    if (start > 0) await nextTurn();
    answers.push(...(await work(items.slice(start, start + chunkSize), start)));
  }
  return answers;
}

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
