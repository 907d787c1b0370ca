// Starts and stops one agent: arguments, data folder, signals, exit codes. `--help` tells what it takes.
import { mkdirSync } from 'node:fs';
import { Agent } from './agent.ts';
import { openCredentials } from './credentials.ts';
import { lockData } from './dataLock.ts';
import { examine, findingLines } from './doctor.ts';
import type { HubRefusal } from './hubMessages.ts';
import { openTrust } from './keptAuthority.ts';
import { openAgentLog } from './logLine.ts';
import { readSettings, type Settings, usage } from './settings.ts';

const exitCodes = { stopped: 0, failed: 1, badArgument: 2, turnedAway: 3, dataInUse: 4 } as const;

const args = process.argv.slice(2);
const isDoctor = args[0] === 'doctor';
const settingArgs = isDoctor ? args.slice(1).filter((arg) => arg !== '--json') : args;
const read = readSettings(settingArgs, process.env);
if (!read.ok) leave(exitCodes.badArgument, `${read.reason}\nrun with --help for all arguments`);
else if (read.value === 'help') process.stdout.write(`${usage}\n`);
else if (isDoctor) tellFindings(read.value, args.includes('--json')).catch(failed);
else run(read.value).catch(failed);

async function tellFindings(settings: Settings, asJson: boolean): Promise<void> {
  const findings = await examine(settings);
  process.stdout.write(asJson ? `${JSON.stringify(findings)}\n` : findingLines(findings));
  if (findings.some(({ state }) => state === 'missing')) process.exitCode = exitCodes.failed;
}

async function run(settings: Settings): Promise<void> {
  const { dataFolder, nodeId } = settings;
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const lock = lockData(dataFolder);
  if (!lock.ok) {
    leave(exitCodes.dataInUse, lock.reason);
    return;
  }
  const { log, hide } = openAgentLog(dataFolder);
  if (settings.enrolToken !== undefined) hide(settings.enrolToken);
  const credentials = openCredentials(dataFolder, nodeId, settings.enrolToken);
  if (!credentials.ok) {
    lock.value();
    leave(exitCodes.badArgument, credentials.reason);
    return;
  }
  const trust = openTrust(dataFolder, settings.hub, settings.hubPin);
  if (!trust.ok) {
    lock.value();
    leave(exitCodes.badArgument, trust.reason);
    return;
  }
  const known = { credentials: credentials.value, trust: trust.value };
  let isStopping = false;
  const stop = async (exitCode: number): Promise<void> => {
    if (isStopping) {
      agent.killAttempts();
      process.exit(exitCodes.failed);
    }
    isStopping = true;
    await agent.stop();
    lock.value();
    log('info', 'agent stopped');
    process.exit(exitCode);
  };
  const agent = new Agent(settings, known, log, {
    onJoined: ({ epoch, revoked }) => {
      log('info', 'joined', { hub: settings.hub, node: nodeId, epoch, revoked: revoked.length });
      if (settings.enrolToken !== undefined)
        log('info', 'the hub knows this node; --token is no longer needed', { data: dataFolder });
    },
    onTurnedAway: (refusal) => {
      log('error', turnedAway(refusal, settings), { code: refusal.code });
      void stop(exitCodes.turnedAway);
    },
  });
  if (process.platform !== 'win32')
    process.on('SIGUSR2', () => {
      log('info', 'the key of this node is to be changed', { signal: 'SIGUSR2' });
      agent.rotateKey();
    });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      log('info', 'stopping: no new work, running attempts are ended', { signal });
      void stop(exitCodes.stopped);
    });
  }
  log('info', 'agent started', { node: nodeId, hub: settings.hub, data: dataFolder, pid: process.pid });
  await agent.start();
}

/** What a disk refuses has a name that helps; anything else is a bug and shows where it is. */
function failed(error: unknown): void {
  const isOfDisk = error instanceof Error && 'syscall' in error && 'path' in error;
  const said = isOfDisk ? `the data folder cannot be used: ${error.message}` : error;
  process.stderr.write(`${said instanceof Error ? (said.stack ?? said.message) : String(said)}\n`);
  process.exit(exitCodes.failed);
}

function turnedAway({ code, message }: HubRefusal, { nodeId }: Settings): string {
  const remedy = 'start the agent with --token and an enrolment code that the console makes';
  switch (code) {
    case 'wrong_token':
    case 'token_expired':
    case 'token_used_up':
      return `the hub refused the enrolment token: ${message}. To go on, ${remedy}`;
    case 'wrong_pin':
      return message;
    case 'node_revoked':
      return `the hub no longer knows node ${nodeId}: ${message}. If it shall work here, ${remedy}`;
    default:
      return `the hub refused the key of node ${nodeId}: ${message}. If this is the right hub, ${remedy}`;
  }
}

function leave(exitCode: number, message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = exitCode;
}
