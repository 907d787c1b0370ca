// The entries that match, newest first: more are read as the reader comes near the end, new ones come on top.
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue';
import { useI18n } from 'vue-i18n';
import type { AuditEntry } from '../../scheduler/protocol/audit.ts';
import type { ParamsInput } from '../../scheduler/protocol/consoleWire.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';
import { useRights } from '../stores/rights.ts';
import { useSessionStore } from '../stores/session.ts';

const pageRows = 100;
const refreshMs = 2_000;
/** Rows before the end at which more are read. */
const ahead = 60;
/** Enough to scroll through; what is older is found by a filter. */
const rowsMax = 20_000;

interface Found {
  readonly rows: readonly AuditEntry[];
  readonly isLoaded: boolean;
  /** There are more below this number. */
  readonly nextBefore?: number | undefined;
}
type Filter = ParamsInput<'listAudit'>['filter'];

/** The entries of one filter. A new filter has new ones: an answer that comes late finds nobody. */
function createPages(filter: () => Filter) {
  const found = shallowRef<Found>({ rows: [], isLoaded: false });
  const isSearching = ref(false);
  let wanted = pageRows;

  function isShort(): boolean {
    const { rows, isLoaded, nextBefore } = found.value;
    return rows.length < Math.min(wanted, rowsMax) && (!isLoaded || nextBefore !== undefined);
  }
  /** Reads on until there are as many rows as are wanted: a page that took long is short. */
  async function readOn(isStill: () => boolean): Promise<void> {
    if (isSearching.value) return;
    isSearching.value = true;
    try {
      while (isShort() && isStill()) {
        const before = found.value.nextBefore;
        const asks = { filter: filter(), limit: pageRows, ...(before !== undefined && { before }) };
        const page = await bridge.call('listAudit', asks);
        const rows = [...found.value.rows, ...page.entries];
        found.value = { rows, isLoaded: true, nextBefore: page.nextBefore };
      }
    } finally {
      isSearching.value = false;
    }
  }
  /** False: more came than a page holds, so that some would be left out. */
  async function readNew(): Promise<boolean> {
    const { rows, isLoaded, nextBefore } = found.value;
    if (!isLoaded || isSearching.value) return true;
    const page = await bridge.call('listAudit', { filter: filter(), limit: pageRows });
    if (found.value.rows !== rows) return true;
    const newest = rows[0]?.seq ?? 0;
    const fresh = page.entries.filter(({ seq }) => seq > newest);
    if (fresh.length > 0) found.value = { rows: [...fresh, ...rows], isLoaded, nextBefore };
    return fresh.length < pageRows;
  }
  function want(rows: number): void {
    wanted = Math.max(wanted, rows);
  }
  return { found, isSearching, readOn, readNew, want };
}

export function useAuditList(key: () => string, filter: () => Filter) {
  const { t } = useI18n();
  const session = useSessionStore();
  const rights = useRights();
  const isAsked = computed(() => session.isLive && rights.can('listAudit'));
  const pages = shallowRef(createPages(filter));
  const failure = ref<string>();

  async function carefully(read: (of: typeof pages.value) => Promise<void>): Promise<void> {
    const of = pages.value;
    if (!isAsked.value) return;
    try {
      await read(of);
      if (of === pages.value) failure.value = undefined;
    } catch (error) {
      if (of === pages.value) failure.value = describeFailure(error, t);
    }
  }
  const readOn = () => carefully((of) => of.readOn(() => of === pages.value));
  function begin(): void {
    pages.value = createPages(filter);
    failure.value = undefined;
    void readOn();
  }
  function showRange(first: number, count: number): void {
    pages.value.want(first + count + ahead);
    void readOn();
  }
  watch([key, isAsked], begin, { immediate: true });
  const timer = setInterval(() => {
    if (document.hidden) return;
    void carefully(async (of) => {
      if (!(await of.readNew()) && of === pages.value) begin();
    });
  }, refreshMs);
  onScopeDispose(() => {
    pages.value = createPages(filter);
    clearInterval(timer);
  });
  const rows = computed(() => pages.value.found.value.rows);
  /** Why there are no rows, where it is not that none match. */
  const absence = computed(() => {
    const { found, isSearching } = pages.value;
    if (failure.value !== undefined) return failure.value;
    if (!session.isLive) return t('state.disconnected');
    if (!isAsked.value) return rights.why('listAudit');
    return found.value.isLoaded && !(isSearching.value && rows.value.length === 0) ? '' : t('state.loading');
  });
  const hasMore = computed(() => pages.value.found.value.nextBefore !== undefined);
  return { rows, failure, absence, hasMore, showRange, begin };
}
