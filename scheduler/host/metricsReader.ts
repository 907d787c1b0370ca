// Who may read the metrics: counts and names of queues, which are nobody's business beyond the plant's.
import type { IncomingMessage } from 'node:http';
import { isLoopback } from './config.ts';
import type { MetricsMode } from './observeConfig.ts';

export type MayRead = (request: IncomingMessage) => boolean;

export function metricsReader(mode: MetricsMode, tokenMatches: (token: string) => boolean): MayRead {
  return (request) => {
    if (mode === 'open') return true;
    const { authorization = '' } = request.headers;
    const token = /^Bearer +([\w.~+/=-]{1,256})$/i.exec(authorization)?.[1];
    if (token !== undefined && tokenMatches(token)) return true;
    return mode === 'loopback' && isOfThisMachine(request);
  };
}

/** Not a page in a browser of this machine: that says where it is from, or calls this host by another name. */
function isOfThisMachine({ socket, headers }: IncomingMessage): boolean {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const name = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return isLoopback(address) && headers.origin === undefined && isLoopback(name);
}
