// What part of the heat map is on screen: the texel's size in whole device pixels, and where the first texel lies.
import type { HeatLayout } from './heatLayout.ts';

const zoomMax = 16;

export interface HeatView {
  /** Device pixels per texel: a whole number, since uneven texels shimmer. */
  readonly scale: number;
  /** Device pixels from the ground's corner to the first texel. */
  readonly x: number;
  readonly y: number;
}
interface Ground {
  readonly width: number;
  readonly height: number;
}

export const fitView = ({ texel }: HeatLayout): HeatView => ({ scale: texel, x: 0, y: 0 });

/** Keeps the map on the ground: no farther than its own edges. */
export function clampView(view: HeatView, layout: HeatLayout, ground: Ground): HeatView {
  const keep = (offset: number, size: number, room: number) =>
    size <= room ? 0 : Math.min(0, Math.max(room - size, Math.round(offset)));
  return {
    scale: view.scale,
    x: keep(view.x, layout.columns * view.scale, ground.width),
    y: keep(view.y, layout.rows * view.scale, ground.height),
  };
}

/** Zooms by a step in or out with the texel under (`atX`, `atY`) staying where it is. */
export function zoomView(view: HeatView, layout: HeatLayout, steps: number, at: { x: number; y: number }) {
  const wanted = Math.round(view.scale * 1.3 ** steps);
  const scale = Math.max(
    layout.texel,
    Math.min(layout.texel * zoomMax, wanted === view.scale ? view.scale + Math.sign(steps) : wanted),
  );
  const ratio = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio };
}

/** Moves as little as needed so that a texel is on the ground. */
export function showTexel(view: HeatView, layout: HeatLayout, ground: Ground, texel: number): HeatView {
  const margin = view.scale * 2;
  const into = (offset: number, at: number, room: number) => {
    const start = offset + at * view.scale;
    if (start < margin) return offset + margin - start;
    const end = start + view.scale;
    return end > room - margin ? offset - (end - room + margin) : offset;
  };
  const moved = {
    scale: view.scale,
    x: into(view.x, texel % layout.columns, ground.width),
    y: into(view.y, Math.floor(texel / layout.columns), ground.height),
  };
  return clampView(moved, layout, ground);
}

/** Texel at a point of the ground; -1 beside the map. */
export function texelAt(view: HeatView, { columns, rows }: HeatLayout, x: number, y: number): number {
  const column = Math.floor((x - view.x) / view.scale);
  const row = Math.floor((y - view.y) / view.scale);
  if (column < 0 || row < 0 || column >= columns || row >= rows) return -1;
  return row * columns + column;
}
/** O(1): node under a point, or -1. */
export function nodeAtPoint(view: HeatView, layout: HeatLayout, x: number, y: number): number {
  const texel = texelAt(view, layout, x, y);
  return texel < 0 ? -1 : (layout.nodeAt[texel] ?? -1);
}
