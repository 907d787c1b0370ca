// The host's settings: read from the command line, checked, with a default for each.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { edgesMax, hostAgentsMax, nodesMax } from '../protocol/limits.ts';
import { accepted, type Outcome, refused } from '../protocol/outcome.ts';
import { scaledTiming, type Timing } from '../protocol/timing.ts';

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
}

export const defaultPort = 7443;
/** Below it a lease is shorter than one garbage collection. */
const timeScaleMin = 0.01;

export const hostUsage = `millrace hub: the scheduler without a window
  --data DIR      where journal, history and tokens are kept (default ~/.millrace/hub)
  --port N        0 to 65535; 0 takes any free one (default ${String(defaultPort)})
  --listen ADDR   interface for agents and browsers (default 127.0.0.1: this machine only)
  --time-scale X  0.01 to 1: heartbeats, leases and the rejoin window times X; for tests (default 1)
  --edges N       auto, or 0 to ${String(edgesMax)} processes that hold the agents' sockets, on the ports after --port
                  (default auto: none up to ${String(hostAgentsMax)} nodes, then as the limit of open files asks)
  --nodes-expected N
                  0 to ${String(nodesMax)}, so that edges are there before them (default: as many as it had)
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
        help: { type: 'boolean' },
      },
    });
    if (values.help === true) return accepted(undefined);
    const { port = String(defaultPort), 'time-scale': scale = '1' } = values;
    const { edges = 'auto', 'nodes-expected': nodes = '0' } = values;
    const fault = faultOf({ port, scale, edges, nodes });
    if (fault !== undefined) return refused(fault);
    return accepted({
      dataFolder: resolve(values.data ?? join(homedir(), '.millrace', 'hub')),
      listen: values.listen ?? '127.0.0.1',
      port: Number(port),
      timing: scaledTiming(Number(scale)),
      edges: edges === 'auto' ? edges : Number(edges),
      nodesExpected: Number(nodes),
    });
  } catch (error) {
    return refused(`${error instanceof Error ? error.message : String(error)}\n\n${hostUsage}`);
  }
}

interface Given {
  readonly port: string;
  readonly scale: string;
  readonly edges: string;
  readonly nodes: string;
}

function faultOf({ port, scale, edges, nodes }: Given): string | undefined {
  if (!isPort(port)) return `--port ${port}: it is a whole number from 0 to 65535`;
  if (!isScale(scale)) return `--time-scale ${scale}: it is a number from ${timeScaleMin} to 1`;
  if (edges !== 'auto' && !isWhole(edges, edgesMax))
    return `--edges ${edges}: it is auto, or a whole number from 0 to ${edgesMax}`;
  if (!isWhole(nodes, nodesMax))
    return `--nodes-expected ${nodes}: it is a whole number from 0 to ${nodesMax}`;
  return undefined;
}

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
const isWhole = (text: string, most: number): boolean => /^\d{1,5}$/.test(text) && Number(text) <= most;
const isScale = (text: string): boolean => Number(text) >= timeScaleMin && Number(text) <= 1;

/** Loopback needs no TLS: nothing leaves the machine. */
export const isLoopback = (address: string): boolean =>
  address === 'localhost' || address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address);
