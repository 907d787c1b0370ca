// Cuts a snapshot into parts that are sent and written one by one, so that commits go in between: a text of 200 MB in
// one message and one transaction held them up for 0.7 s.

/** Characters of one part: 1 to 3 ms of the journal's thread. */
const partCharactersMax = 256 * 1024;

export function* partsOf(payload: string): Generator<{ readonly text: string; readonly isLast: boolean }> {
  let from = 0;
  do {
    const to = cutBefore(payload, from + partCharactersMax);
    yield { text: payload.slice(from, to), isLast: to === payload.length };
    from = to;
  } while (from < payload.length);
}

/** The place to cut a text so that no pair of surrogates is split. */
function cutBefore(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at;
}
