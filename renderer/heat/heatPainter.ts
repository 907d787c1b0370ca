// Draws the heat map: texels scaled up in one draw, then what lines must show: offline, cordoned, selection, cursor.
import { groupOf } from '../fleet/plantShape.ts';
import { type HeatLayout, nameHeight } from './heatLayout.ts';
import { marksMax, type TexelImage } from './heatTexels.ts';
import type { HeatView } from './heatView.ts';
import type { HeatInk } from './readPalette.ts';

/** Least size in device pixels of a mark of a single node, and of a node beyond its limit (HM-4). */
const markMin = 3;
const criticalMin = 3;

export interface HeatScene {
  readonly layout: HeatLayout;
  readonly texels: TexelImage;
  readonly view: HeatView;
  readonly ink: HeatInk;
  /** Node under the keyboard's cursor or the pointer; -1 for none. */
  readonly cursor: number;
  readonly selection: ReadonlySet<number>;
  /** Rectangle that is being drawn by hand, in device pixels. */
  readonly brush:
    { readonly x: number; readonly y: number; readonly width: number; readonly height: number } | undefined;
  readonly pixelRatio: number;
}

export function drawHeat(context: CanvasRenderingContext2D, scene: HeatScene): void {
  const { canvas } = context;
  const { texels, view, ink, layout } = scene;
  context.imageSmoothingEnabled = false;
  context.fillStyle = ink.ground;
  context.fillRect(0, 0, canvas.width, canvas.height);
  // Only what is on the ground: at 16 times, the whole map would be a thousand times the canvas.
  const from = { x: Math.floor(-view.x / view.scale), y: Math.floor(-view.y / view.scale) };
  const first = { x: Math.max(0, from.x), y: Math.max(0, from.y) };
  const width = Math.min(layout.columns - first.x, Math.ceil(canvas.width / view.scale) + 1);
  const height = Math.min(layout.rows - first.y, Math.ceil(canvas.height / view.scale) + 1);
  if (width <= 0 || height <= 0) return;
  const at = { x: view.x + first.x * view.scale, y: view.y + first.y * view.scale };
  const size = { width: width * view.scale, height: height * view.scale };
  context.drawImage(texels.canvas, first.x, first.y, width, height, at.x, at.y, size.width, size.height);
  drawMarks(context, scene);
  drawNames(context, scene);
  drawSelection(context, scene);
}

function cornerOf({ layout, view }: HeatScene, node: number): { x: number; y: number } {
  const texel = layout.texelOf[node] ?? 0;
  return {
    x: view.x + (texel % layout.columns) * view.scale,
    y: view.y + Math.floor(texel / layout.columns) * view.scale,
  };
}

function drawMarks(context: CanvasRenderingContext2D, scene: HeatScene): void {
  const { marks } = scene.texels;
  const { scale } = scene.view;
  const line = Math.max(1, Math.floor(scale / 10));
  const each = (nodes: readonly number[], mark: (x: number, y: number) => void) => {
    context.beginPath();
    // So many are no exceptions: their texels alone say it, and every frame stays in time.
    if (nodes.length >= marksMax) return;
    for (const node of nodes) {
      const { x, y } = cornerOf(scene, node);
      if (x > -scale && y > -scale && x < context.canvas.width && y < context.canvas.height) mark(x, y);
    }
  };
  if (scale < criticalMin) {
    const around = Math.floor((criticalMin - scale) / 2);
    each(marks.critical, (x, y) => {
      context.rect(x - around, y - around, criticalMin, criticalMin);
    });
    context.fillStyle = scene.ink.critical;
    context.fill();
  }
  if (scale < markMin) return;
  context.strokeStyle = scene.ink.box;
  context.lineWidth = line;
  const inset = line / 2;
  each(marks.offline, (x, y) => {
    context.rect(x + inset, y + inset, scale - line, scale - line);
  });
  context.stroke();
  context.strokeStyle = scene.ink.ground;
  each(marks.cordoned, (x, y) => {
    for (const share of [0.25, 0.75]) {
      const middle = Math.floor(x + scale * share) + inset;
      context.moveTo(middle, y);
      context.lineTo(middle, y + scale);
    }
  });
  context.stroke();
  each(marks.stale, (x, y) => {
    context.moveTo(x, y + scale);
    context.lineTo(x + scale, y);
  });
  context.stroke();
}

/** Names of lines, where the gap above them has room. */
function drawNames(context: CanvasRenderingContext2D, scene: HeatScene): void {
  const { layout, view, pixelRatio } = scene;
  const areaTop = new Map(layout.areas.map(({ group, y }) => [group.at, y]));
  const [first, second] = layout.areas;
  const room = first && second ? (second.y - first.y - first.height) * view.scale : 0;
  if (room < nameHeight * pixelRatio) return;
  context.font = `${10 * pixelRatio}px "JetBrains Mono Variable", monospace`;
  context.fillStyle = scene.ink.text;
  for (const line of layout.lines) {
    const area = groupOf(layout.shape, line.group.first, 'area');
    if (line.y * view.scale < nameHeight - 1 || areaTop.get(area?.at ?? -1) !== line.y) continue;
    const at = { x: view.x + line.x * view.scale, y: view.y + line.y * view.scale };
    if (at.x > context.canvas.width || at.x < -line.width * view.scale) continue;
    context.fillText(line.group.name, at.x, at.y - 4 * pixelRatio, line.width * view.scale);
  }
}

function drawSelection(context: CanvasRenderingContext2D, scene: HeatScene): void {
  const { ink, view, selection, brush, cursor, pixelRatio } = scene;
  context.strokeStyle = ink.selection;
  context.lineWidth = Math.max(1, Math.round(pixelRatio));
  if (selection.size > 0) {
    context.beginPath();
    traceOutline(context, scene);
    context.stroke();
  }
  if (brush) context.strokeRect(brush.x + 0.5, brush.y + 0.5, brush.width, brush.height);
  if (cursor < 0) return;
  const { x, y } = cornerOf(scene, cursor);
  const least = Math.max(view.scale, 6 * pixelRatio);
  const grow = (least - view.scale) / 2 + 1.5 * pixelRatio;
  context.strokeStyle = ink.cursor;
  context.lineWidth = 2 * pixelRatio;
  context.strokeRect(x - grow, y - grow, view.scale + 2 * grow, view.scale + 2 * grow);
}

/** Edges between a chosen node and one that is not. */
function traceOutline(context: CanvasRenderingContext2D, scene: HeatScene): void {
  const { layout, selection, view } = scene;
  const isChosen = (texel: number) => selection.has(layout.nodeAt[texel] ?? -1);
  for (const node of selection) {
    const texel = layout.texelOf[node] ?? 0;
    if (layout.nodeAt[texel] !== node) continue;
    const { x, y } = cornerOf(scene, node);
    const far = { x: x + view.scale, y: y + view.scale };
    if (far.x < 0 || far.y < 0 || x > context.canvas.width || y > context.canvas.height) continue;
    if (!isChosen(texel - layout.columns)) edge(context, [x, y, far.x, y]);
    if (!isChosen(texel + layout.columns)) edge(context, [x, far.y, far.x, far.y]);
    if (!isChosen(texel - 1)) edge(context, [x, y, x, far.y]);
    if (!isChosen(texel + 1)) edge(context, [far.x, y, far.x, far.y]);
  }
}
function edge(
  context: CanvasRenderingContext2D,
  [fromX, fromY, toX, toY]: readonly [number, number, number, number],
): void {
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
}
