// Draws the icon's sizes from .ci/package/icon.svg. Run by hand when the drawing changes: node .ci/makeIcons.ts
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const folder = join(import.meta.dirname, 'package');
const linuxSizes = [16, 24, 32, 48, 64, 128, 256, 512];
const windowsSizes = [16, 24, 32, 48, 64, 128, 256];

const drawing = `data:image/svg+xml;base64,${readFileSync(join(folder, 'icon.svg')).toString('base64')}`;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage();
mkdirSync(join(folder, 'icons'), { recursive: true });
const pictures = new Map<number, Buffer>();
for (const size of linuxSizes) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(
    `<style>body{margin:0}img{display:block}</style><img src="${drawing}" width="${size}">`,
  );
  const picture = await page.screenshot({ omitBackground: true });
  pictures.set(size, picture);
  writeFileSync(join(folder, `icons/${size}x${size}.png`), picture);
}
await browser.close();
writeFileSync(join(folder, 'icon.ico'), packIco());

/** An .ico is a directory of pictures: 6 bytes of head, 16 per entry, then the PNG files as they are. */
function packIco(): Buffer {
  const head = Buffer.alloc(6 + 16 * windowsSizes.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(windowsSizes.length, 4);
  const bodies: Buffer[] = [];
  let offset = head.length;
  for (const [index, size] of windowsSizes.entries()) {
    const picture = pictures.get(size) ?? Buffer.alloc(0);
    const entry = 6 + 16 * index;
    head.writeUInt8(size % 256, entry); // 256 is written as 0
    head.writeUInt8(size % 256, entry + 1);
    head.writeUInt16LE(1, entry + 4);
    head.writeUInt16LE(32, entry + 6);
    head.writeUInt32LE(picture.length, entry + 8);
    head.writeUInt32LE(offset, entry + 12);
    bodies.push(picture);
    offset += picture.length;
  }
  return Buffer.concat([head, ...bodies]);
}
