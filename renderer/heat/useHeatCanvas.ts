// Life of a heat map on a canvas: lays the plant out for its size, repaints with each frame, draws once per screen frame.
import { computed, onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue';
import { type MetricId, metrics } from '../../scheduler/protocol/fleetFrames.ts';
import { fleet } from '../fleet/fleet.ts';
import { useAppearanceStore } from '../stores/appearance.ts';
import { bandBytes, type BandBytes, type HeatBand, type HeatScale, makeLut, packed } from './heatColors.ts';
import { type HeatLayout, layOut } from './heatLayout.ts';
import { drawHeat } from './heatPainter.ts';
import { createTexels, type TexelImage } from './heatTexels.ts';
import { clampView, fitView, type HeatView } from './heatView.ts';
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
export const updateMeasure = 'heat-update';

export function useHeatCanvas(canvas: Ref<HTMLCanvasElement | null>, wish: () => HeatWish) {
  const appearance = useAppearanceStore();
  const size = ref({ width: 0, height: 0 });
  const layout = shallowRef<HeatLayout>();
  const view = shallowRef<HeatView>({ scale: 1, x: 0, y: 0 });
  const cursor = ref(-1);
  const selection = shallowRef<ReadonlySet<number>>(new Set());
  const brush = shallowRef<{ x: number; y: number; width: number; height: number }>();
  const summary = shallowRef<HeatSummary>();
  let texels: TexelImage | undefined;
  let ink: HeatInk | undefined;
  let asked: number | undefined;

  const observer = new ResizeObserver(([entry]) => {
    const box = entry?.devicePixelContentBoxSize[0];
    if (box) size.value = { width: box.inlineSize, height: box.blockSize };
  });
  watch(canvas, (element, before) => {
    if (before) observer.unobserve(before);
    if (element) observer.observe(element, { box: 'device-pixel-content-box' });
  });
  const pixelRatio = computed(() => {
    const shown = canvas.value?.getBoundingClientRect().width ?? 0;
    return shown > 0 && size.value.width > 0 ? size.value.width / shown : 1;
  });
  /** Device pixels per pixel of the frame's own scale, in which labels over the map are placed. */
  const localRatio = computed(() => {
    const shown = canvas.value?.offsetWidth ?? 0;
    return shown > 0 && size.value.width > 0 ? size.value.width / shown : 1;
  });
  function layAnew(): void {
    const element = canvas.value;
    const { shape } = fleet;
    const { width, height } = size.value;
    if (!element || !shape.value || width < 20 || height < 20) return;
    element.width = width;
    element.height = height;
    layout.value = layOut(shape.value, size.value);
    texels = createTexels(layout.value);
    view.value = fitView(layout.value);
    update();
  }
  /** Bytes -> texels -> canvas. */
  function update(): void {
    const element = canvas.value;
    const { metric, scale, only } = wish();
    if (!element || !texels || !layout.value) return;
    const startedAt = performance.now();
    ink ??= readInk(element);
    const bands = bandBytes(metrics[metric], texels.histogram);
    const lut = makeLut({ scale, only, bands, palette: ink.palette, histogram: texels.histogram });
    const offline = packed(only === undefined || only === 'offline' ? ink.palette.ground : ink.palette.dim);
    const { values, atMs } = fleet.peek(metric);
    if (values.length === layout.value.shape.count)
      texels.update(values, fleet.flags(), { lut, critFrom: bands.crit, offline });
    draw();
    summary.value = { histogram: texels.histogram, bands, ...texels.counts };
    performance.measure(updateMeasure, { start: startedAt, end: performance.now(), detail: { atMs } });
    // Observers have it; the buffer itself would grow over a shift.
    performance.clearMeasures(updateMeasure);
  }
  function draw(): void {
    const context = canvas.value?.getContext('2d', { alpha: false });
    if (!context || !layout.value || !texels || !ink) return;
    drawHeat(context, {
      layout: layout.value,
      texels,
      ink,
      view: view.value,
      cursor: cursor.value,
      selection: selection.value,
      brush: brush.value,
      pixelRatio: pixelRatio.value,
    });
  }
  function drawSoon(): void {
    asked ??= requestAnimationFrame(() => {
      asked = undefined;
      draw();
    });
  }
  watch([size, fleet.shape], layAnew, { flush: 'post' });
  watch(fleet.shape, () => {
    // Indexes of another structure are other nodes.
    selection.value = new Set();
    cursor.value = -1;
  });
  watch(() => [wish().metric, wish().scale, wish().only, fleet.version(wish().metric).value], update, {
    flush: 'post',
  });
  watch(
    () => appearance.theme,
    () => {
      ink = undefined;
      update();
    },
    { flush: 'post' },
  );
  watch([view, cursor, selection, brush], drawSoon);
  void document.fonts.load('10px "JetBrains Mono Variable"').then(drawSoon);
  onScopeDispose(() => {
    observer.disconnect();
    if (asked !== undefined) cancelAnimationFrame(asked);
  });
  function setView(next: HeatView): void {
    if (layout.value) view.value = clampView(next, layout.value, size.value);
  }
  function fit(): void {
    if (layout.value) view.value = fitView(layout.value);
  }
  return { size, layout, view, cursor, selection, brush, summary, pixelRatio, localRatio, setView, fit };
}
export type HeatCanvasState = ReturnType<typeof useHeatCanvas>;
