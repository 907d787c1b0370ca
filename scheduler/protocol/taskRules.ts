// What a task may say of where it runs beside its resources, and of how many it is.
import * as v from 'valibot';
import * as limits from './limits.ts';
import { boundedRecord, labelValueSchema, nameSchema, wholeFrom } from './text.ts';

/** From narrow to wide: each cell lies in one line, each line in one area. */
export const placeScopes = ['node', 'cell', 'line', 'area'] as const;
export type PlaceScope = (typeof placeScopes)[number];

export const labelValuesSchema = boundedRecord(
  v.pipe(v.array(labelValueSchema), v.minLength(1), v.maxLength(limits.selectorValuesMax)),
  limits.labelsMax,
  'labels',
);
/** Label -> values, as in a selector. */
export type LabelValues = v.InferOutput<typeof labelValuesSchema>;

/** Labels of tasks, all of which must be there with these values. */
const taskLabelsSchema = v.pipe(
  v.record(nameSchema, labelValueSchema),
  v.check((labels) => Object.keys(labels).length >= 1, 'names no label'),
  v.check(
    (labels) => Object.keys(labels).length <= limits.affinityLabelsMax,
    `at most ${String(limits.affinityLabelsMax)} labels`,
  ),
);
const neighboursSchema = v.strictObject({
  /** Attempts of tasks with these labels, in any queue. */
  labels: taskLabelsSchema,
  within: v.picklist(placeScopes),
});

export const placementSchema = v.strictObject({
  /** Never on nodes with any of these label values. */
  avoid: v.exactOptional(labelValuesSchema),
  /** Rather on nodes with these label values; the sum of the weights that fit counts. */
  prefer: v.exactOptional(
    v.pipe(
      v.array(
        v.strictObject({ labels: labelValuesSchema, weight: wholeFrom(1, limits.preferenceWeightMax) }),
      ),
      v.minLength(1),
      v.maxLength(limits.preferencesMax),
    ),
  ),
  /** Only where such a task is placed already, in the same node, cell, line or area. The first one goes anywhere. */
  together: v.exactOptional(neighboursSchema),
  /** Only where no such task is. */
  apart: v.exactOptional(neighboursSchema),
  /**
   * Evenly over cells, lines, areas or nodes: none gets more than `skewMax` such tasks above the one with fewest,
   * among those that could take the task.
   */
  spread: v.exactOptional(
    v.strictObject({
      labels: taskLabelsSchema,
      over: v.picklist(placeScopes),
      skewMax: v.optional(wholeFrom(1, limits.spreadSkewMax), 1),
    }),
  ),
  /** A node for itself: one without attempts, and none joins it there. */
  isExclusive: v.exactOptional(v.boolean()),
});
export type Placement = v.InferOutput<typeof placementSchema>;

export const arraySchema = v.strictObject({
  count: wholeFrom(1, limits.arrayCountMax),
  /** Elements that run at a time; absent: as many as there is room for. */
  runningMax: v.exactOptional(wholeFrom(1, limits.arrayCountMax)),
});

export const gangSchema = v.strictObject({
  size: wholeFrom(2, limits.gangSizeMax),
  /** Given up where not all of it could be placed within this time of its submission. */
  placeWithinMs: v.optional(wholeFrom(1_000, limits.timeoutMaxMs), limits.gangPlaceWithinDefaultMs),
});

/** Why a placement contradicts itself or the selector, in words that name the fields; undefined where it does not. */
export function contradictionIn(placement: Placement, selector: LabelValues): string | undefined {
  for (const [label, values] of Object.entries(selector)) {
    const avoided = placement.avoid?.[label] ?? [];
    if (avoided.length > 0 && values.every((value) => avoided.includes(value)))
      return `placement.avoid.${label} rules out every value of selector.${label}: no node could ever fit`;
  }
  const { together, apart } = placement;
  if (!together || !apart || !isSame(together.labels, apart.labels)) return undefined;
  const isWider = placeScopes.indexOf(apart.within) >= placeScopes.indexOf(together.within);
  return isWider
    ? `placement.together (${together.within}) and placement.apart (${apart.within}) name the same tasks`
    : undefined;
}

const isSame = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  Object.keys(a).length === Object.keys(b).length &&
  Object.entries(a).every(([label, value]) => b[label] === value);
