// Events of nodes' keys and enrolment tokens.
import { type IdentityEvent, revokedKey } from '../../../protocol/identity.ts';
import type { Appliers } from './types.ts';

export const identityAppliers: Appliers<IdentityEvent['kind']> = {
  node_enrolled(state, { nodeId, key, tokenHash }) {
    state.nodeKeys.set(nodeId, key);
    if (tokenHash !== undefined) state.enrolments.use(tokenHash);
  },
  node_key_replaced(state, { nodeId, key }) {
    state.nodeKeys.set(nodeId, key);
  },
  node_revoked(state, { nodeId }) {
    state.nodeKeys.set(nodeId, revokedKey);
    state.nodes.version += 1;
  },
  enrolment_created(state, { enrolment }) {
    state.enrolments.put(enrolment);
  },
  enrolment_revoked(state, { tokenHash }) {
    state.enrolments.revoke(tokenHash);
  },
  enrolment_dropped(state, { tokenHash }) {
    state.enrolments.remove(tokenHash);
  },
};
