// Starts the host in whatever process runs this file: Electron's utility process, its main process, a terminal, a test.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openLog, type OpenLog } from '../observe/log.ts';
import { type FromHostProcess, hostExit, type ToHost } from '../protocol/hostLink.ts';
import type { LogLevel } from '../protocol/logLevel.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { FleetProcess } from './fleetProcess.ts';
import { EdgeProcesses, LinkedEdges } from './edgeRunners.ts';
import { LinkedFleet } from './fleetRunner.ts';
import { hostUsage, isLoopback, readHostConfig } from './config.ts';
import { openHost } from './host.ts';
import type { HostFiles } from './hostParts.ts';
import { linkOfPort, type PortLike } from './portLink.ts';
import type { Host } from './servingHost.ts';

/** How this file reaches whoever started it. */
export interface HostLink {
  readonly send: (message: FromHostProcess) => void;
  readonly onMessage: (listener: (message: ToHost, ports: readonly PortLike[]) => void) => void;
  /** Tells a person where the console is, for a browser. */
  readonly announce?: (host: Host, dataFolder: string) => void;
  /** The host has ended; the code is the one its process ends with. */
  readonly exited: (code: number) => void;
}

/** Electron's parent port in a utility process, as far as we use it. */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown; ports: PortLike[] }) => void): void;
}

/** For the refusals of what waited, and for the alarm, to reach people before the process ends. */
const farewellMs = 300;

const here = import.meta.url;
const isBundle = !here.endsWith('.ts');

/** In the sources threads lie with their folder, in the bundle beside this file. */
const files: HostFiles = {
  journalThread: new URL(isBundle ? './journalThread.cjs' : '../journal/journalThread.ts', here),
  recorderThread: new URL(isBundle ? './recorderThread.cjs' : '../recorder/recorderThread.ts', here),
  whatIfThread: new URL(isBundle ? './whatIfThread.cjs' : '../recorder/whatIfThread.ts', here),
  pastThread: new URL(isBundle ? './pastThread.cjs' : '../recorder/pastThread.ts', here),
  auditThread: new URL(isBundle ? './auditThread.cjs' : '../audit/auditThread.ts', here),
  historyThread: new URL(isBundle ? './historyThread.cjs' : '../history/historyThread.ts', here),
  pages: fileURLToPath(new URL(isBundle ? '../renderer' : '../../dist/renderer', here)),
  version: readVersion(),
  agentProgram: here.includes('app.asar') ? 'millrace --agent' : 'npm run agent --',
};

const fleetProgram = fileURLToPath(
  new URL(isBundle ? '../agent/fleet.cjs' : '../../agent/fleet/main.ts', here),
);

const edgeProgram = fileURLToPath(new URL(isBundle ? './edge.cjs' : '../hub/edge.ts', here));

/** For `--host=main`: the same host inside the caller's process. It reports its end instead of ending the process. */
export function startHostInProcess(args: readonly string[], link: HostLink): void {
  void runHost(args, link);
}

async function runHost(args: readonly string[], link: HostLink): Promise<void> {
  const config = readHostConfig(args);
  if (!config.ok) {
    link.send({ kind: 'failed', refusal: { code: 'bad_message', message: config.reason } });
    link.exited(hostExit.cannotStart);
    return;
  }
  if (!config.value) return;
  const { dataFolder, listen, isTls, observe } = config.value;
  const open = openLogIn(dataFolder, observe.logLevel);
  if (!open.ok) {
    link.send({ kind: 'failed', refusal: open.reason });
    link.exited(hostExit.cannotStart);
    return;
  }
  const { log } = open.value;
  if (!isTls && !isLoopback(listen))
    log('warn', 'listening beyond this machine without TLS: anybody on that network can read tokens', {
      listen,
    });
  const ended = (code: number, why: string): void => {
    log(code === hostExit.ok ? 'info' : 'error', 'ending', { code, why });
    open.value.close();
    link.exited(code);
  };
  const fleet = new LinkedFleet(link.send);
  const edges = new LinkedEdges(link.send);
  const opened = await openHost(config.value, files, {
    log,
    logControl: open.value,
    fleet,
    edges,
    onRecovering: (progress) => {
      link.send({ kind: 'recovering', ...progress });
    },
    onFailure: (refusal) => {
      link.send({ kind: 'failed', refusal });
      // Nothing has left since the failed write and nothing will; only the refusals of what waited still go out.
      setTimeout(() => {
        ended(hostExit.storageFailed, refusal.message);
      }, farewellMs);
    },
    onBug: (error, where) => {
      ended(
        hostExit.bug,
        `${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    },
  });
  if (opened.ok) serve(opened.value, link, { dataFolder, fleet, edges, ended });
  else failToStart(opened.reason, link, ended);
}

/** Makes the data folder where it is missing. Refuses where nothing can be written there. */
function openLogIn(dataFolder: string, level: LogLevel): Outcome<OpenLog, Refusal> {
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
    const path = join(dataFolder, 'host.log');
    return accepted(openLog({ level, component: 'host', clock: Date.now, path }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const said = `data folder ${dataFolder} cannot be used: ${why}; give another one with --data, or free it`;
    return refused(refusal('storage_failed', said));
  }
}

function failToStart(refusal: Refusal, link: HostLink, ended: (code: number, why: string) => void): void {
  link.send({ kind: 'failed', refusal });
  ended(hostExit.cannotStart, refusal.message);
}

interface Serving {
  readonly dataFolder: string;
  readonly fleet: LinkedFleet;
  readonly edges: LinkedEdges;
  readonly ended: (code: number, why: string) => void;
}

function serve(host: Host, link: HostLink, { dataFolder, fleet, edges, ended }: Serving): void {
  let isStopping = false;
  link.onMessage((message, ports) => {
    switch (message.kind) {
      case 'console': {
        const [port] = ports;
        if (port) host.attachConsole(linkOfPort(port, host.sessionAt[message.from]));
        break;
      }
      case 'stop':
        if (isStopping) break;
        isStopping = true;
        void host.stop().then(() => {
          ended(hostExit.ok, 'asked to stop');
        });
        break;
      case 'fleetEnded':
        fleet.ended(message.code);
        break;
      case 'edgeEnded':
        edges.ended(message.edge);
        break;
    }
  });
  link.send({ kind: 'listening', address: host.address, epoch: host.epoch, liveTasks: host.liveTasks });
  link.announce?.(host, dataFolder);
}

function readVersion(): string {
  // Bundled at dist/host/, source at scheduler/host/: the package file is two folders up from both.
  // Electron's files inside an archive are found by path, not by URL.
  const text = readFileSync(fileURLToPath(new URL('../../package.json', here)), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function linkToParent(parent: ParentPort): HostLink {
  return {
    send: (message) => {
      parent.postMessage(message);
    },
    onMessage: (listener) => {
      // Only Electron's main process holds the other end; it sends what `ToHost` says.
      parent.on('message', ({ data, ports }) => {
        listener(data as ToHost, ports);
      });
    },
    exited: (code) => process.exit(code),
  };
}

/** Terminal or service: says in words what happens, stops on a signal. */
function linkToTerminal(): HostLink {
  let tell: (message: ToHost, ports: readonly PortLike[]) => void = () => undefined;
  const fleet = new FleetProcess(fleetProgram, (code) => {
    tell({ kind: 'fleetEnded', code }, []);
  });
  const edges = new EdgeProcesses(edgeProgram, (edge) => {
    tell({ kind: 'edgeEnded', edge }, []);
  });
  return {
    send: (message) => {
      if (message.kind === 'startFleet') fleet.start(message);
      if (message.kind === 'stopFleet') fleet.stop();
      if (message.kind === 'startEdge') edges.start(message.edge, message.env);
      if (message.kind === 'killEdge') edges.kill(message.edge);
      if (message.kind === 'listening') process.stdout.write(`millrace: agents join at ${message.address}\n`);
      if (message.kind === 'failed') process.stderr.write(`millrace: ${message.refusal.message}\n`);
    },
    onMessage: (listener) => {
      tell = listener;
      for (const signal of ['SIGTERM', 'SIGINT'] as const)
        process.on(signal, () => {
          listener({ kind: 'stop' }, []);
        });
    },
    // A token on a screen is for whoever sits there; a service's output may be kept, so there only its place is said.
    announce: (host, dataFolder) => {
      if (host.hasAccounts) {
        process.stdout.write(`millrace: console for a browser at ${host.address}/\n`);
        return;
      }
      const secret = process.stdout.isTTY
        ? host.consoleToken
        : `<consoleToken of ${dataFolder}/secrets.json>`;
      process.stdout.write(`millrace: console for a browser at ${host.address}/#token=${secret}\n`);
    },
    exited: (code) => process.exit(code),
  };
}

const { parentPort } = process as { parentPort?: ParentPort };
if (parentPort) void runHost(process.argv.slice(2), linkToParent(parentPort));
else if (import.meta.main) {
  if (process.argv.includes('--help')) process.stdout.write(`${hostUsage}\n`);
  else void runHost(process.argv.slice(2), linkToTerminal());
}
