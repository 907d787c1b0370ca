// Words of others on their way to a terminal: nothing in them may move its cursor, change its title or turn its text.

/** All of C0 but tab and line feed, DEL and C1. A carriage return goes back over a line, but before a feed. */
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]|\r(?!\n)/g;
/** Marks that turn or hide their neighbours. */
const invisible = /[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

const codeOf = (character: string): string =>
  character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');

/** Controls as their pictures, marks by name: what was there can be seen, and does nothing. */
export const harmless = (text: string): string =>
  text
    .replace(control, (character) => {
      const code = character.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : `<U+${codeOf(character)}>`;
    })
    .replace(invisible, (character) => `<U+${codeOf(character)}>`);

/** The same JSON, with escapes for what a terminal would act on. */
export const harmlessJson = (json: string): string =>
  json
    .replace(control, (character) => `\\u${codeOf(character)}`)
    .replace(invisible, (character) => `\\u${codeOf(character)}`);
