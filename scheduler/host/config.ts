// The host's settings: read from the command line, checked, with a default for each.
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { connectionsPerAddressDefault, edgesMax, hostAgentsMax, nodesMax } from '../protocol/limits.ts';
import { accepted, type Outcome, refused } from '../protocol/outcome.ts';
import { scaledTiming, type Timing } from '../protocol/timing.ts';
import { type ObserveConfig, observeOptions, observeUsage, readObserveConfig } from './observeConfig.ts';

export interface HostConfig {
  /** Journal, history, tokens, logs. One host per folder. */
  readonly dataFolder: string;
  /** Interface that agents and browsers reach. */
  readonly listen: string;
  /** 0: any free port. */
  readonly port: number;
  /** The plant's, but for tests of losses that cannot wait so long. */
  readonly timing: Timing;
  /** Processes that hold agents' sockets beside the host's own; `auto`: as the number of nodes asks for. */
  readonly edges: number | 'auto';
  /** Nodes the plant will have; 0: as many as it had. */
  readonly nodesExpected: number;
  /** True beyond loopback, unless plain text was asked for twice. */
  readonly isTls: boolean;
  /** More names and addresses by which the hub is reached, for its certificate. */
  readonly tlsNames: readonly string[];
  /** Connections that one address may open per minute. */
  readonly connectionsPerAddress: number;
  readonly observe: ObserveConfig;
}

export const defaultPort = 7443;
/** Below it a lease is shorter than one garbage collection. */
const timeScaleMin = 0.01;
/** Of a certificate's 64: the rest is this machine's own. */
const tlsNamesMax = 32;

export const hostUsage = `millrace hub: the scheduler without a window
  --data DIR      where journal, history and tokens are kept (default ~/.millrace/hub)
  --port N        0 to 65535; 0 takes any free one (default ${String(defaultPort)})
  --listen ADDR   interface for agents and browsers (default 127.0.0.1: this machine only)
  --time-scale X  0.01 to 1: heartbeats, leases and the rejoin window times X; for tests (default 1)
  --edges N       auto, or 0 to ${String(edgesMax)} processes that hold the agents' sockets, on the ports after --port
                  (default auto: none up to ${String(hostAgentsMax)} nodes, then as the limit of open files asks)
  --nodes-expected N
                  0 to ${String(nodesMax)}, so that edges are there before them (default: as many as it had)
  --tls MODE      auto, on or off (default auto: on where --listen reaches beyond this machine)
  --tls-name NAME a name or address by which agents reach the hub and that this machine does not know of itself; may be
                  given often
  --insecure-plain-text
                  with --tls off beyond this machine: everybody on the network can read and change what goes over it
  --connections-per-address N
                  1 to 999999 connections that one address may open in a minute (default
                  ${String(connectionsPerAddressDefault)}: a plant behind one address; else 100 do)
${observeUsage}
  --help          this text`;

/** Refuses with a text that names the argument. `undefined` settings: help was asked for. */
export function readHostConfig(args: readonly string[]): Outcome<HostConfig | undefined, string> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        data: { type: 'string' },
        port: { type: 'string' },
        listen: { type: 'string' },
        'time-scale': { type: 'string' },
        edges: { type: 'string' },
        'nodes-expected': { type: 'string' },
        'connections-per-address': { type: 'string' },
        tls: { type: 'string' },
        'tls-name': { type: 'string', multiple: true },
        'insecure-plain-text': { type: 'boolean' },
        ...observeOptions,
        help: { type: 'boolean' },
      },
    });
    if (values.help === true) return accepted(undefined);
    const observe = readObserveConfig(values);
    if (!observe.ok) return observe;
    const given = { ...defaults(), ...values };
    const { port, listen, edges, tls, data } = given;
    const { 'time-scale': scale, 'nodes-expected': nodes, 'connections-per-address': perAddress } = given;
    const { 'tls-name': tlsNames, 'insecure-plain-text': isInsecure } = given;
    const plain = faultOf({ port, scale, edges, nodes, perAddress });
    const fault = plain ?? tlsFaultOf({ listen, tls, tlsNames, isInsecure });
    if (fault !== undefined) return refused(fault);
    return accepted({
      observe: observe.value,
      dataFolder: resolve(data),
      listen,
      port: Number(port),
      timing: scaledTiming(Number(scale)),
      edges: edges === 'auto' ? edges : Number(edges),
      nodesExpected: Number(nodes),
      isTls: tls === 'on' || (tls === 'auto' && !isLoopback(listen)),
      tlsNames,
      connectionsPerAddress: Number(perAddress),
    });
  } catch (error) {
    return refused(`${error instanceof Error ? error.message : String(error)}\n\n${hostUsage}`);
  }
}

const defaults = () => ({
  data: join(homedir(), '.millrace', 'hub'),
  listen: '127.0.0.1',
  port: String(defaultPort),
  'time-scale': '1',
  edges: 'auto',
  'nodes-expected': '0',
  'connections-per-address': String(connectionsPerAddressDefault),
  tls: 'auto',
  'tls-name': [] as string[],
  'insecure-plain-text': false,
});

interface Given {
  readonly port: string;
  readonly scale: string;
  readonly edges: string;
  readonly nodes: string;
  readonly perAddress: string;
}

function faultOf({ port, scale, edges, nodes, perAddress }: Given): string | undefined {
  if (!isPort(port)) return `--port ${port}: it is a whole number from 0 to 65535`;
  if (!isScale(scale)) return `--time-scale ${scale}: it is a number from ${timeScaleMin} to 1`;
  if (edges !== 'auto' && !isWhole(edges, edgesMax))
    return `--edges ${edges}: it is auto, or a whole number from 0 to ${edgesMax}`;
  if (!isWhole(nodes, nodesMax))
    return `--nodes-expected ${nodes}: it is a whole number from 0 to ${nodesMax}`;
  if (!/^[1-9]\d{0,5}$/.test(perAddress))
    return `--connections-per-address ${perAddress}: it is a whole number from 1 to 999999`;
  return undefined;
}

interface GivenTls {
  readonly listen: string;
  readonly tls: string;
  readonly tlsNames: readonly string[];
  readonly isInsecure: boolean;
}

function tlsFaultOf({ listen, tls, tlsNames, isInsecure }: GivenTls): string | undefined {
  if (!['auto', 'on', 'off'].includes(tls)) return `--tls ${tls}: it is auto, on or off`;
  if (tls === 'off' && !isLoopback(listen) && !isInsecure)
    return (
      `--tls off: --listen ${listen} reaches beyond this machine, where everybody could read tokens and change ` +
      'tasks; leave it out, or say --insecure-plain-text as well'
    );
  const bad = tlsNames.find((name) => !isHostName(name));
  if (bad !== undefined) return `--tls-name ${bad}: it is a host name or an address, without scheme and port`;
  return tlsNames.length <= tlsNamesMax ? undefined : `--tls-name: at most ${tlsNamesMax} of them`;
}

/** What a certificate can name. */
export const isHostName = (name: string): boolean =>
  isIP(name) !== 0 || (name.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(name));
const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
const isWhole = (text: string, most: number): boolean => /^\d{1,5}$/.test(text) && Number(text) <= most;
const isScale = (text: string): boolean => Number(text) >= timeScaleMin && Number(text) <= 1;

/** Loopback needs no TLS: nothing leaves the machine. */
export const isLoopback = (address: string): boolean =>
  address === 'localhost' || address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address);
