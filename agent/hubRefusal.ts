// Which refusals end the agent: those that no waiting lifts, since the hub does not take what it shows.
import type { HubRefusal } from './hubMessages.ts';

const finalCodes: readonly string[] = [
  'wrong_token',
  'token_expired',
  'token_used_up',
  'wrong_key',
  'wrong_pin',
  'node_revoked',
];

export const isFinal = ({ code }: HubRefusal): boolean => finalCodes.includes(code);
