// The program of an edge: a hub for agents in a process of its own. It decides nothing and stores nothing; it ends when
// its host does.
import { connect } from 'node:net';
import { ms } from '../protocol/brands.ts';
import type { Outcome, Refusal } from '../protocol/outcome.ts';
import { HostAcrossLink, type LinkToHost } from './edgeHandlers.ts';
import { type EdgeSetup, edgeSetupVariable, type FromEdge, type ToEdge } from './edgeRecords.ts';
import { readFileLimit } from './fileLimit.ts';
import { openHub } from './hub.ts';
import type { ProcessHub } from './ports.ts';
import { fileReserve } from '../protocol/limits.ts';
import { RecordLink } from './recordLink.ts';

const countsEveryMs = 1_000;
const exitCodes = { hostGone: 0, cannotStart: 2 } as const;

const setup = readSetup();
const socket = connect(setup.link);
let hub: ProcessHub | undefined;
const link: LinkToHost = new RecordLink<ToEdge, FromEdge>(socket, {
  onRecords: (records) => {
    if (hub) host.take(records, hub);
  },
  onClosed: () => process.exit(exitCodes.hostGone),
});
const host = new HostAcrossLink(link);
socket.once('connect', () => {
  void serve();
});
// A terminal's Ctrl-C reaches the edges too: they end with their host, after it.
process.on('SIGINT', () => undefined);

async function serve(): Promise<void> {
  link.send(['hello', setup.secret, setup.edge]);
  const wished = await listen(setup.port);
  const opened = wished.ok || setup.port === 0 ? wished : await listen(0);
  if (!opened.ok) {
    link.send(['said', 'error', 'an edge cannot listen', { reason: opened.reason.message }]);
    link.close('it cannot listen');
    process.exitCode = exitCodes.cannotStart;
    return;
  }
  hub = opened.value;
  const { address, stats } = hub;
  link.send(['listening', Number(new URL(address).port), readFileLimit() - fileReserve, process.pid]);
  let dueAtMs = performance.now() + countsEveryMs;
  setInterval(() => {
    const lateMs = performance.now() - dueAtMs;
    dueAtMs = performance.now() + countsEveryMs;
    if (lateMs > setup.timing.stallMs) link.send(['stalled', Math.round(lateMs)]);
    link.send(['counts', stats.call(hub)]);
  }, countsEveryMs);
}

function listen(port: number): Promise<Outcome<ProcessHub, Refusal>> {
  const { listen: address, timing, joinShare, returning, connectionsPerAddress, tls } = setup;
  return openHub({
    listen: address,
    port,
    timing,
    joinShare,
    returning,
    ...(connectionsPerAddress !== undefined && { connectionsPerAddress }),
    isEdge: true,
    ...(tls && { tls }),
    handlers: host.handlers,
    log: host.log,
    clock: () => ms(Date.now()),
  });
}

/** Written by our own host: anything else is a mistake of whoever started this file. */
function readSetup(): EdgeSetup {
  const text = process.env[edgeSetupVariable];
  if (text !== undefined) return JSON.parse(text) as EdgeSetup;
  process.stderr.write('this program is started by the host; start that instead: npm run hub\n');
  return process.exit(exitCodes.cannotStart);
}
