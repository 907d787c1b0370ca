// Keys of the heat map: the arrows move a cursor over nodes, + - 0 zoom, E the next worst, Space selects, Enter opens.
import { groupOf } from '../fleet/plantShape.ts';
import type { HeatLayout } from './heatLayout.ts';
import { showTexel, zoomView } from './heatView.ts';
import type { HeatCanvasState } from './useHeatCanvas.ts';

export interface HeatActs {
  readonly open: (node: number) => void;
  readonly nextMetric: () => void;
  /** Nodes beyond a limit, offline or stale: the worst first. */
  readonly worst: () => readonly number[];
  readonly hasSingleKeys: () => boolean;
}
const steps: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
/** Gaps are crossed; this many texels without a node are the map's end. */
const gapMax = 60;

export function useHeatKeys(state: HeatCanvasState, acts: HeatActs) {
  let worstAt = -1;

  function moveTo(node: number | undefined): void {
    const layout = state.layout.value;
    if (node === undefined || node < 0 || !layout) return;
    state.cursor.value = node;
    state.setView(showTexel(state.view.value, layout, state.size.value, layout.texelOf[node] ?? 0));
  }
  function nextWorst(): void {
    const worst = acts.worst();
    if (worst.length === 0) return;
    const found = worst.indexOf(state.cursor.value);
    worstAt = ((found >= 0 ? found : worstAt) + 1) % worst.length;
    moveTo(worst[worstAt]);
  }
  const letters: Readonly<Record<string, () => void>> = { e: nextWorst, m: acts.nextMetric };
  const others: Readonly<Record<string, () => void>> = {
    '+': () => {
      zoomAtCursor(state, 2);
    },
    '=': () => {
      zoomAtCursor(state, 2);
    },
    '-': () => {
      zoomAtCursor(state, -2);
    },
    '0': state.fit,
    ' ': () => {
      toggleCursor(state);
    },
    Enter: () => {
      if (state.cursor.value >= 0) acts.open(state.cursor.value);
    },
    Escape: () => {
      state.selection.value = new Set();
    },
  };
  function onKey(event: KeyboardEvent): void {
    const layout = state.layout.value;
    if (!layout || event.ctrlKey || event.metaKey) return;
    const letter = acts.hasSingleKeys() ? letters[event.key] : undefined;
    const act = letter ?? others[event.key];
    const target = act ? undefined : targetOf(layout, event.key, state.cursor.value);
    if (!act && target === undefined) return;
    event.preventDefault();
    act?.();
    moveTo(target);
  }
  return { onKey, moveTo };
}

function zoomAtCursor(state: HeatCanvasState, by: number): void {
  const layout = state.layout.value;
  if (!layout) return;
  const texel = layout.texelOf[Math.max(0, state.cursor.value)] ?? 0;
  const { scale, x, y } = state.view.value;
  const at = {
    x: x + ((texel % layout.columns) + 0.5) * scale,
    y: y + (Math.floor(texel / layout.columns) + 0.5) * scale,
  };
  state.setView(zoomView(state.view.value, layout, by, at));
}

function toggleCursor(state: HeatCanvasState): void {
  const next = new Set(state.selection.value);
  if (!next.delete(state.cursor.value)) next.add(state.cursor.value);
  state.selection.value = next;
}

function targetOf(layout: HeatLayout, key: string, cursor: number): number | undefined {
  const step = steps[key];
  if (cursor < 0) return step ? 0 : undefined;
  if (step) return nextNode(layout, cursor, step);
  const line = groupOf(layout.shape, cursor, 'line');
  const lines = layout.shape.lines;
  if (!line) return undefined;
  if (key === 'PageDown') return lines[line.at + 1]?.first;
  if (key === 'PageUp') return lines[line.at - 1]?.first;
  if (key === 'Home') return line.first;
  return key === 'End' ? line.first + line.count - 1 : undefined;
}

function nextNode(layout: HeatLayout, cursor: number, [across, down]: readonly [number, number]): number {
  const texel = layout.texelOf[cursor] ?? 0;
  let x = texel % layout.columns;
  let y = Math.floor(texel / layout.columns);
  for (let tries = 0; tries < gapMax; tries += 1) {
    x += across;
    y += down;
    if (x < 0 || y < 0 || x >= layout.columns || y >= layout.rows) return cursor;
    const node = layout.nodeAt[y * layout.columns + x] ?? -1;
    if (node >= 0) return node;
  }
  return cursor;
}
