// Draws the icicle: quiet greys; at the right edge of each group how much of it is beyond a limit, or offline.
import { fleetFlag, noData } from '../../scheduler/protocol/fleetFrames.ts';
import type { PlantStats } from '../fleet/groupStats.ts';
import type { Group } from '../fleet/plantShape.ts';
import { alongRamp, type BandBytes, type Rgb } from '../heat/heatColors.ts';
import type { HeatInk } from '../heat/readPalette.ts';
import type { IcicleBox } from './icicle.ts';

export interface IcicleScene {
  readonly boxes: readonly IcicleBox[];
  readonly stats: PlantStats;
  readonly values: Uint8Array;
  readonly flags: Uint8Array;
  readonly bands: BandBytes;
  readonly ink: HeatInk;
  readonly names: { readonly text: string; readonly dim: string };
  readonly groupName: (group: Group) => string;
  /** Box under the pointer or the cursor. */
  readonly pointed: IcicleBox | undefined;
  readonly nodeName: (index: number) => string;
  /** What is said of a group beside its name, the most important last. */
  readonly notes: (box: IcicleBox) => readonly string[];
  readonly ratio: number;
}
const labelHeight = 10;
const troubleWidth = 7;
const noteHeight = 15;

const css = ([red, green, blue]: Rgb): string => `rgb(${red} ${green} ${blue})`;

export function drawIcicle(context: CanvasRenderingContext2D, scene: IcicleScene): void {
  context.setTransform(scene.ratio, 0, 0, scene.ratio, 0, 0);
  context.fillStyle = scene.ink.ground;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  context.textBaseline = 'middle';
  for (const box of scene.boxes) {
    context.fillStyle = fillOf(box, scene);
    // Nodes that share a box join their neighbours: no line between them means anything.
    const gap = (box.group ?? (box.count === 1 && box.height > 7)) ? 1 : 0;
    context.fillRect(box.x, box.y, box.width - 1, Math.max(1, box.height - gap));
    if (box.group) drawTrouble(context, scene, box);
    if (box.height >= labelHeight) drawLabel(context, scene, box);
  }
  if (!scene.pointed) return;
  const { x, y, width, height } = scene.pointed;
  context.strokeStyle = scene.ink.cursor;
  context.lineWidth = 2;
  context.strokeRect(x + 1, y + 1, width - 3, Math.max(3, height - 3));
}

/** Of a group its quiet middle; of nodes that share a box the worst. */
function fillOf(box: IcicleBox, { values, flags, bands, ink }: IcicleScene): string {
  const quiet = (byte: number) => css(alongRamp(ink.palette.quiet, byte / Math.max(1, bands.top)));
  if (box.group) return quiet(middle(values, box));
  let worst = 0;
  let online = 0;
  for (let index = box.first; index < box.first + box.count; index += 1) {
    if (((flags[index] ?? 0) & fleetFlag.online) === 0) continue;
    online += 1;
    const byte = values[index] ?? noData;
    if (byte !== noData && byte > worst) worst = byte;
  }
  if (online === 0) return ink.ground;
  if (worst >= bands.crit) return ink.critical;
  if (worst < bands.warn) return quiet(worst);
  return css(alongRamp(ink.palette.warn, (worst - bands.warn) / Math.max(1, bands.crit - bands.warn)));
}
function middle(values: Uint8Array, { first, count }: IcicleBox): number {
  let sum = 0;
  let seen = 0;
  for (let index = first; index < first + count; index += 1) {
    const byte = values[index] ?? noData;
    if (byte === noData) continue;
    sum += byte;
    seen += 1;
  }
  return seen > 0 ? sum / seen : 0;
}

function drawTrouble(context: CanvasRenderingContext2D, { stats, ink }: IcicleScene, box: IcicleBox): void {
  if (!box.group || box.height < 3) return;
  const { total, crit, warn, offline } = stats.of(box.group);
  const x = box.x + box.width - 1 - troubleWidth;
  const room = box.height - 1;
  let y = box.y;
  for (const [count, colour] of [
    [crit, ink.critical],
    [warn, css(ink.palette.warn[1])],
    [offline, ink.box],
  ] as const) {
    if (count === 0) continue;
    const height = Math.min(room, Math.max(2, Math.round((count / Math.max(1, total)) * room)));
    context.fillStyle = colour;
    context.fillRect(x, y, troubleWidth, height);
    y += height;
  }
}

function drawLabel(context: CanvasRenderingContext2D, scene: IcicleScene, box: IcicleBox): void {
  const name = box.group ? scene.groupName(box.group) : box.count === 1 ? scene.nodeName(box.first) : '';
  if (name === '') return;
  const room = box.width - 14 - (box.group ? troubleWidth : 0);
  const notes = scene.notes(box);
  const isTall = box.height > (notes.length + 1) * noteHeight + 10;
  const y = isTall ? box.y + noteHeight : box.y + box.height / 2;
  const size = Math.min(12, box.height - 1);
  context.font = `600 ${size}px "Inter Variable", "Noto Sans SC Variable", sans-serif`;
  context.fillStyle = scene.names.text;
  context.fillText(name, box.x + 7, y, room);
  const used = context.measureText(name).width + 10;
  context.font = `${Math.min(11, size)}px "Inter Variable", "Noto Sans SC Variable", sans-serif`;
  context.fillStyle = scene.names.dim;
  if (isTall) {
    for (const [at, note] of notes.entries())
      context.fillText(note, box.x + 7, y + (at + 1) * noteHeight, room);
    return;
  }
  // What does not fit is left out from the front: the counts of trouble stay longest.
  for (let from = 0; from < notes.length; from += 1) {
    const text = notes.slice(from).join(' · ');
    if (context.measureText(text).width > room - used) continue;
    context.fillText(text, box.x + 7 + used, y);
    return;
  }
}
