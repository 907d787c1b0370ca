// The simulated plant: started and ended from the console, gone on with after a restart of the host.
import type { SimulationPort } from '../console/ports.ts';
import type { Engine } from '../engine/engine.ts';
import type { History } from '../history/store.ts';
import type { Log } from '../observe/log.ts';
import { nodesMax } from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { Simulation, SimulationParams } from '../protocol/simulation.ts';
import type { FleetLaunch, FleetRunner } from './fleetRunner.ts';
import { removeSimulated, simulatedNodes } from './simulationEnd.ts';
import { readIntent, type SimulationIntent, writeIntent } from './simulationFile.ts';

export interface SimulationParts {
  readonly engine: Pick<Engine, 'view' | 'execute'>;
  readonly history: Pick<History, 'dropSimulated'>;
  readonly runner: FleetRunner;
  readonly dataFolder: string;
  /** Makes a token for this start. */
  readonly launchOf: (params: SimulationParams) => Promise<Outcome<FleetLaunch, Refusal>>;
  readonly log: Log;
  readonly onBug: (error: unknown, where: string) => void;
}

const lookEveryMs = 1_000;
/** Pauses before the plant's process is started again; the last one repeats. */
const restartPausesMs = [1_000, 2_000, 5_000, 15_000, 30_000];

export class SimulatedPlant implements SimulationPort {
  readonly #parts: SimulationParts;
  readonly #looking: NodeJS.Timeout;
  #intent: SimulationIntent | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #restarts = 0;
  #online = 0;
  /** All have been there at once: from then on nodes may come and go. */
  #wasComplete = false;
  #problem: string | undefined;
  #removal = { done: 0, total: 0 };
  #isClosed = false;

  /** Goes on with what an earlier life of the host was at. */
  constructor(parts: SimulationParts) {
    this.#parts = parts;
    this.#looking = setInterval(() => {
      this.#look();
    }, lookEveryMs);
    this.#intent = readIntent(parts.dataFolder);
    if (this.#intent?.state === 'on') this.#launch(this.#intent.params);
    if (this.#intent?.state === 'ending') this.#remove();
  }

  readonly state = (): Simulation => {
    const intent = this.#intent;
    if (!intent) return { state: 'off' };
    if (intent.state === 'ending') return { state: 'ending', ...this.#removal };
    const total = intent.params.nodes;
    if (this.#wasComplete) return { state: 'running', online: this.#online, total };
    const problem = this.#problem === undefined ? {} : { problem: this.#problem };
    return { state: 'starting', joined: Math.min(this.#online, total), total, ...problem };
  };

  readonly start = (params: SimulationParams, actor: string): Outcome<Simulation, Refusal> => {
    const hindrance = this.#hindrance(params);
    if (hindrance) return refused(hindrance);
    this.#intent = { state: 'on', params };
    this.#wasComplete = false;
    this.#restarts = 0;
    this.#problem = undefined;
    this.#parts.log('info', 'simulated plant started', { ...params, actor });
    this.#launch(params);
    return accepted(this.state());
  };

  readonly end = (actor: string): Simulation => {
    if (this.#intent?.state === 'ending') return this.state();
    // Also without one of ours: nodes of a fleet that somebody else ran are simulated, too.
    if (!this.#intent && simulatedNodes(this.#parts.engine).all.length === 0) return this.state();
    clearTimeout(this.#restartTimer);
    this.#parts.log('info', 'simulated plant is being ended', { actor });
    this.#removal = { done: 0, total: 0 };
    this.#keep({ state: 'ending' });
    this.#remove();
    return this.state();
  };

  /** The host stops: the plant's process too, and comes back with the next host. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#looking);
    clearTimeout(this.#restartTimer);
    void this.#parts.runner.stop();
  }

  #hindrance(params: SimulationParams): Refusal | undefined {
    if (this.#intent)
      return refusal('wrong_state', `a simulated plant is there (${this.state().state}); end it first`);
    const { engine } = this.#parts;
    const real = engine.view.nodeCounts().total - simulatedNodes(engine).all.length;
    if (real + params.nodes > nodesMax)
      return refusal(
        'fleet_full',
        `${params.nodes} simulated nodes beside ${real} real ones are more than ${nodesMax}`,
        { field: 'nodes' },
      );
    return this.#keep({ state: 'on', params });
  }

  /** Refuses where the decision cannot be kept over a restart. */
  #keep(intent: SimulationIntent | undefined): Refusal | undefined {
    try {
      writeIntent(this.#parts.dataFolder, intent);
      this.#intent = intent;
      return undefined;
    } catch (error) {
      this.#intent = intent?.state === 'on' ? undefined : intent;
      return refusal('storage_failed', `the data folder cannot be written: ${String(error)}`);
    }
  }

  #launch(params: SimulationParams): void {
    const { launchOf, onBug } = this.#parts;
    launchOf(params).then(
      (launch) => {
        this.#run(params, launch);
      },
      (error: unknown) => {
        onBug(error, 'starting the simulated plant');
      },
    );
  }

  #run(params: SimulationParams, launch: Outcome<FleetLaunch, Refusal>): void {
    // It may have been ended, or ended and started with others, while its token was made.
    if (this.#isClosed || this.#intent?.state !== 'on' || this.#intent.params !== params) return;
    if (!launch.ok) this.#again(params, launch.reason.message);
    else
      this.#parts.runner.start(launch.value, (code) => {
        this.#again(params, `the process of the simulated plant ended with code ${code ?? 'none'}`);
      });
  }

  #again(params: SimulationParams, problem: string): void {
    if (this.#isClosed || this.#intent?.state !== 'on') return;
    const pauseMs = restartPausesMs[Math.min(this.#restarts, restartPausesMs.length - 1)] ?? 0;
    this.#restarts += 1;
    this.#problem = problem;
    this.#parts.log('warn', 'simulated plant ended by itself', { problem, againInMs: pauseMs });
    this.#restartTimer = setTimeout(() => {
      this.#launch(params);
    }, pauseMs);
  }

  #look(): void {
    if (this.#intent?.state !== 'on') return;
    this.#online = simulatedNodes(this.#parts.engine).online;
    if (this.#online < this.#intent.params.nodes) return;
    this.#wasComplete = true;
    this.#restarts = 0;
    this.#problem = undefined;
  }

  /** Tasks are cancelled while agents are there still: they stop at once, and no lease has to run out. */
  #remove(): void {
    const { engine, history, runner, log, onBug } = this.#parts;
    const onProgress = (done: number, total: number): void => {
      this.#removal = { done, total };
    };
    Promise.all([runner.stop(), removeSimulated({ engine, history, onProgress })]).then(
      ([, stayed]) => {
        if (this.#isClosed) return;
        if (stayed > 0) log('warn', 'simulated nodes of another fleet are connected still', { stayed });
        this.#keep(undefined);
        this.#online = 0;
        log('info', 'simulated plant is gone', { ...this.#removal });
      },
      (error: unknown) => {
        // A store that failed ends the host by itself; anything else is a bug.
        if (!this.#isClosed) onBug(error, 'ending the simulated plant');
      },
    );
  }
}
