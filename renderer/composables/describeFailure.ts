// A failed call in words: the host's own reason, or what became of the link. Never "something went wrong".
import type { Translate } from '../i18n/i18n.ts';
import { plainText } from '../format/plainText.ts';
import { LinkError, RefusalError } from '../bridge.ts';

export function describeFailure(error: unknown, t: Translate): string {
  if (error instanceof RefusalError)
    return t('failure.refused', { message: plainText(error.refusal.message) });
  if (error instanceof LinkError) return t(`failure.${error.code}`);
  return t('failure.bug', { message: error instanceof Error ? error.message : String(error) });
}
