// One machine of the virtual plant over its life: its agent, its key, power cuts, enrolling anew where forgotten.
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import type { SimulatedWork } from '../../scheduler/protocol/work.ts';
import { type Credentials, memoryCredentials } from '../credentials.ts';
import type { HubRefusal } from '../hubMessages.ts';
import type { NodeUse } from '../resourceProbe.ts';
import type { HubTrust } from '../trust.ts';
import type { Machine } from './plant.ts';
import { VirtualAgent } from './virtualAgent.ts';

/** What the machines of one process share. */
export interface Surroundings {
  readonly hub: string;
  readonly enrolToken: string;
  /** Shared: the plant is one. Absent: plain text. */
  readonly trust: HubTrust | undefined;
  readonly localAddressOf: (index: number) => string | undefined;
  readonly useOf: (machine: Machine, reserved: NodeUse) => NodeUse;
  readonly courseOf: (machine: Machine, work: SimulatedWork) => Pick<SimulatedWork, 'runMs' | 'exitCode'>;
  readonly onJoined: () => void;
  readonly onDispatch: (dispatch: Dispatch) => void;
  /** The enrolment code itself is wrong: no machine of this process will ever join. */
  readonly onWrongToken: (refusal: HubRefusal) => void;
}

/** A forgotten node asks again after a while, so that one which is being removed does not come straight back. */
const enrolAgainAfterMs = 5_000;

const tokenCodes: readonly string[] = ['wrong_token', 'token_expired', 'token_used_up'];

export class VirtualMachine {
  readonly machine: Machine;
  readonly #around: Surroundings;
  #credentials: Credentials;
  #agent: VirtualAgent | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** By the key it has now. */
  #wasKnown = false;

  constructor(machine: Machine, around: Surroundings) {
    this.machine = machine;
    this.#around = around;
    this.#credentials = memoryCredentials(around.enrolToken);
  }

  get isJoined(): boolean {
    return this.#agent?.connection.isJoined ?? false;
  }
  get runningCount(): number {
    return this.#agent?.runningCount ?? 0;
  }
  get hasPower(): boolean {
    return this.#agent !== undefined;
  }

  powerOn(): void {
    clearTimeout(this.#timer);
    if (this.#agent) return;
    const { hub, trust, localAddressOf, useOf, courseOf, onJoined, onDispatch } = this.#around;
    const { machine } = this;
    const localAddress = localAddressOf(machine.index);
    this.#agent = new VirtualAgent({
      url: hub,
      trust,
      nodeId: machine.nodeId,
      credentials: this.#credentials,
      spec: machine.spec,
      use: (_running, reserved) => useOf(machine, reserved),
      course: (work) => courseOf(machine, work),
      onJoined: () => {
        this.#wasKnown = true;
        onJoined();
      },
      onDispatch,
      onTurnedAway: (refusal) => {
        this.#turnedAway(refusal);
      },
      ...(localAddress !== undefined && { localAddress }),
    });
    void this.#agent.start();
  }

  /** What ran is gone, as with a real machine. */
  powerOff(): void {
    clearTimeout(this.#timer);
    void this.#agent?.stop();
    this.#agent = undefined;
  }

  /** The hub hears nothing more of it, and no connection ends, until power goes and comes again. */
  fallSilent(): void {
    this.#agent?.fallSilent();
  }

  powerOnIn(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.powerOn();
    }, delayMs);
  }

  /** Off and on again, as a person would. */
  restartIn(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.powerOff();
      this.powerOn();
    }, delayMs);
  }

  #turnedAway(refusal: HubRefusal): void {
    this.powerOff();
    if (tokenCodes.includes(refusal.code)) {
      this.#around.onWrongToken(refusal);
      return;
    }
    // Revoked by an operator: the token of all does not bring it back.
    if (!this.#wasKnown) return;
    this.#wasKnown = false;
    // Forgotten, or its key is void: a new key for the same name.
    this.#credentials = memoryCredentials(this.#around.enrolToken);
    this.powerOnIn(enrolAgainAfterMs * (0.5 + Math.random()));
  }
}
