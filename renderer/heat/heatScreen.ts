// One heat map's pixels: bytes of a frame become texels, texels and marks become the canvas.
import { type MetricId, metrics } from '../../scheduler/protocol/fleetFrames.ts';
import { fleet } from '../fleet/fleet.ts';
import { bandBytes, type BandBytes, type HeatBand, type HeatScale, makeLut, packed } from './heatColors.ts';
import type { HeatLayout } from './heatLayout.ts';
import { drawHeat, type HeatScene } from './heatPainter.ts';
import { createTexels, type TexelImage } from './heatTexels.ts';
import { type HeatInk, readInk } from './readPalette.ts';

export interface HeatWish {
  readonly metric: MetricId;
  readonly scale: HeatScale;
  readonly only: HeatBand | undefined;
}
/** What a frame says in numbers: for the legend. */
export interface HeatSummary {
  readonly histogram: Uint32Array;
  readonly bands: BandBytes;
  readonly offline: number;
  readonly noData: number;
}
/** What is drawn beside layout, texels and ink. */
export type HeatMarks = Omit<HeatScene, 'layout' | 'texels' | 'ink'>;

export class HeatScreen {
  #canvas: HTMLCanvasElement | undefined;
  #layout: HeatLayout | undefined;
  #texels: TexelImage | undefined;
  #ink: HeatInk | undefined;

  lay(canvas: HTMLCanvasElement, layout: HeatLayout): void {
    this.#canvas = canvas;
    this.#layout = layout;
    this.#texels = createTexels(layout);
  }

  /** The theme has changed: colours are read again. */
  forgetInk(): void {
    this.#ink = undefined;
  }

  /** Newest bytes of the metric -> texels. Undefined before anything is laid out. */
  take({ metric, scale, only }: HeatWish): (HeatSummary & { readonly atMs: number }) | undefined {
    const texels = this.#texels;
    if (!this.#canvas || !texels || !this.#layout) return undefined;
    this.#ink ??= readInk(this.#canvas);
    const { palette } = this.#ink;
    const bands = bandBytes(metrics[metric], texels.histogram);
    const lut = makeLut({ scale, only, bands, palette, histogram: texels.histogram });
    const offline = packed(only === undefined || only === 'offline' ? palette.ground : palette.dim);
    const { values, atMs } = fleet.peek(metric);
    if (values.length === this.#layout.shape.count)
      texels.update(values, fleet.flags(), { lut, critFrom: bands.crit, offline });
    return { histogram: texels.histogram, bands, ...texels.counts, atMs };
  }

  draw(marks: HeatMarks): void {
    const context = this.#canvas?.getContext('2d', { alpha: false });
    if (!context || !this.#layout || !this.#texels || !this.#ink) return;
    drawHeat(context, { layout: this.#layout, texels: this.#texels, ink: this.#ink, ...marks });
  }
}
