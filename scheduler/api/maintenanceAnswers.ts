// Answers about maintenance windows and licences, as schemas.
import * as v from 'valibot';
import { logLevelSchema } from '../protocol/logLevel.ts';
import type { LicenceRow, MaintenanceWindow } from '../protocol/maintenance.ts';
import { answerOf, amount, count } from './answerOf.ts';

const names = v.exactOptional(v.array(v.string()));
const window = answerOf<MaintenanceWindow>()(
  v.object({
    id: v.string(),
    scope: v.object({ area: names, line: names, cell: names, node: names }),
    fromMs: amount,
    untilMs: amount,
    note: v.string(),
  }),
);
const licence = answerOf<LicenceRow>()(v.object({ licence: v.string(), total: count, held: count }));

export const maintenanceAnswers = {
  MaintenanceWindow: window,
  WindowList: v.object({ windows: v.array(window) }),
  WindowAnswer: v.object({ id: v.string() }),
  LicenceRow: licence,
  LicenceList: v.object({ licences: v.array(licence) }),
  LogLevel: v.object({ level: logLevelSchema }),
  LicenceAnswer: v.object({ licence: v.string() }),
};
