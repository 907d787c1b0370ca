// Cordon, which acts at once and can be undone; removing a node, revoking it and declaring it lost, which ask first.
import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import type { NodeId } from '../../scheduler/protocol/brands.ts';
import type { NodeRow } from '../../scheduler/protocol/node.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';
import { useSessionStore } from '../stores/session.ts';

export function useNodeActions(changed: () => void) {
  const { t } = useI18n();
  const session = useSessionStore();
  const removing = ref<NodeRow>();
  const revoking = ref<NodeRow>();
  const declaring = ref<NodeRow>();

  async function setCordon(nodeId: NodeId, isCordoned: boolean, canUndo: boolean): Promise<void> {
    try {
      await bridge.call('setCordon', { nodeId, isCordoned });
      const text = t(isCordoned ? 'node.cordonedNow' : 'node.uncordonedNow', { node: nodeId });
      session.say(text, canUndo ? () => void setCordon(nodeId, !isCordoned, false) : undefined);
    } catch (error) {
      session.say(describeFailure(error, t));
    }
    changed();
  }
  /** Tells whether the node is gone. */
  async function remove(nodeId: NodeId): Promise<boolean> {
    removing.value = undefined;
    try {
      await bridge.call('forgetNode', { nodeId });
      session.say(t('node.removed', { node: nodeId }));
      changed();
      return true;
    } catch (error) {
      session.say(describeFailure(error, t));
      return false;
    }
  }
  async function revoke(nodeId: NodeId): Promise<void> {
    revoking.value = undefined;
    try {
      await bridge.call('revokeNode', { nodeId });
      session.say(t('node.revokedNow', { node: nodeId }));
    } catch (error) {
      session.say(describeFailure(error, t));
    }
    changed();
  }
  async function declareLost(nodeId: NodeId): Promise<void> {
    declaring.value = undefined;
    try {
      const { attempts } = await bridge.call('declareLost', { nodeId, confirm: nodeId });
      session.say(t('node.declaredLost', { node: nodeId, count: attempts }));
    } catch (error) {
      session.say(describeFailure(error, t));
    }
    changed();
  }
  return { removing, revoking, declaring, setCordon, remove, revoke, declareLost };
}
