// Child process of the tls bench: a hub that lets everybody in and does nothing else, plain or with TLS. Says what it used.
import { randomBytes } from 'node:crypto';
import { openHub } from '../../scheduler/hub/hub.ts';
import type { TlsMaterial } from '../../scheduler/hub/ports.ts';
import { epoch, ms, type NodeId } from '../../scheduler/protocol/brands.ts';
import { keyOfPublic, type NodeKey } from '../../scheduler/protocol/identity.ts';
import { joinsPerSecondMax } from '../../scheduler/protocol/limits.ts';
import { accepted } from '../../scheduler/protocol/outcome.ts';
import { used, type Used } from './used.ts';

export type ToHub =
  | { readonly kind: 'use' | 'count' }
  /** Closes every connection: the agents come back. */
  | { readonly kind: 'close' }
  /** New ticket keys: who comes back finds its ticket void. */
  | { readonly kind: 'voidTickets' };
export type FromHub =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'used'; readonly used: Used }
  | { readonly kind: 'counted'; readonly joins: number; readonly resumed: number };

const start = JSON.parse(process.argv[2] ?? '') as { readonly tls?: TlsMaterial; readonly joinsPerS: number };
const keys = new Map<NodeId, NodeKey>();
let joins = 0;
const opened = await openHub({
  listen: '127.0.0.1',
  port: 0,
  clock: () => ms(Date.now()),
  log: () => undefined,
  joinShare: start.joinsPerS / joinsPerSecondMax,
  ...(start.tls && { tls: start.tls }),
  handlers: {
    nodeKey: (nodeId) => keys.get(nodeId),
    enrolmentHindrance: () => undefined,
    consoleSession: () => undefined,
    enrol: (nodeId, publicKey) => {
      keys.set(nodeId, keyOfPublic(publicKey));
      return Promise.resolve(accepted(undefined));
    },
    replaceKey: () => Promise.resolve(accepted(undefined)),
    join: () => {
      joins += 1;
      return Promise.resolve(accepted({ epoch: epoch(1), revoked: [] }));
    },
    heartbeat: () => undefined,
    started: () => undefined,
    results: () => Promise.resolve(accepted(undefined)),
    check: () => [],
    log: (_nodeId, { offset, bytes }) => Promise.resolve(offset + bytes),
    disconnected: () => undefined,
    console: () => undefined,
    audit: () => undefined,
  },
});
if (!opened.ok) throw new Error(opened.reason.message);
const hub = opened.value;
const tell = (message: FromHub): void => {
  process.send?.(message);
};

process.on('message', ({ kind }: ToHub) => {
  if (kind === 'use') tell({ kind: 'used', used: used() });
  if (kind === 'count') tell({ kind: 'counted', joins, resumed: hub.stats().tlsResumed });
  if (kind === 'close') for (const nodeId of keys.keys()) hub.closeNode(nodeId, 'the bench asks for it');
  if (kind === 'voidTickets' && start.tls)
    hub.renewTls({ ...start.tls, ticketKeys: randomBytes(48).toString('base64') });
});
process.on('disconnect', () => process.exit(0));
tell({ kind: 'listening', url: hub.address });
