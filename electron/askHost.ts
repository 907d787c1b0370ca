// The shell asks the host as one more console: how many tasks run before quitting, or how an agent enrols.
import { MessageChannelMain } from 'electron';
import type { NewEnrolment } from '../scheduler/protocol/consoleAnswers.ts';
import type { HostSupervisor } from './hostSupervisor.ts';

/** A host too busy to answer within this must not keep a person waiting. */
const answerWithinMs = 1_500;
/** The agent is started at once. */
const enrolWithinMs = 600_000;

interface Question<Answer> {
  readonly method: string;
  readonly params: object;
  readonly from: 'window' | 'shell';
  /** Of the session that asks, where a window has one. */
  readonly token?: string | undefined;
  /** The answer, where this message holds it. */
  readonly answerIn: (message: unknown) => Answer | undefined;
}

/** Tasks that agents hold; undefined where the host does not run or does not answer. */
export const countLiveTasks = (host: HostSupervisor): Promise<number | undefined> =>
  ask(host, { from: 'shell', method: 'watchOverview', params: { on: true }, answerIn: liveIn });

/**
 * Hub address and a code of its own for the agent of this workstation, asked with the rights of the window's session;
 * undefined where the host does not run, does not answer, or refuses it.
 */
export const askEnrolment = (
  host: HostSupervisor,
  token: string | undefined,
): Promise<NewEnrolment | undefined> =>
  ask(host, {
    from: 'window',
    token,
    method: 'createEnrolment',
    params: { label: 'this workstation', validMs: enrolWithinMs },
    answerIn: enrolmentIn,
  });

function ask<Answer>(host: HostSupervisor, question: Question<Answer>): Promise<Answer | undefined> {
  const { port1, port2 } = new MessageChannelMain();
  if (!host.connectConsole(question.from, port1)) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const finish = (answer: Answer | undefined): void => {
      clearTimeout(timer);
      port2.close();
      resolve(answer);
    };
    const timer = setTimeout(finish, answerWithinMs, undefined);
    port2.on('message', (event) => {
      const answer = question.answerIn(event.data);
      if (answer !== undefined) finish(answer);
    });
    port2.start();
    // The host takes messages in order, and resumes a session without waiting.
    if (question.token !== undefined)
      port2.postMessage({ id: 0, method: 'login', params: { token: question.token } });
    port2.postMessage({ id: 1, method: question.method, params: question.params });
  });
}

/** From an overview frame; undefined for any other message. */
function liveIn(message: unknown): number | undefined {
  const frame = message as { push?: unknown; tasks?: Partial<Record<string, unknown>> } | null;
  if (frame?.push !== 'overview' || !frame.tasks) return undefined;
  const { dispatched, running, cancelling } = frame.tasks;
  return [dispatched, running, cancelling].reduce<number>(
    (sum, count) => sum + (typeof count === 'number' ? count : 0),
    0,
  );
}

function enrolmentIn(message: unknown): NewEnrolment | undefined {
  const reply = message as { id?: unknown; ok?: unknown; result?: NewEnrolment } | null;
  return reply?.id === 1 && reply.ok === true ? reply.result : undefined;
}
