// How this window looks and listens: theme, language, scale, time zone, single-key shortcuts. Kept between starts.
import { defineStore } from 'pinia';
import { computed, ref, watchEffect } from 'vue';
import type { Zone } from '../format/clock.ts';
import { i18n, type Language, languages } from '../i18n/i18n.ts';

export const themes = ['night', 'day', 'hc'] as const;
type Theme = (typeof themes)[number];
export const scales = [1, 1.25, 1.5, 1.75, 2] as const;
export const zones: readonly Zone[] = ['local', 'utc'];
const storageKey = 'millrace.appearance';

interface Kept {
  readonly theme: Theme;
  readonly language: Language;
  readonly scale: number;
  readonly zone: Zone;
  readonly hasSingleKeys: boolean;
}

function oneOf<Value>(values: readonly Value[], value: unknown, otherwise: Value): Value {
  return values.find((known) => known === value) ?? otherwise;
}

/** What was kept, each part checked by itself, so that one bad part does not lose the others. */
function readKept(): Kept {
  let kept: Record<string, unknown> = {};
  try {
    kept = Object(JSON.parse(localStorage.getItem(storageKey) ?? '{}')) as Record<string, unknown>;
  } catch {
    // Unreadable: start from the defaults.
  }
  return {
    theme: oneOf(themes, kept['theme'], 'night'),
    language: oneOf(languages, kept['language'], navigator.language.startsWith('zh') ? 'zh-CN' : 'en'),
    scale: oneOf<number>(scales, kept['scale'], 1),
    zone: oneOf(zones, kept['zone'], 'local'),
    hasSingleKeys: kept['hasSingleKeys'] !== false,
  };
}

export const useAppearanceStore = defineStore('appearance', () => {
  const kept = readKept();
  const theme = ref(kept.theme);
  const language = ref(kept.language);
  const scale = ref(kept.scale);
  const zone = ref(kept.zone);
  const hasSingleKeys = ref(kept.hasSingleKeys);
  const state = computed<Kept>(() => ({
    theme: theme.value,
    language: language.value,
    scale: scale.value,
    zone: zone.value,
    hasSingleKeys: hasSingleKeys.value,
  }));

  watchEffect(() => {
    localStorage.setItem(storageKey, JSON.stringify(state.value));
    const root = document.documentElement;
    root.dataset['theme'] = theme.value;
    root.lang = language.value;
    root.style.setProperty('--ui-scale', String(scale.value));
    i18n.global.locale.value = language.value;
  });
  return { theme, language, scale, zone, hasSingleKeys };
});
