// One real node, put together: ledger, logs, executor and connection over a data folder.
import { rmSync } from 'node:fs';
import { hostname, release, type } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Welcome } from '../scheduler/protocol/agentWire.ts';
import type { Token } from '../scheduler/protocol/brands.ts';
import * as limits from '../scheduler/protocol/limits.ts';
import { type NodeSpec, nodeSpecSchema } from '../scheduler/protocol/node.ts';
import type { Kind } from '../scheduler/protocol/work.ts';
import type { AttemptReports } from './attemptExecutor.ts';
import { Checkpoints } from './checkpoints.ts';
import { AgentConnection } from './connection.ts';
import type { Credentials } from './credentials.ts';
import { Executor } from './executor.ts';
import { Door } from './guard/door.ts';
import { answerGuard } from './guard/guard.ts';
import { OnceRecords } from './guard/onceRecords.ts';
import type { HubRefusal } from './hubMessages.ts';
import { Ledger, ledgerFileName, readLedger } from './ledger.ts';
import type { DamagedLine } from './ledgerLine.ts';
import type { WriteLine } from './logLine.ts';
import { LogShipper } from './logShipper.ts';
import { endOrphans } from './orphans.ts';
import { coreCount, memoryTotalMiB, ResourceProbe } from './resourceProbe.ts';
import { ResultOutbox } from './resultOutbox.ts';
import { Runners } from './run/runners.ts';
import type { Settings } from './settings.ts';
import type { Standing } from './stillMine.ts';
import type { HubTrust } from './trust.ts';

const agentVersion = '0.1.0';
/** At the end, how long the last results and logs may take to be stored by the hub. The rest stays on the disk. */
const farewellMs = 2_000;
const doorFolder = 'door';
/** Damaged lines of the ledger that are named one by one. */
const damagedLinesSaid = 20;

export interface AgentEvents {
  readonly onJoined: (welcome: Welcome) => void;
  readonly onTurnedAway: (refusal: HubRefusal) => void;
}

/** What hub and node know each other by. */
export interface Known {
  readonly credentials: Credentials;
  /** Absent: plain text. */
  readonly trust: HubTrust | undefined;
}

export class Agent {
  readonly #settings: Settings;
  readonly #log: WriteLine;
  readonly #ledger: Ledger;
  readonly #outbox: ResultOutbox;
  readonly #logs: LogShipper;
  readonly #door: Door;
  readonly #checkpoints: Checkpoints;
  readonly #executor: Executor;
  readonly #connection: AgentConnection;

  constructor(settings: Settings, known: Known, log: WriteLine, events: AgentEvents) {
    this.#settings = settings;
    this.#log = log;
    const folderOf = (name: string): string => join(settings.dataFolder, name);
    const read = readLedger(folderOf(ledgerFileName));
    this.#ledger = new Ledger(folderOf(ledgerFileName));
    this.#outbox = new ResultOutbox(this.#ledger, read.entries, undefined, (message) => {
      log('error', message);
    });
    if (read.damaged.length > 0) this.#ledger.markDamaged();
    sayDamage(read.damaged, log);
    this.#outbox.takeDamage(read.damaged);
    this.#logs = new LogShipper({
      folder: folderOf('logs'),
      send: (chunk) => this.#connection.sendLog(chunk),
      onGivenUp: (token, bytes) => {
        log('error', 'output given up: the hub did not take it and the disk bound is reached', {
          token,
          bytes,
        });
      },
    });
    const records = new OnceRecords(folderOf('once'));
    const stillMine = (token: Token): Promise<Standing> => this.#connection.stillMine(token);
    this.#door = new Door(
      folderOf(doorFolder),
      (question) => answerGuard({ stillMine, records }, question),
      log,
    );
    this.#checkpoints = new Checkpoints(folderOf('checkpoints'), log);
    const probe = new ResourceProbe();
    const runners = new Runners({
      nodeId: settings.nodeId,
      handlersFolder: settings.handlersFolder,
      stillMine,
    });
    this.#executor = new Executor({
      nodeId: settings.nodeId,
      workFolder: folderOf('work'),
      workRoot: settings.workRoot,
      runners,
      outbox: this.#outbox,
      logs: this.#logs,
      door: this.#door,
      checkpoints: this.#checkpoints,
      reports: this.#reports(),
      readUse: () => probe.read(),
      log,
    });
    this.#connection = new AgentConnection({
      url: settings.hub,
      nodeId: settings.nodeId,
      ...known,
      spec: specOf(settings, runners.kinds),
      keyDays: settings.keyDays,
      executor: this.#executor,
      log,
      ...events,
    });
  }

  /** First ends what an earlier life left running, then connects. */
  async start(): Promise<void> {
    const workFolder = join(this.#settings.dataFolder, 'work');
    await endOrphans({
      outbox: this.#outbox,
      doorFolder: join(this.#settings.dataFolder, doorFolder),
      checkpoints: this.#checkpoints,
      log: this.#log,
    });
    rmSync(workFolder, { recursive: true, force: true });
    this.#checkpoints.clear();
    this.#door.open();
    this.#logs.recover((token) => this.#outbox.logOwnerOf(token));
    this.#connection.open();
  }

  /** Ends running attempts, tells the hub as far as it listens, and closes. */
  async stop(): Promise<void> {
    await this.#executor.stopAll(this.#settings.stopGraceMs);
    await this.#farewell();
    this.#connection.close();
    this.#logs.close();
    this.#door.close();
    this.#outbox.close();
    this.#ledger.close();
  }

  /** Now, or at the next join. */
  rotateKey(): void {
    this.#connection.rotateKey();
  }

  /** For an exit at once: no process is left behind, and the next life records how they ended. */
  killAttempts(): void {
    this.#executor.killAll();
  }

  #reports(): AttemptReports {
    return {
      started: (token) => {
        this.#connection.started(token);
      },
      result: (result) => {
        this.#connection.result(result);
      },
    };
  }

  async #farewell(): Promise<void> {
    const untilMs = performance.now() + farewellMs;
    const isBusy = (): boolean => this.#outbox.pending().length > 0 || this.#logs.isBusy;
    while (this.#connection.isJoined && isBusy() && performance.now() < untilMs)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function sayDamage(damaged: readonly DamagedLine[], log: WriteLine): void {
  for (const { line, kind, tokens } of damaged.slice(0, damagedLinesSaid)) {
    const what = kind === undefined ? 'of a kind that cannot be told' : `perhaps a ${kind}`;
    log('error', `line ${String(line)} of the ledger is damaged, ${what}`, { tokens: tokens.join(',') });
  }
  if (damaged.length > damagedLinesSaid)
    log('error', 'more lines of the ledger are damaged', { lines: damaged.length - damagedLinesSaid });
}

function specOf(settings: Settings, kinds: readonly Kind[]): NodeSpec {
  return v.parse(nodeSpecSchema, {
    place: settings.place,
    resources: {
      cpu: settings.cpu ?? Math.min(coreCount() * 1_000, limits.cpuMillicoresMax),
      memory: settings.memory ?? Math.min(memoryTotalMiB(), limits.memoryMiBMax),
      gpuDevices: settings.gpu ?? 0,
      slots: settings.slots ?? limits.slotsDefault,
      custom: settings.custom,
    },
    labels: settings.labels,
    taints: settings.taints,
    kinds: [...kinds],
    agentVersion,
    platform: `${type()} ${release()} ${hostname()}`.slice(0, limits.labelValueLengthMax),
  });
}
