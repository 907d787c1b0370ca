// The palette's list for what is typed: recent commands first, then what matches.
import { computed, ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { useRouter } from 'vue-router';
import { fleet } from '../fleet/fleet.ts';
import { useAppearanceStore } from '../stores/appearance.ts';
import { useCommandsStore } from '../stores/commands.ts';
import { usePlantStore } from '../stores/plant.ts';
import { useRights } from '../stores/rights.ts';
import type { PaletteItem } from './paletteItem.ts';
import { fixedItems, nodeItem, queueItem, taskItems } from './paletteItems.ts';
import { scopeOf, searchItems, searchNames } from './paletteSearch.ts';

const recentKey = 'millrace.recentCommands';
const recentMax = 8;
const nodesMax = 12;
const shownMax = 60;

function readRecent(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(recentKey) ?? '[]');
    return Array.isArray(kept) ? kept.filter((id) => typeof id === 'string').slice(0, recentMax) : [];
  } catch {
    return [];
  }
}

export function usePalette(close: () => void) {
  const { t } = useI18n();
  const plant = usePlantStore();
  const tools = { t, router: useRouter(), commands: useCommandsStore(), appearance: useAppearanceStore() };
  const typed = ref('');
  const recent = readRecent();
  const rights = useRights();
  const fixed = fixedItems(tools).filter(({ needs }) => needs === undefined || rights.can(needs));
  /** As they are when the palette opens: a list that moves under the cursor cannot be used. */
  const queues = (plant.frame?.queues ?? []).map((row) => queueItem(row.queue, tools));

  function nodes(text: string): readonly PaletteItem[] {
    const names = fleet.shape.value?.nodes ?? [];
    return searchNames(names, text, nodesMax).map((at) => nodeItem(names[at] ?? '', tools));
  }
  function atRest(): readonly PaletteItem[] {
    const known = [...fixed, ...queues];
    const first = recent.flatMap((id) => known.find((item) => item.id === id) ?? []);
    return [...first, ...known.filter((item) => !first.includes(item))];
  }
  const items = computed<readonly PaletteItem[]>(() => {
    const { group, text } = scopeOf(typed.value);
    if (group === 'node') return nodes(text);
    if (group === 'task') return taskItems(`#${text}`, tools);
    if (group === 'action') return searchItems(fixed, text);
    if (text === '') return atRest().slice(0, shownMax);
    const commands = searchItems([...fixed, ...queues], text);
    return [...commands, ...nodes(text), ...taskItems(text, tools)].slice(0, shownMax);
  });
  function run(item: PaletteItem | undefined): void {
    if (!item) return;
    localStorage.setItem(
      recentKey,
      JSON.stringify([item.id, ...recent.filter((id) => id !== item.id)].slice(0, recentMax)),
    );
    close();
    item.run();
  }
  return { typed, items, run };
}
