// Application start and stop: one console per data folder, its windows, and the scheduler host behind them.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { app, BrowserWindow, Menu, MessageChannelMain, powerMonitor, type WebContents } from 'electron';
import { registerAppScheme, serveApp } from './appProtocol.ts';
import { askEnrolment } from './askHost.ts';
import { readCommandLine, windowFolder, wordsAfter, type ShellOptions } from './commandLine.ts';
import { Companion } from './companion.ts';
import { EdgeCompanions } from './edgeCompanions.ts';
import { launchInMain, launchInUtilityProcess } from './hostLaunch.ts';
import { HostSupervisor } from './hostSupervisor.ts';
import { ipcChannels } from './ipcChannels.ts';
import { guardIpc } from './ipcGuard.ts';
import { orderlyQuit, type OrderlyQuit } from './orderlyQuit.ts';
import { openShellLog, type ShellLog } from './shellLog.ts';
import { lockDownPages, openWindow, type WindowFacts } from './window.ts';

/** Set by the build: the Electron this program is released with. Another one is a preview. */
declare const releasedElectron: string;

const dist = join(__dirname, '..');
/** Windows that asked for a port while no host ran. */
const waitingForHost = new Set<WebContents>();

start();

function start(): void {
  const words = process.argv.slice(app.isPackaged ? 1 : 2);
  const agentArgs = wordsAfter('--agent', words);
  if (agentArgs) {
    runAgent(agentArgs);
    return;
  }
  const commandWords = wordsAfter('--cli', words);
  if (commandWords) {
    runWithoutWindow('api/cli.cjs', commandWords);
    return;
  }
  refuseDebugging();
  const options = readOptions(words);
  app.setPath('userData', windowFolder(options.dataFolder));
  if (!app.requestSingleInstanceLock()) {
    process.stdout.write('millrace: already running with this data folder; its window comes to the front\n');
    app.exit(0);
    return;
  }
  // Root has no Chromium sandbox, and Electron crash-loops when both are asked for.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
  registerAppScheme();
  Menu.setApplicationMenu(null);
  void app.whenReady().then(() => runConsole(options));
}

async function runConsole(options: ShellOptions): Promise<void> {
  const log = openShellLog(options.dataFolder);
  const fleet = new Companion(join(dist, 'agent/fleet.cjs'), 'millrace-fleet', {
    onOutput: (text) => {
      log.write(text);
    },
    onEnded: (code) => {
      host.fleetEnded(code);
    },
  });
  const agent = new Companion(join(dist, 'agent/main.cjs'), 'millrace-agent', {
    onOutput: (text) => {
      log.write(text);
    },
    onEnded: (code) => {
      log.write(`millrace: this workstation's agent ended (${String(code)})\n`);
    },
  });
  const edges = new EdgeCompanions(join(dist, 'host/edge.cjs'), {
    onOutput: (text) => {
      log.write(text);
    },
    onEnded: (edge) => {
      host.edgeEnded(edge);
    },
  });
  const host = superviseHost(options, log, { fleet, edges });
  const quit = orderlyQuit(host, !options.quitsWithoutAsking, () =>
    Promise.all([fleet.stop({ kind: 'stop' }), agent.stop()]),
  );
  quitInOrder(quit);
  lockDownPages();
  guardIpc({
    getHostState: () => host.state,
    requestHostPort: (sender) => {
      waitingForHost.add(sender);
      sendPorts(host);
    },
    startLocalAgent: (token) => startLocalAgent({ host, agent, dataFolder: options.dataFolder }, token),
  });
  await serveApp(join(dist, 'renderer'));
  host.start();
  const facts: WindowFacts = {
    preload: join(dist, 'electron/preload.cjs'),
    version: app.getVersion(),
    isPreviewRuntime: process.versions.electron !== releasedElectron,
  };
  keepOneWindow(facts, quit);
}

/** This workstation as a node. An agent that runs already stays. */
async function startLocalAgent(
  {
    host,
    agent,
    dataFolder,
  }: { readonly host: HostSupervisor; readonly agent: Companion; readonly dataFolder: string },
  token: string | undefined,
): Promise<boolean> {
  if (agent.isRunning) return true;
  const enrolment = await askEnrolment(host, token);
  if (enrolment === undefined) return false;
  agent.start({
    args: ['--hub', enrolment.hubUrl, '--data', join(dataFolder, 'agent')],
    env: { MILLRACE_ENROL_TOKEN: enrolment.code },
  });
  return true;
}

function superviseHost(
  { hostArgs, hostPlace }: ShellOptions,
  log: ShellLog,
  { fleet, edges }: { readonly fleet: Companion; readonly edges: EdgeCompanions },
): HostSupervisor {
  const entry = join(dist, 'host/entry.cjs');
  const launch = hostPlace === 'main' ? launchInMain : launchInUtilityProcess;
  const host = new HostSupervisor(launch(entry, hostArgs), {
    canRestart: hostPlace === 'utility',
    onOutput: (text) => {
      log.write(text);
    },
    onStartFleet: (start) => {
      fleet.start(start);
    },
    onStopFleet: () => {
      void fleet.stop({ kind: 'stop' });
    },
    onStartEdge: (edge, env) => {
      edges.start(edge, env);
    },
    onKillEdge: (edge) => {
      edges.kill(edge);
    },
    onListening: (address) => {
      log.write(`millrace: agents join at ${address}\n`);
    },
    onState: (state) => {
      for (const window of BrowserWindow.getAllWindows())
        window.webContents.send(ipcChannels.hostState, state);
      if (state.state === 'running') sendPorts(host);
      if (state.state === 'failed') log.write(`millrace: ${state.reason}\n`);
    },
  });
  return host;
}

/** Each window that waits gets one end of a new channel, and the host the other. */
function sendPorts(host: HostSupervisor): void {
  for (const contents of waitingForHost) {
    const { port1, port2 } = new MessageChannelMain();
    if (!contents.isDestroyed()) {
      if (!host.connectConsole('window', port1)) return;
      contents.postMessage(ipcChannels.hostPort, null, [port2]);
    }
    waitingForHost.delete(contents);
  }
}

function keepOneWindow(facts: WindowFacts, quit: OrderlyQuit): void {
  const window = openWindow(facts);
  window.on('close', (event) => {
    // Closing the last window quits, and quitting may be declined: so the window stays until that is settled.
    if (quit.isLeaving || BrowserWindow.getAllWindows().length > 1) return;
    event.preventDefault();
    quit.byPerson();
  });
  app.on('second-instance', () => {
    const first = BrowserWindow.getAllWindows()[0];
    if (!first) return;
    if (first.isMinimized()) first.restore();
    first.show();
    first.focus();
  });
}

function quitInOrder(quit: OrderlyQuit): void {
  app.on('before-quit', (event) => {
    event.preventDefault();
    quit.byPerson();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      quit.bySystem();
    });
  powerMonitor.on('shutdown', () => {
    quit.bySystem();
  });
}

/** This node's agent: `millrace --agent --hub URL --token T`. It takes no lock and opens no host. */
function runAgent(args: readonly string[]): void {
  runWithoutWindow('agent/main.cjs', args);
  // The agent ends by having nothing left to do, which Electron never has: so it is looked at once it has started.
  if (args.includes('--help')) process.exitCode ??= 0;
  if (process.exitCode !== undefined) process.exit(process.exitCode);
}

/** Another program of ours in this process, with its own words. */
function runWithoutWindow(program: string, args: readonly string[]): void {
  const entry = join(dist, program);
  app.disableHardwareAcceleration();
  process.argv = [process.execPath, entry, ...args];
  createRequire(entry)(entry);
}

/** A released console has no debugger's door: whoever opens it could act as the operator. */
function refuseDebugging(): void {
  const doors = ['remote-debugging-port', 'remote-debugging-pipe', 'remote-debugging-address'];
  const door = app.isPackaged ? doors.find((name) => app.commandLine.hasSwitch(name)) : undefined;
  if (door === undefined) return;
  process.stderr.write(`millrace: --${door} is not for released builds\n`);
  process.exit(2);
}

function readOptions(words: readonly string[]): ShellOptions {
  try {
    return readCommandLine(words);
  } catch (error) {
    process.stderr.write(`millrace: ${(error as Error).message}\n`);
    process.exit(2);
  }
}
