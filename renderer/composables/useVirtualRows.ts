// Scrolling of a fixed pool of rows over a list of any length: wheel moves exact rows, the thumb jumps.
import { computed, onScopeDispose, ref, watch, type Ref } from 'vue';
import { offsetMax, offsetShowing, rowsAt, scrollHeight, scrollRatio } from '../kit/virtualWindow.ts';

export interface VirtualRow {
  /** The pool's slot: the same element shows one row after another. */
  readonly slot: number;
  readonly index: number;
  readonly top: number;
}

/** Inner size of an element, followed. */
function useInnerSize(element: Ref<HTMLElement | null>) {
  const height = ref(0);
  const width = ref(0);
  const observer = new ResizeObserver(([entry]) => {
    height.value = entry?.contentRect.height ?? 0;
    width.value = entry?.contentRect.width ?? 0;
  });
  watch(element, (now, before) => {
    if (before) observer.unobserve(before);
    if (now) observer.observe(now);
  });
  onScopeDispose(() => {
    observer.disconnect();
  });
  return { height, width };
}

interface Heights {
  readonly rowHeight: number;
  /** Of a head that stays at the top of the scrolled element. */
  readonly headHeight: number;
}

export function useVirtualRows(
  scroller: Ref<HTMLElement | null>,
  total: () => number,
  { rowHeight, headHeight }: Heights,
) {
  const size = useInnerSize(scroller);
  const offset = ref(0);
  const scrollTop = ref(0);
  const viewport = computed(() => Math.max(0, size.height.value - headHeight));
  const geometry = computed(() => ({ total: total(), rowHeight, viewport: viewport.value }));
  const ratio = computed(() => scrollRatio(geometry.value));
  const height = computed(() => scrollHeight(geometry.value));
  const visible = computed(() => rowsAt(geometry.value, offset.value));
  const rows = computed<readonly VirtualRow[]>(() => {
    const pool = Math.ceil(viewport.value / rowHeight) + 1;
    const { first, count } = visible.value;
    return Array.from({ length: count }, (_, at) => {
      const index = first + at;
      return { slot: index % pool, index, top: scrollTop.value + index * rowHeight - offset.value };
    });
  });

  function moveTo(next: number): void {
    const element = scroller.value;
    if (!element) return;
    offset.value = Math.min(Math.max(0, next), offsetMax(geometry.value));
    element.scrollTop = offset.value / ratio.value;
    scrollTop.value = element.scrollTop;
  }
  function onScroll(): void {
    const element = scroller.value;
    if (!element || Math.abs(element.scrollTop - scrollTop.value) < 1) return;
    scrollTop.value = element.scrollTop;
    offset.value = element.scrollTop * ratio.value;
  }
  function onWheel(event: WheelEvent): void {
    // With a scaled scrollbar one pixel is many rows: move by the wheel's own distance instead.
    if (ratio.value === 1 || event.ctrlKey) return;
    event.preventDefault();
    moveTo(offset.value + event.deltaY);
  }
  function show(row: number): void {
    moveTo(offsetShowing(geometry.value, offset.value, row));
  }
  const fit = () => {
    if (offset.value > offsetMax(geometry.value)) moveTo(offsetMax(geometry.value));
  };
  watch(() => geometry.value.total, fit, { flush: 'post' });
  return { rows, visible, height, width: size.width, onScroll, onWheel, moveTo, show };
}
