// Pictures of a virtual screen, taken from Xvfb's own memory file (-fbdir): no client, no permission, no extra program.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue per pixel, row by row. */
  readonly pixels: Buffer;
}

/** `folder`: what Xvfb was given as -fbdir. The file is an X window dump of a 24-bit screen. */
export function readScreen(folder: string): Picture {
  const dump = readFileSync(join(folder, 'Xvfb_screen0'));
  const field = (index: number): number => dump.readUInt32BE(index * 4);
  const [headerBytes, width, height, lineBytes, colours] = [
    field(0),
    field(4),
    field(5),
    field(12),
    field(19),
  ];
  const start = headerBytes + colours * 12;
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const from = start + y * lineBytes + x * 4; // blue, green, red, unused
      const to = (y * width + x) * 3;
      pixels[to] = dump[from + 2] ?? 0;
      pixels[to + 1] = dump[from + 1] ?? 0;
      pixels[to + 2] = dump[from] ?? 0;
    }
  return { width, height, pixels };
}

/** How many different colours a picture has: an empty screen has one, a drawn window hundreds. */
export function countColours({ pixels }: Picture): number {
  const seen = new Set<number>();
  for (let at = 0; at + 2 < pixels.length; at += 3) seen.add(pixels.readUIntBE(at, 3));
  return seen.size;
}

export function writePng(path: string, picture: Picture): void {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(picture.width, 0);
  head.writeUInt32BE(picture.height, 4);
  head.set([8, 2], 8); // 8 bits, colours
  const lineBytes = picture.width * 3;
  const lines = Buffer.alloc(picture.height * (lineBytes + 1)); // each line opens with its filter: none
  for (let y = 0; y < picture.height; y += 1)
    picture.pixels.copy(lines, y * (lineBytes + 1) + 1, y * lineBytes, (y + 1) * lineBytes);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [chunk('IHDR', head), chunk('IDAT', deflateSync(lines)), chunk('IEND', Buffer.alloc(0))];
  writeFileSync(path, Buffer.concat([signature, ...parts]));
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
