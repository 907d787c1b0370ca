// A typed command line <-> the arguments a program gets. Only quotes and backslashes mean something: no shell is there.

export type SplitLine =
  | { readonly ok: true; readonly argv: readonly string[] }
  | { readonly ok: false; readonly open: 'single' | 'double' | 'backslash' };

const quoteKinds = { "'": 'single', '"': 'double' } as const;

/**
 * Splits at spaces. '...' is literal; in "..." a backslash escapes `"` and `\`; outside it escapes any character.
 * `$`, `*`, `|`, `>` and `;` are plain characters, as they are for the node.
 */
export function splitCommandLine(line: string): SplitLine {
  const argv: string[] = [];
  let word: string | undefined;
  let at = 0;
  while (at < line.length) {
    const character = line.charAt(at);
    if (/\s/.test(character)) {
      if (word !== undefined) argv.push(word);
      word = undefined;
      at += 1;
      continue;
    }
    const piece = readPiece(line, at);
    if (typeof piece === 'string') return { ok: false, open: piece };
    word = (word ?? '') + piece.text;
    at = piece.end;
  }
  if (word !== undefined) argv.push(word);
  return { ok: true, argv };
}

type Piece = { readonly text: string; readonly end: number } | 'single' | 'double' | 'backslash';

function readPiece(line: string, at: number): Piece {
  const character = line.charAt(at);
  if (character === '\\') {
    return at + 1 < line.length ? { text: line.charAt(at + 1), end: at + 2 } : 'backslash';
  }
  if (character !== "'" && character !== '"') return { text: character, end: at + 1 };
  const body = character === "'" ? /'([^']*)'/y : /"((?:[^"\\]|\\[^])*)"/y;
  body.lastIndex = at;
  const found = body.exec(line);
  if (!found) return quoteKinds[character];
  const inner = found[1] ?? '';
  return { text: character === '"' ? inner.replace(/\\(["\\])/g, '$1') : inner, end: body.lastIndex };
}

/** One line that `splitCommandLine` splits into the same arguments again. */
export function joinCommandLine(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
  if (word !== '' && !/[\s'"\\]/.test(word)) return word;
  return word.includes("'") ? `"${word.replace(/["\\]/g, '\\$&')}"` : `'${word}'`;
}
