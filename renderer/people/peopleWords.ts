// Users and tokens in words, and queues as they are typed.
import type { QueueRights } from '../../scheduler/protocol/accounts.ts';
import type { Translate } from '../i18n/i18n.ts';

export function queuesText(queues: QueueRights, t: Translate): string {
  if (queues === '*') return t('people.allQueues');
  return queues.length === 0 ? t('people.noQueues') : queues.join(', ');
}

/** `*` or names with commas or spaces between them; nothing typed is all queues. */
export function readQueues(text: string): '*' | string[] {
  const names = text.split(/[\s,，、]+/).filter((name) => name !== '');
  return names.length === 0 || names.includes('*') ? '*' : names;
}

export const writeQueues = (queues: QueueRights): string => (queues === '*' ? '*' : queues.join(', '));
