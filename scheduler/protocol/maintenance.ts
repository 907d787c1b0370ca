// Maintenance windows and licences: what people set for the plant as a whole, and what placement keeps to.
import * as v from 'valibot';
import * as limits from './limits.ts';
import { nameSchema, wholeUpTo } from './text.ts';

const namesSchema = v.pipe(v.array(nameSchema), v.minLength(1), v.maxLength(limits.windowPlacesMax));
const scopeSchema = v.pipe(
  v.strictObject({
    area: v.exactOptional(namesSchema),
    line: v.exactOptional(namesSchema),
    cell: v.exactOptional(namesSchema),
    node: v.exactOptional(namesSchema),
  }),
  v.check((scope) => Object.keys(scope).length > 0, 'names no area, line, cell or node'),
);
const timeSchema = wholeUpTo(Number.MAX_SAFE_INTEGER);

const windowEntries = {
  /** Nodes that have one of the values of each label that is named, as a selector says it. */
  scope: scopeSchema,
  /** ms since 1970. No attempt is started that may last beyond this. */
  fromMs: timeSchema,
  /** From then on the nodes take work again. */
  untilMs: timeSchema,
  /** For people. */
  note: v.optional(v.pipe(v.string(), v.maxLength(limits.windowNoteLengthMax)), ''),
};
export const windowSettingsSchema = v.pipe(
  v.strictObject(windowEntries),
  v.check(({ fromMs, untilMs }) => fromMs < untilMs, 'untilMs is not after fromMs'),
);
/** A time in which nothing is started on some nodes. What runs already goes on. */
export type MaintenanceWindow = v.InferOutput<typeof windowSettingsSchema> & { readonly id: string };

/** How many of a licence there are; 0 stops what needs it. */
export const licenceTotalSchema = wholeUpTo(limits.licenceAmountMax);

/** A licence as windows see it. */
export interface LicenceRow {
  readonly licence: string;
  readonly total: number;
  /** By attempts that have not ended. May be above `total` for a while where that was lowered. */
  readonly held: number;
}

/** In place of a window with the same id. Refused where it is over already. */
export interface PutWindow {
  readonly kind: 'PutWindow';
  readonly window: MaintenanceWindow;
  readonly actor: string;
}
export interface RemoveWindow {
  readonly kind: 'RemoveWindow';
  readonly id: string;
  readonly actor: string;
}
/** Makes a licence, or sets how many there are. What attempts hold beyond it, they keep until they end. */
export interface PutLicence {
  readonly kind: 'PutLicence';
  readonly licence: string;
  readonly total: number;
  readonly actor: string;
}
/** Refused while a live task asks for it. */
export interface RemoveLicence {
  readonly kind: 'RemoveLicence';
  readonly licence: string;
  readonly actor: string;
}

export type MaintenanceCommand = PutWindow | RemoveWindow | PutLicence | RemoveLicence;
export type MaintenanceEvent =
  | { readonly kind: 'window_put'; readonly window: MaintenanceWindow; readonly actor: string }
  /** Without an actor: its time is over. */
  | { readonly kind: 'window_removed'; readonly id: string; readonly actor?: string }
  | { readonly kind: 'licence_put'; readonly licence: string; readonly total: number; readonly actor: string }
  | { readonly kind: 'licence_removed'; readonly licence: string; readonly actor: string };
