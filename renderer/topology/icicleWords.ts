// The icicle in words: what is said of a group beside its name, and the full path of what the cursor is on.
import type { PlantStats } from '../fleet/groupStats.ts';
import { type Group, groupOf, nodePath, pathOf, type PlantShape } from '../fleet/plantShape.ts';
import { formatCount } from '../format/quantity.ts';
import type { TranslateCount } from '../i18n/i18n.ts';
import type { IcicleBox } from './icicle.ts';

export function icicleWords(shape: PlantShape, stats: PlantStats, t: TranslateCount) {
  const nodes = (count: number): string => t('topology.nodes', { count: formatCount(count) }, count);
  const nameOf = (group: Group): string =>
    group.level === 'plant' ? t('topology.plant', {}) : pathOf(shape, group);

  /** The most important last: what does not fit is left out from the front. */
  function notes({ group, count }: IcicleBox): readonly string[] {
    if (!group) return [];
    const { offline, crit } = stats.of(group);
    return [
      nodes(count),
      offline > 0 ? t('topology.offline', { count: formatCount(offline) }) : '',
      crit > 0 ? t('topology.crit', { count: formatCount(crit) }) : '',
    ].filter((part) => part !== '');
  }
  function spoken(box: IcicleBox | undefined, focus: Group): string {
    if (!box) return nameOf(focus);
    if (box.group) return `${nameOf(box.group)} – ${notes(box).join(' · ')}`;
    if (box.level === 'node' && box.count === 1) return nodePath(shape, box.first);
    const first = groupOf(shape, box.first, 'cell');
    return `${first ? pathOf(shape, first) : ''} … ${nodes(box.count)}`;
  }
  return { notes, spoken };
}
