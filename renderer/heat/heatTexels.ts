// Bytes -> texels: one pass over the fleet into an ImageData, which the browser then scales up in one draw.
import { fleetFlag, noData } from '../../scheduler/protocol/fleetFrames.ts';
import type { HeatLayout } from './heatLayout.ts';

/** Marks of single nodes drawn as vectors; past this many they are only drawn as texels. */
export const marksMax = 3_000;

const special = fleetFlag.stale | fleetFlag.cordoned | fleetFlag.draining;

export interface HeatMarks {
  readonly offline: number[];
  readonly cordoned: number[];
  readonly stale: number[];
  readonly critical: number[];
}
export interface TexelImage {
  readonly canvas: HTMLCanvasElement;
  readonly marks: HeatMarks;
  /** Nodes by byte, of those that are online. */
  readonly histogram: Uint32Array;
  readonly counts: { offline: number; noData: number };
  readonly update: (values: Uint8Array, flags: Uint8Array, look: TexelLook) => void;
}
export interface TexelLook {
  readonly lut: Uint32Array;
  readonly critFrom: number;
  /** Colour of a node that is not online. */
  readonly offline: number;
}

export function createTexels(layout: HeatLayout): TexelImage {
  const canvas = document.createElement('canvas');
  canvas.width = layout.columns;
  canvas.height = layout.rows;
  const context = canvas.getContext('2d');
  const image = new ImageData(layout.columns, layout.rows);
  const pixels = new Uint32Array(image.data.buffer);
  const histogram = new Uint32Array(256);
  const marks: HeatMarks = { offline: [], cordoned: [], stale: [], critical: [] };
  const counts = { offline: 0, noData: 0 };
  /** Worst byte of the nodes that share a texel. */
  const worst = layout.pool > 1 ? new Uint8Array(pixels.length) : undefined;

  function paint(texel: number, byte: number, colour: number): void {
    if (worst) {
      // Without data is the least bad of all; a shared texel shows the worst of its nodes.
      const rank = byte === noData ? 0 : byte + 1;
      if (rank < (worst[texel] ?? 0)) return;
      worst[texel] = rank;
    }
    pixels[texel] = colour;
  }
  function mark(index: number, flag: number, isCritical: boolean): void {
    if (isCritical) keep(marks.critical, index);
    if ((flag & special) === 0) return;
    keep((flag & fleetFlag.stale) !== 0 ? marks.stale : marks.cordoned, index);
  }
  function clear(): void {
    histogram.fill(0);
    worst?.fill(0);
    counts.offline = 0;
    for (const list of Object.values(marks) as number[][]) list.length = 0;
  }
  function take(index: number, byte: number, flag: number, look: TexelLook): void {
    const texel = layout.texelOf[index] ?? 0;
    if ((flag & fleetFlag.online) === 0) {
      counts.offline += 1;
      keep(marks.offline, index);
      paint(texel, noData, look.offline);
      return;
    }
    histogram[byte] = (histogram[byte] ?? 0) + 1;
    paint(texel, byte, look.lut[byte] ?? 0);
    const isCritical = byte >= look.critFrom && byte !== noData;
    if (isCritical || (flag & special) !== 0) mark(index, flag, isCritical);
  }
  function update(values: Uint8Array, flags: Uint8Array, look: TexelLook): void {
    clear();
    for (let index = 0; index < values.length; index += 1)
      take(index, values[index] ?? noData, flags[index] ?? 0, look);
    counts.noData = histogram[noData] ?? 0;
    context?.putImageData(image, 0, 0);
  }
  return { canvas, marks, histogram, counts, update };
}

function keep(list: number[], index: number): void {
  if (list.length < marksMax) list.push(index);
}
