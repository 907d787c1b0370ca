// The host of a trial over its lives: started, killed, out of power, standing still, and started again; with how long
// each life took until it worked.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostExit } from '../../scheduler/protocol/hostLink.ts';
import type { DiskOrder } from './preload/hostFaults.ts';
import type { KillMoment, PowerCut } from './plan.ts';
import { cutHost, type Losses } from './powerCut.ts';
import { Program, tailOf } from './program.ts';

/** Generous: others use the processors too, and a stop of half a minute may fall into a start. */
const listenWithinMs = 90_000;
/** An idle journal writes nothing: then the kill comes by itself. */
const killWithinMs = 1_000;
const againAfterMs = 200;

export interface Recovery {
  readonly listeningMs: number;
  /** From the start of the process to the first answer that took a task. */
  submitMs?: number;
}
export interface HostOptions {
  readonly folder: string;
  readonly scale: number;
  readonly losses: Losses;
  readonly onAddress: (address: string | undefined) => void;
  readonly onViolation: (what: string) => void;
}

export class HostUnderTest {
  readonly dataFolder: string;
  readonly rigFolder: string;
  readonly recoveries: Recovery[] = [];
  readonly #options: HostOptions;
  #program: Program | undefined;
  #isWanted = false;
  /** One change of its life at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Faults of its disk that go on. */
  #diskFaults = 0;
  /** Lives in which the disk failed: they may end by themselves, or fail to start, however late they notice. */
  readonly #ofBadDisk = new WeakSet<Program>();
  #lives = 0;

  constructor(options: HostOptions) {
    this.#options = options;
    this.dataFolder = join(options.folder, 'host');
    this.rigFolder = join(options.folder, 'host-rig');
  }

  get isUp(): boolean {
    return this.#program !== undefined && !this.#program.hasEnded;
  }

  /** It is to be up. False also where it cannot start any more. */
  get isWanted(): boolean {
    return this.#isWanted;
  }

  start(): Promise<void> {
    return this.#inTurn(() => this.#start());
  }

  kill(moment: KillMoment, downMs: number, cut?: PowerCut): Promise<void> {
    return this.#inTurn(async () => {
      this.#isWanted = false;
      const program = this.#program;
      if (moment !== 'any') this.order({ kind: 'kill', moment });
      if (program && moment !== 'any') await Promise.race([program.ended, pause(killWithinMs)]);
      await program?.kill();
      this.withdrawOrder();
      if (cut) cutHost(this, cut, this.#options.losses);
      await pause(downMs);
      await this.#start();
    });
  }

  /** Stands still; what comes meanwhile waits. */
  async standStill(forMs: number): Promise<void> {
    const program = this.#program;
    program?.signal('SIGSTOP');
    await pause(forMs);
    program?.signal('SIGCONT');
  }

  order(order: DiskOrder): void {
    writeFileSync(join(this.rigFolder, 'order'), JSON.stringify(order));
  }
  withdrawOrder(): void {
    rmSync(join(this.rigFolder, 'order'), { force: true });
  }

  /** While `work` runs the host may end with the code for failed storage, and fail to start. */
  async whileDiskFails(work: () => Promise<void>): Promise<void> {
    this.#diskFaults += 1;
    if (this.#program) this.#ofBadDisk.add(this.#program);
    await work();
    this.#diskFaults -= 1;
  }

  setClock(offsetMs: number): void {
    writeFileSync(join(this.rigFolder, 'clock'), String(offsetMs));
  }

  /** Orderly; the end must be told with code 0. */
  stop(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isWanted = false;
      this.#program?.signal('SIGTERM');
      const ended = await Promise.race([this.#program?.ended, pause(listenWithinMs)]);
      if (ended?.code !== hostExit.ok) this.#violated(`host stopped with code ${String(ended?.code)}`);
      await this.#program?.kill();
    });
  }

  async killForGood(): Promise<void> {
    this.#isWanted = false;
    await this.#program?.kill();
  }

  async #start(): Promise<void> {
    this.#isWanted = true;
    while (this.isWanted && !this.isUp) {
      const port = await this.#tryStart();
      if (port === undefined) await pause(againAfterMs);
    }
  }

  async #tryStart(): Promise<string | undefined> {
    const { scale } = this.#options;
    const program = new Program({
      preload: 'host',
      program: 'scheduler/host/entry.ts',
      args: ['--data', this.dataFolder, '--port', '0', '--time-scale', String(scale)],
      env: {},
      rigFolder: this.rigFolder,
    });
    this.#program = program;
    if (this.#diskFaults > 0) this.#ofBadDisk.add(program);
    this.#lives += 1;
    const isFirst = this.#lives === 1;
    const address = await program.said(/agents join at (http:\/\/\S+)/, listenWithinMs);
    if (address === undefined) {
      const ended = await Promise.race([program.ended, pause(0)]);
      const isExpected =
        this.#ofBadDisk.has(program) &&
        (ended?.code === hostExit.cannotStart || ended?.code === hostExit.storageFailed);
      if (!isExpected)
        this.#violated(`host did not start: code ${String(ended?.code)}, ${String(ended?.signal)}`);
      await program.kill();
      // A start that fails for good would be tried for ever.
      if (!isExpected) this.#isWanted = false;
      return undefined;
    }
    if (!isFirst) this.recoveries.push({ listeningMs: performance.now() - program.startedMs });
    this.#options.onAddress(address);
    void program.ended.then(({ code, signal }) => {
      this.#ended(program, `code ${String(code)}, signal ${String(signal)}`, code);
    });
    return address;
  }

  /** A task was taken: the life that took it works. */
  tookTask(): void {
    const recovery = this.recoveries.at(-1);
    if (this.#program && recovery && this.isUp)
      recovery.submitMs ??= performance.now() - this.#program.startedMs;
  }

  #ended(program: Program, how: string, code: number | null): void {
    if (program === this.#program) this.#options.onAddress(undefined);
    if (!this.#isWanted || program !== this.#program) return;
    if (!(this.#ofBadDisk.has(program) && code === hostExit.storageFailed))
      this.#violated(`host ended by itself: ${how}`);
    // As the shell or a service manager would.
    void this.#inTurn(() => this.#start());
  }

  #violated(what: string): void {
    this.#options.onViolation(`${what}; its last words: ${tailOf(this.rigFolder)}`);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

export const pause = (forMs: number): Promise<undefined> =>
  new Promise((resolve) => {
    setTimeout(() => {
      resolve(undefined);
    }, forMs);
  });
