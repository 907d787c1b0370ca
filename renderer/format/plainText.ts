// Text from programs made harmless and honest: escape sequences go, control and direction marks become visible.

/** CSI, OSC and two-character escape sequences of terminals. */
const escapeSequence = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const control = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
/** Marks that reorder or hide neighbours: shown by name, so that no line can pretend to say something else. */
const invisible = /[\u0080-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

export function plainText(text: string): string {
  return text
    .replace(escapeSequence, '')
    .replace(control, (character) => controlPicture(character.charCodeAt(0)))
    .replace(invisible, (character) => `<U+${hexadecimal(character)}>`);
}

function controlPicture(code: number): string {
  return code === 0x7f ? '\u2421' : String.fromCharCode(0x2400 + code);
}

function hexadecimal(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
}
