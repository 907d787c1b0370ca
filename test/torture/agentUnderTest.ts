// One agent of a trial over its lives, behind a line of its own.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ledgerFileName } from '../../agent/ledger.ts';
import { pause } from './hostUnderTest.ts';
import { Line } from './line.ts';
import type { AgentMoment, Fault } from './plan.ts';
import type { LedgerOrder } from './preload/agentFaults.ts';
import { cutLedger, type Losses } from './powerCut.ts';
import { Program, tailOf } from './program.ts';

export interface AgentOptions {
  readonly folder: string;
  readonly name: string;
  readonly scale: number;
  readonly enrolToken: string;
  readonly losses: Losses;
  readonly onViolation: (what: string) => void;
}

type AgentPowerCut = Pick<Extract<Fault, { kind: 'agent_power_cut' }>, 'moment' | 'downMs' | 'cut'>;

/** An idle ledger is not flushed: then the kill comes by itself. */
const killWithinMs = 1_000;

export class AgentUnderTest {
  readonly name: string;
  readonly dataFolder: string;
  readonly line: Line;
  readonly #rigFolder: string;
  readonly #options: AgentOptions;
  #program: Program | undefined;
  #isWanted = false;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: AgentOptions, line: Line) {
    this.#options = options;
    this.name = options.name;
    this.line = line;
    this.dataFolder = join(options.folder, options.name);
    this.#rigFolder = join(options.folder, `${options.name}-rig`);
  }

  static async open(options: AgentOptions): Promise<AgentUnderTest> {
    const agent = new AgentUnderTest(options, await Line.open());
    return agent;
  }

  get ledgerFile(): string {
    return join(this.dataFolder, ledgerFileName);
  }

  start(): void {
    const { scale, enrolToken, onViolation } = this.#options;
    this.#isWanted = true;
    const capacity = ['--slots', '4', '--cpu', '64000', '--memory', '64000', '--stop-grace', '1'];
    const program = new Program({
      preload: 'agent',
      program: 'agent/main.ts',
      args: ['--hub', this.line.address, '--node', this.name, '--data', this.dataFolder, ...capacity],
      env: { MILLRACE_ENROL_TOKEN: enrolToken, MILLRACE_RIG_SCALE: String(scale) },
      rigFolder: this.#rigFolder,
    });
    this.#program = program;
    void program.ended.then(({ code, signal }) => {
      if (!this.#isWanted || this.#program !== program) return;
      onViolation(
        `agent ${this.name} ended by itself: code ${String(code)}, signal ${String(signal)}; ` +
          `its last words: ${tailOf(this.#rigFolder)}`,
      );
      this.#isWanted = false;
    });
  }

  async hasJoined(withinMs: number): Promise<boolean> {
    return (await this.#program?.said(/ info (joined) hub=/, withinMs)) !== undefined;
  }

  /** The agent alone: what it began goes on without it. */
  kill(moment: AgentMoment, downMs: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#end(moment);
      await pause(downMs);
      this.start();
    });
  }

  /** The whole machine: agent, tasks, and what was not on its disk. */
  cutPower({ moment, downMs, cut }: AgentPowerCut, spoil?: (ledgerFile: string) => void): Promise<void> {
    return this.#inTurn(async () => {
      await this.#end(moment);
      killTasksOf(this.name, this.#options.folder);
      if (cutLedger(this.ledgerFile, this.#rigFolder, cut)) this.#options.losses.ledger += 1;
      spoil?.(this.ledgerFile);
      await pause(downMs);
      this.start();
    });
  }

  async standStill(forMs: number): Promise<void> {
    const program = this.#program;
    program?.signal('SIGSTOP');
    await pause(forMs);
    program?.signal('SIGCONT');
  }

  async fillDisk(forMs: number): Promise<void> {
    this.#order({ kind: 'full' });
    await pause(forMs);
    this.#withdrawOrder();
  }

  setClock(offsetMs: number): void {
    writeFileSync(join(this.#rigFolder, 'clock'), String(offsetMs));
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isWanted = false;
      this.#program?.signal('SIGCONT');
      this.#program?.signal('SIGTERM');
      await Promise.race([this.#program?.ended, pause(5_000)]);
      await this.#program?.kill();
      this.line.close();
    });
  }

  async killForGood(): Promise<void> {
    this.#isWanted = false;
    await this.#program?.kill();
    killTasksOf(this.name, this.#options.folder);
    this.line.close();
  }

  async #end(moment: AgentMoment): Promise<void> {
    this.#isWanted = false;
    const program = this.#program;
    if (moment === 'afterSync') {
      this.#order({ kind: 'kill' });
      await Promise.race([program?.ended, pause(killWithinMs)]);
    }
    await program?.kill();
    this.#withdrawOrder();
  }

  #order(order: LedgerOrder): void {
    writeFileSync(join(this.#rigFolder, 'order'), JSON.stringify(order));
  }
  #withdrawOrder(): void {
    rmSync(join(this.#rigFolder, 'order'), { force: true });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

/** Every process that carries this node's name and this trial's folder in its environment. */
function killTasksOf(name: string, folder: string): void {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = environmentOf(entry);
    const isTask =
      environment.includes(`MILLRACE_NODE=${name}\0`) && environment.includes(`MILLRACE_TRIAL=${folder}\0`);
    if (isTask) killOne(Number(entry));
  }
}

function environmentOf(process: string): string {
  try {
    return readFileSync(`/proc/${process}/environ`, 'latin1');
  } catch {
    return '';
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
