// A node's state in words: its connection first, then whether it takes new work.
import type { NodeRow } from '../../scheduler/protocol/node.ts';
import type { Translate } from '../i18n/i18n.ts';

export function nodeStateWord(node: NodeRow, t: Translate): string {
  if (node.isRevoked) return t('node.revoked');
  const state = t(`node.state.${node.state}`);
  const closed = [
    ...(node.isCordoned ? [t('node.cordoned')] : []),
    ...(node.setAside === undefined ? [] : [t('node.setAside')]),
  ];
  return [...(node.state === 'online' && closed.length > 0 ? [] : [state]), ...closed].join(', ');
}
