// A node's state in words: its connection first, then whether it takes new work.
import type { NodeRow } from '../../scheduler/protocol/node.ts';
import type { Translate } from '../i18n/i18n.ts';

export function nodeStateWord(node: NodeRow, t: Translate): string {
  const state = t(`node.state.${node.state}`);
  if (!node.isCordoned) return state;
  return node.state === 'online' ? t('node.cordoned') : `${state}, ${t('node.cordoned')}`;
}
