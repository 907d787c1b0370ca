// Changes the node's key: when somebody asks, or when it is old. Both keys are kept until the hub says which one
// counts, so that a crash or a lost line in between locks nobody out.
import type { Rotate } from '../scheduler/protocol/agentWire.ts';
import { rotateText } from '../scheduler/protocol/nodeProof.ts';
import type { ConnectionOptions } from './connectionOptions.ts';

type Options = Pick<ConnectionOptions, 'credentials' | 'nodeId' | 'keyDays' | 'log'>;
/** Makes the message for the connection with this id. */
type MakeRotate = (socketId: string) => Rotate;

const dayMs = 24 * 3_600_000;
/** How often a joined agent looks whether its key is old. */
const lookEveryMs = 3_600_000;

export class KeyRotation {
  readonly #options: Options;
  readonly #send: (make: MakeRotate) => void;
  #isWanted = false;
  #isJoined = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: Options, send: (make: MakeRotate) => void) {
    this.#options = options;
    this.#send = send;
  }

  wanted(): void {
    this.#isWanted = true;
    this.#ask();
  }

  joined(): void {
    this.#isJoined = true;
    this.#ask();
    this.#timer = setInterval(() => {
      this.#ask();
    }, lookEveryMs);
    this.#timer.unref();
  }

  lost(): void {
    this.#isJoined = false;
    clearInterval(this.#timer);
  }

  /** The hub has it durable. */
  rotated(publicKey: string): void {
    const { credentials, log } = this.#options;
    credentials.known(publicKey);
    this.#isWanted = false;
    log('info', 'the key of this node was changed; the old one is void');
  }

  #ask(): void {
    if (!this.#isJoined || !(this.#isWanted || this.#isOld())) return;
    const { credentials, nodeId } = this.#options;
    const { publicKey } = credentials.next();
    this.#send((socketId) => {
      const [byOld = '', byNew = ''] = credentials.sign(rotateText(nodeId, socketId, publicKey));
      return { publicKey, proofs: [byOld, byNew] };
    });
  }

  #isOld(): boolean {
    const { credentials, keyDays } = this.#options;
    return keyDays !== undefined && Date.now() - credentials.madeAtMs() >= keyDays * dayMs;
  }
}
