// Electron's default app, in small: lets a runtime without one start an application from its folder.

/** `electron FOLDER args`: takes the first word that is no switch as the folder. */
const program = `const { app } = require('electron');
const { join, resolve } = require('path');
const folder = resolve(process.argv.slice(1).find((word) => !word.startsWith('-')) || '.');
const about = require(join(folder, 'package.json'));
app.setAppPath(folder);
app.name = about.productName || about.name;
app.setVersion(about.version || '0');
require(join(folder, about.main));`;

/** An asar archive: four little-endian sizes, a JSON directory, then the files one after another. */
export function packStandInApp(): Buffer {
  const files: Readonly<Record<string, string>> = {
    'package.json': '{"name":"default_app","main":"main.js"}',
    'main.js': program,
  };
  let offset = 0;
  const entries: Record<string, { size: number; offset: string }> = {};
  for (const [name, text] of Object.entries(files)) {
    entries[name] = { size: Buffer.byteLength(text), offset: String(offset) };
    offset += Buffer.byteLength(text);
  }
  const directory = JSON.stringify({ files: entries }).padEnd(256);
  const sizes = Buffer.alloc(16);
  [4, directory.length + 8, directory.length + 4, directory.length].forEach((size, index) => {
    sizes.writeUInt32LE(size, index * 4);
  });
  return Buffer.concat([sizes, Buffer.from(directory + Object.values(files).join(''))]);
}
