// The retention form: what is typed <-> the bounds that the host takes, checked by the host's own schema.
import { decode } from '../../scheduler/protocol/decode.ts';
import { type Retention, retentionSchema } from '../../scheduler/protocol/storage.ts';
import { problemText } from '../format/problemText.ts';

export interface RetentionDraft {
  tasksMax: number | undefined;
  historyBytesMax: number | undefined;
  logBytesMax: number | undefined;
  /** Empty: no bound. */
  daysMax: number | '';
}

export const draftOf = (kept: Retention): RetentionDraft => ({
  tasksMax: kept.tasksMax,
  historyBytesMax: kept.historyBytesMax,
  logBytesMax: kept.logBytesMax,
  daysMax: kept.daysMax ?? '',
});

interface ReadDraft {
  readonly retention?: Retention;
  /** What is wrong, and with which field. */
  readonly field?: string;
  readonly message?: string;
}

/** `kept`: what the host has; bounds that the form does not show stay as they are. */
export function readDraft(draft: RetentionDraft, name: string, kept: Partial<Retention> = {}): ReadDraft {
  const unshown = Object.entries(kept).filter(([field]) => !(field in draft));
  const typed = Object.entries(draft).filter(([, value]) => value !== undefined && value !== '');
  const checked = decode(retentionSchema, Object.fromEntries([...unshown, ...typed]), name);
  if (checked.ok) return { retention: checked.value };
  return { field: checked.reason.field ?? '', message: problemText(checked.reason) };
}
