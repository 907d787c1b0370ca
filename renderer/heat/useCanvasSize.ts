// A canvas's size in device pixels, followed as it changes, and how those relate to the page's own pixels.
import { computed, onScopeDispose, type Ref, ref, watch } from 'vue';

export function useCanvasSize(canvas: Ref<HTMLCanvasElement | null>) {
  const size = ref({ width: 0, height: 0 });
  const observer = new ResizeObserver(([entry]) => {
    const box = entry?.devicePixelContentBoxSize[0];
    if (box) size.value = { width: box.inlineSize, height: box.blockSize };
  });
  watch(canvas, (element, before) => {
    if (before) observer.unobserve(before);
    if (element) observer.observe(element, { box: 'device-pixel-content-box' });
  });
  onScopeDispose(() => {
    observer.disconnect();
  });
  const ratioTo = (shown: number): number =>
    shown > 0 && size.value.width > 0 ? size.value.width / shown : 1;
  return {
    size,
    /** Device pixels per pixel of the window. */
    pixelRatio: computed(() => ratioTo(canvas.value?.getBoundingClientRect().width ?? 0)),
    /** Device pixels per pixel of the frame's own scale, in which labels over the map are placed. */
    localRatio: computed(() => ratioTo(canvas.value?.offsetWidth ?? 0)),
  };
}
