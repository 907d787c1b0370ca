// Life of a heat map on a canvas: laid out for its size, repainted with each frame, drawn once per screen frame.
import { onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue';
import { fleet } from '../fleet/fleet.ts';
import { useAppearanceStore } from '../stores/appearance.ts';
import { type HeatLayout, layOut } from './heatLayout.ts';
import { HeatScreen, type HeatSummary, type HeatWish } from './heatScreen.ts';
import { clampView, fitView, type HeatView } from './heatView.ts';
import { useCanvasSize } from './useCanvasSize.ts';

const updateMeasure = 'heat-update';
/** Device pixels each way below which nothing is laid out: the panel is being opened. */
const sizeMin = 20;

export function useHeatCanvas(canvas: Ref<HTMLCanvasElement | null>, wish: () => HeatWish) {
  const appearance = useAppearanceStore();
  const { size, pixelRatio, localRatio } = useCanvasSize(canvas);
  const screen = new HeatScreen();
  const layout = shallowRef<HeatLayout>();
  const summary = shallowRef<HeatSummary>();
  const { view, cursor, selection, brush } = useMarks();

  const draw = (): void => {
    const [at, picked] = [cursor.value, selection.value];
    const marks = { view: view.value, cursor: at, selection: picked, brush: brush.value };
    screen.draw({ ...marks, pixelRatio: pixelRatio.value });
  };
  const drawSoon = useOncePerFrame(draw);
  function layAnew(): void {
    const { width, height } = size.value;
    const shape = fleet.shape.value;
    if (!canvas.value || !shape || width < sizeMin || height < sizeMin) return;
    Object.assign(canvas.value, { width, height });
    layout.value = layOut(shape, size.value);
    screen.lay(canvas.value, layout.value);
    view.value = fitView(layout.value);
    update();
  }
  /** Bytes -> texels -> canvas. */
  function update(): void {
    const start = performance.now();
    const taken = screen.take(wish());
    if (!taken) return;
    draw();
    summary.value = taken;
    performance.measure(updateMeasure, { start, end: performance.now(), detail: { atMs: taken.atMs } });
    // Observers have it; the buffer itself would grow over a shift.
    performance.clearMeasures(updateMeasure);
  }
  watch([size, fleet.shape], layAnew, { flush: 'post' });
  watch(() => [wish().metric, wish().scale, wish().only, fleet.version(wish().metric).value], update, {
    flush: 'post',
  });
  const redye = (): void => {
    screen.forgetInk();
    update();
  };
  watch(() => appearance.theme, redye, { flush: 'post' });
  watch([view, cursor, selection, brush], drawSoon);
  void document.fonts.load('10px "JetBrains Mono Variable"').then(drawSoon);
  const setView = (next: HeatView): void => {
    if (layout.value) view.value = clampView(next, layout.value, size.value);
  };
  const fit = (): void => {
    if (layout.value) view.value = fitView(layout.value);
  };
  return { size, layout, view, cursor, selection, brush, summary, pixelRatio, localRatio, setView, fit };
}
export type HeatCanvasState = ReturnType<typeof useHeatCanvas>;

/** What lies over the map: where it is looked at, the cursor, what is selected. */
function useMarks() {
  const view = shallowRef<HeatView>({ scale: 1, x: 0, y: 0 });
  const cursor = ref(-1);
  const selection = shallowRef<ReadonlySet<number>>(new Set());
  const brush = shallowRef<{ x: number; y: number; width: number; height: number }>();
  watch(fleet.shape, () => {
    // Indexes of another structure are other nodes.
    selection.value = new Set();
    cursor.value = -1;
  });
  return { view, cursor, selection, brush };
}

/** However often it is asked for, at most once per frame of the screen. */
function useOncePerFrame(run: () => void): () => void {
  let asked: number | undefined;
  onScopeDispose(() => {
    if (asked !== undefined) cancelAnimationFrame(asked);
  });
  return () => {
    asked ??= requestAnimationFrame(() => {
      asked = undefined;
      run();
    });
  };
}
