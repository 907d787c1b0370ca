// The fencing question: is an attempt still this node's to run? Asked of the hub in groups, right before an effect.
import { uptime } from 'node:os';
import type { Checked, Welcome } from '../scheduler/protocol/agentWire.ts';
import type { Token } from '../scheduler/protocol/brands.ts';
import { resultsPerMessageMax } from '../scheduler/protocol/limits.ts';

/**
 * `mine`: the hub says so, or it cannot be reached and has promised not to give the work elsewhere yet.
 * `not_mine`: the hub says so. `unknown`: the hub does not answer and its promise may have run out.
 */
export type Standing = 'mine' | 'not_mine' | 'unknown';

/** A hub on the same network answers within milliseconds; one that stalls longer is not waited for. */
const answerWithinMs = 2_000;
/** A promise is believed this much shorter: the hub's clock and ours do not tick alike. */
const believedShare = 0.95;

export interface HubLine {
  readonly isJoined: () => boolean;
  /** How long the hub leaves an attempt with an offline limit to this node; undefined for all others. */
  readonly leaseMsOf: (token: Token) => number | undefined;
  readonly running: () => readonly Token[];
  /** Renews the leases of all that runs: what is asked after it and answered was renewed by it. */
  readonly sendHeartbeat: () => void;
  readonly sendCheck: (tokens: Token[]) => void;
}
interface Question {
  readonly token: Token;
  readonly answer: (standing: Standing) => void;
  readonly timer: NodeJS.Timeout;
}

/** Milliseconds that also count while the machine sleeps, and that no change of the wall clock moves. */
const sinceBootMs = (): number => uptime() * 1_000;

export class StillMine {
  readonly #line: HubLine;
  readonly #clock: () => number;
  readonly #questions = new Set<Question>();
  /** When each check was sent that is not answered; answers come in the same order. */
  #sent: number[] = [];
  readonly #renewedAtMs = new Map<Token, number>();
  #leaseMs = 0;
  #isScheduled = false;

  constructor(line: HubLine, clock: () => number = sinceBootMs) {
    this.#line = line;
    this.#clock = clock;
  }

  ask(token: Token): Promise<Standing> {
    if (!this.#line.isJoined()) return Promise.resolve(this.#withoutHub(token));
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#questions.delete(question);
        resolve(this.#withoutHub(token));
      }, answerWithinMs);
      const question: Question = { token, answer: resolve, timer };
      this.#questions.add(question);
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      setImmediate(() => {
        this.#send();
      });
    });
  }

  /** The join renewed the leases of what runs and was not revoked. `sentAtMs`: by this clock, when it was sent. */
  joined({ attemptLeaseMs, revoked }: Welcome, sentAtMs: number): void {
    this.#leaseMs = attemptLeaseMs;
    this.#sent = [];
    this.#renewedAtMs.clear();
    for (const token of this.#line.running()) this.#renewedAtMs.set(token, sentAtMs);
    for (const token of revoked) this.#renewedAtMs.delete(token);
  }

  answered({ asked, mine }: Checked): void {
    const sentAtMs = this.#sent.shift() ?? 0;
    const isMine = new Set(mine);
    for (const token of asked) {
      if (isMine.has(token)) this.#renewedAtMs.set(token, sentAtMs);
      else this.#renewedAtMs.delete(token);
    }
    this.#settle(asked, (token) => (isMine.has(token) ? 'mine' : 'not_mine'));
  }

  /** The line is gone: nothing that was asked will be answered. */
  lost(): void {
    this.#sent = [];
    const asked = [...this.#questions].map(({ token }) => token);
    this.#settle(asked, (token) => this.#withoutHub(token));
  }

  ended(token: Token): void {
    this.#renewedAtMs.delete(token);
  }

  now(): number {
    return this.#clock();
  }
  /** When the newest message was sent by which the hub renewed this lease; undefined where it never did, or took it. */
  renewedAtMs(token: Token): number | undefined {
    return this.#renewedAtMs.get(token);
  }
  /** A heartbeat, and the question whether it renewed these. False: nothing was sent. */
  renew(tokens: readonly Token[]): boolean {
    if (tokens.length === 0 || !this.#line.isJoined()) return false;
    this.#check(tokens);
    return true;
  }

  #send(): void {
    this.#isScheduled = false;
    if (!this.#line.isJoined()) {
      this.lost();
      return;
    }
    this.#check([...new Set([...this.#questions].map(({ token }) => token))]);
  }

  #check(tokens: readonly Token[]): void {
    for (let from = 0; from < tokens.length; from += resultsPerMessageMax) {
      this.#sent.push(this.#clock());
      this.#line.sendHeartbeat();
      this.#line.sendCheck(tokens.slice(from, from + resultsPerMessageMax));
    }
  }

  #withoutHub(token: Token): Standing {
    const renewedAtMs = this.#renewedAtMs.get(token);
    if (renewedAtMs === undefined) return 'unknown';
    const believedMs = this.#line.leaseMsOf(token) ?? this.#leaseMs * believedShare;
    return this.#clock() < renewedAtMs + believedMs ? 'mine' : 'unknown';
  }

  #settle(tokens: readonly Token[], standingOf: (token: Token) => Standing): void {
    const settled = new Set(tokens);
    for (const question of [...this.#questions]) {
      if (!settled.has(question.token)) continue;
      this.#questions.delete(question);
      clearTimeout(question.timer);
      question.answer(standingOf(question.token));
    }
  }
}
