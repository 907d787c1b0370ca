// Mouse and pen on the heat map: hover reads out, wheel zooms at the pointer, drag pans, Shift and drag selects.
import { ref } from 'vue';
import type { HeatLayout } from './heatLayout.ts';
import { nodeAtPoint, zoomView } from './heatView.ts';
import type { HeatCanvasState } from './useHeatCanvas.ts';

interface Point {
  readonly x: number;
  readonly y: number;
}
type Drag =
  | { readonly kind: 'pan'; readonly from: Point; readonly view: Point }
  | { readonly kind: 'brush'; readonly from: Point; readonly removes: boolean };
/** Device pixels that a press may wander and still be a click. */
const clickSlack = 4;

export function useHeatPointer(state: HeatCanvasState, pick: (node: number) => void) {
  /** Where the pointer is, for the readout: CSS pixels in the canvas. */
  const pointer = ref<Point>();
  let drag: Drag | undefined;
  let hasMoved = false;

  const pointOf = (event: MouseEvent): Point => pointIn(event, state.pixelRatio.value);
  function nodeAt({ x, y }: Point): number {
    return state.layout.value ? nodeAtPoint(state.view.value, state.layout.value, x, y) : -1;
  }
  function onDown(event: PointerEvent): void {
    if (event.button !== 0) return;
    const from = pointOf(event);
    hasMoved = false;
    drag = event.shiftKey
      ? { kind: 'brush', from, removes: event.altKey }
      : { kind: 'pan', from, view: state.view.value };
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
  }
  function onMove(event: PointerEvent): void {
    const at = pointOf(event);
    pointer.value = { x: at.x / state.localRatio.value, y: at.y / state.localRatio.value };
    if (!drag) {
      state.cursor.value = nodeAt(at);
      return;
    }
    hasMoved ||= Math.abs(at.x - drag.from.x) + Math.abs(at.y - drag.from.y) > clickSlack;
    if (!hasMoved) return;
    if (drag.kind === 'brush') {
      state.brush.value = rectangle(drag.from, at);
      return;
    }
    state.setView({
      scale: state.view.value.scale,
      x: drag.view.x + at.x - drag.from.x,
      y: drag.view.y + at.y - drag.from.y,
    });
  }
  function onUp(event: PointerEvent): void {
    const done = drag;
    drag = undefined;
    if (!done) return;
    if (done.kind === 'brush') applyBrush(state, done.removes);
    else if (!hasMoved) {
      const node = nodeAt(pointOf(event));
      if (node >= 0) pick(node);
    }
    state.brush.value = undefined;
  }
  function onWheel(event: WheelEvent): void {
    if (!state.layout.value) return;
    event.preventDefault();
    state.setView(zoomView(state.view.value, state.layout.value, wheelSteps(event), pointOf(event)));
  }
  function onLeave(): void {
    pointer.value = undefined;
    if (!drag) state.cursor.value = -1;
  }
  return { pointer, onDown, onMove, onUp, onWheel, onLeave };
}

/** Device pixels from the corner of the canvas. */
function pointIn(event: MouseEvent, ratio: number): Point {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
}

/** One to three steps of zoom: mice turn in large steps, touch pads in many small ones. */
const wheelSteps = ({ deltaY }: WheelEvent): number =>
  -Math.sign(deltaY) * Math.min(3, Math.max(1, Math.abs(deltaY) / 100));

/** The nodes under the brush are added to the selection, or taken from it. */
function applyBrush(state: HeatCanvasState, removes: boolean): void {
  const area = state.brush.value;
  const layout = state.layout.value;
  if (!area || !layout) return;
  const { scale, x, y } = state.view.value;
  const next = new Set(state.selection.value);
  const column = (at: number) => Math.floor((at - x) / scale);
  const row = (at: number) => Math.floor((at - y) / scale);
  for (let down = Math.max(0, row(area.y)); down <= row(area.y + area.height); down += 1)
    for (let across = Math.max(0, column(area.x)); across <= column(area.x + area.width); across += 1) {
      const node = across < layout.columns ? (layout.nodeAt[down * layout.columns + across] ?? -1) : -1;
      if (node >= 0) turnTexel(next, layout, { first: node, removes });
    }
  state.selection.value = next;
}

/** All nodes that share a texel, where they do. */
function turnTexel(
  nodes: Set<number>,
  { texelOf }: HeatLayout,
  { first, removes }: { readonly first: number; readonly removes: boolean },
): void {
  for (let node = first; node < texelOf.length && texelOf[node] === texelOf[first]; node += 1) {
    if (removes) nodes.delete(node);
    else nodes.add(node);
  }
}

function rectangle(a: Point, b: Point) {
  return {
    x: Math.min(a.x, b.x),
    y: Math.min(a.y, b.y),
    width: Math.abs(a.x - b.x),
    height: Math.abs(a.y - b.y),
  };
}
