// The edge's side of the link: what a hub needs of its host, asked and told by records. Answers carry their question's
// number; nothing is acknowledged to an agent before the host has said that it is durable.
import type { HeartbeatFrame } from '../protocol/agentWire.ts';
import type { NodeId } from '../protocol/brands.ts';
import { edgeLinkQuietBytes } from '../protocol/limits.ts';
import type { Refusal } from '../protocol/outcome.ts';
import type { AskedByEdge, FromEdge, ToEdge } from './edgeRecords.ts';
import type { HubHandlers, HubLog, ProcessHub } from './ports.ts';
import type { RecordLink } from './recordLink.ts';

export type LinkToHost = RecordLink<ToEdge, FromEdge>;

/** A seventieth of a lease: heartbeats of an edge wake the host five times a second and not once each. */
const signOfLifeMs = 200;
/** Starts are shown to people. */
const startedMs = 50;
/** Of those that come: four such waits are nothing to one agent, and thousands ask in hundreds of frames. */
const comingMs = 5;

interface Question {
  readonly answer: (value: unknown) => void;
  readonly fail: (error: Error) => void;
}

/** What every kind of question sends after its number. */
type QuestionKind = AskedByEdge[0];

export class HostAcrossLink {
  readonly #link: LinkToHost;
  readonly #questions = new Map<number, Question>();
  #lastAsk = 0;
  /** Of a host that does not read, the newest of each node: signs of life are kept, measurements are not. */
  readonly #unsent = new Map<NodeId, HeartbeatFrame>();
  readonly handlers: HubHandlers;

  constructor(link: LinkToHost) {
    this.#link = link;
    this.handlers = {
      nodeKey: async (nodeId) => (await this.#askSoon<string | null>('key', nodeId)) ?? undefined,
      enrolmentHindrance: async (tokenHash, nodeId) =>
        (await this.#askSoon<Refusal | null>('token', tokenHash, nodeId)) ?? undefined,
      consoleSession: () => undefined,
      enrol: (nodeId, publicKey, tokenHash) => this.#askSoon('enrol', nodeId, publicKey, tokenHash),
      replaceKey: (nodeId, from, publicKey) => this.#ask('replace', nodeId, from, publicKey),
      join: (nodeId, join) => this.#askSoon('join', nodeId, join),
      heartbeat: (nodeId, frame) => {
        this.#heartbeat(nodeId, frame);
      },
      started: (nodeId, tokens) => {
        link.sendSoon(['started', nodeId, tokens], startedMs);
      },
      results: (nodeId, results) => this.#ask('results', nodeId, results),
      check: (nodeId, tokens) => this.#ask('check', nodeId, tokens),
      log: async (nodeId, chunk) => (await this.#ask<number | null>('log', nodeId, chunk)) ?? undefined,
      disconnected: (nodeId) => {
        link.send(['gone', nodeId]);
      },
      console: (console) => {
        console.close('this port takes agents only');
      },
      audit: (act) => {
        link.send(['audit', act]);
      },
    };
  }

  readonly log: HubLog = (level, message, fields) => {
    if (level !== 'debug') this.#link.send(['said', level, message, fields]);
  };

  take(records: readonly ToEdge[], hub: ProcessHub): void {
    for (const record of records) this.#takeOne(record, hub);
    // What one frame has for a node leaves as one frame.
    hub.flush();
  }

  #heartbeat(nodeId: NodeId, frame: HeartbeatFrame): void {
    this.#unsent.set(nodeId, frame);
    if (this.#link.waitingBytes > edgeLinkQuietBytes) return;
    for (const [id, newest] of this.#unsent) this.#link.sendSoon(['hb', id, newest], signOfLifeMs);
    this.#unsent.clear();
  }

  #takeOne(record: ToEdge, hub: ProcessHub): void {
    switch (record[0]) {
      case 'answer':
        this.#questionOf(record[1]).answer(record[2]);
        break;
      case 'threw':
        this.#questionOf(record[1]).fail(new Error(record[2]));
        break;
      case 'run':
        hub.dispatch(record[1], record[2]);
        break;
      case 'stop':
        hub.stop(record[1], record[2]);
        break;
      case 'close':
        hub.closeNode(record[1], record[2]);
        break;
      case 'tls':
        hub.renewTls(record[1]);
        break;
      case 'late':
        hub.heardOfHost(record[1]);
        break;
    }
  }

  #ask<Value>(kind: QuestionKind, ...about: readonly unknown[]): Promise<Value> {
    return this.#asked(
      (question) => {
        this.#link.send(question);
      },
      [kind, ...about],
    );
  }

  #askSoon<Value>(kind: QuestionKind, ...about: readonly unknown[]): Promise<Value> {
    return this.#asked(
      (question) => {
        this.#link.sendSoon(question, comingMs);
      },
      [kind, ...about],
    );
  }

  #asked<Value>(
    send: (question: FromEdge) => void,
    [kind, ...about]: readonly [QuestionKind, ...unknown[]],
  ): Promise<Value> {
    this.#lastAsk += 1;
    const ask = this.#lastAsk;
    send([kind, ask, ...about] as unknown as FromEdge);
    return new Promise((resolve, reject) => {
      this.#questions.set(ask, {
        answer: (value) => {
          resolve(value as Value);
        },
        fail: reject,
      });
    });
  }

  #questionOf(ask: number): Question {
    const question = this.#questions.get(ask);
    if (!question) throw new Error(`the host answers question ${ask}, which was not asked`);
    this.#questions.delete(ask);
    return question;
  }
}
