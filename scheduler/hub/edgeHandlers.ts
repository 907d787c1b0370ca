// The edge's side of the link: what a hub needs of its host, asked and told by records. Answers carry their question's
// number; nothing is acknowledged to an agent before the host has said that it is durable.
import { edgeLinkQuietBytes } from '../protocol/limits.ts';
import type { AskedByEdge, FromEdge, ToEdge } from './edgeRecords.ts';
import type { Hub, HubHandlers, HubLog } from './ports.ts';
import type { RecordLink } from './recordLink.ts';

export type LinkToHost = RecordLink<ToEdge, FromEdge>;

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
  #heartbeatsLeftOut = 0;
  readonly handlers: HubHandlers;

  constructor(link: LinkToHost) {
    this.#link = link;
    this.handlers = {
      nodeKeyHash: async (nodeId) => (await this.#ask<string | null>('key', nodeId)) ?? undefined,
      enrolmentTokenMatches: (token) => this.#ask('token', token),
      consoleTokenMatches: () => false,
      enrol: (nodeId, keyHash) => this.#ask('enrol', nodeId, keyHash),
      join: (nodeId, join) => this.#ask('join', nodeId, join),
      heartbeat: (nodeId, frame) => {
        // A host that does not read gets what it needs first: the next heartbeat says the same, newer.
        if (link.waitingBytes > edgeLinkQuietBytes) this.#heartbeatsLeftOut += 1;
        else link.sendSoon(['hb', nodeId, frame]);
      },
      started: (nodeId, tokens) => {
        link.sendSoon(['started', nodeId, tokens]);
      },
      results: (nodeId, results) => this.#ask('results', nodeId, results),
      check: (nodeId, tokens) => this.#ask('check', nodeId, tokens),
      log: (nodeId, chunk) => this.#ask('log', nodeId, chunk),
      disconnected: (nodeId) => {
        link.send(['gone', nodeId]);
      },
      console: (console) => {
        console.close('this port takes agents only');
      },
    };
  }

  readonly log: HubLog = (level, message, fields) => {
    if (level !== 'debug') this.#link.send(['said', level, message, fields]);
  };

  get heartbeatsLeftOut(): number {
    return this.#heartbeatsLeftOut;
  }

  take(records: readonly ToEdge[], hub: Hub): void {
    for (const record of records) this.#takeOne(record, hub);
    // What one frame has for a node leaves as one frame.
    hub.flush();
  }

  #takeOne(record: ToEdge, hub: Hub): void {
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
    }
  }

  #ask<Value>(kind: QuestionKind, ...about: readonly unknown[]): Promise<Value> {
    this.#lastAsk += 1;
    const ask = this.#lastAsk;
    this.#link.send([kind, ask, ...about] as unknown as FromEdge);
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
