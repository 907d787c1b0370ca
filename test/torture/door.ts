// The rig as a program that uses the host: HTTP calls that may be refused, or lost with the host.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type {
  SubmitAnswer,
  TaskAnswer,
  TaskDetail,
  TaskStanding,
} from '../../scheduler/protocol/consoleAnswers.ts';
import type { TaskSpecInput } from '../../scheduler/protocol/task.ts';
import type { NodePage, TaskCounts, TaskPage } from '../../scheduler/protocol/view.ts';
import type { WhyAnswer } from '../../scheduler/protocol/why.ts';

/** A host that stands still answers late; one that died never does. */
const callTimeoutMs = 10_000;

/** Undefined: no answer came, and what was asked may or may not have happened. */
export class Door {
  #address: string | undefined;
  #token = '';

  leadTo(address: string | undefined, dataFolder: string): void {
    this.#address = address;
    if (address === undefined) return;
    const secrets = JSON.parse(readFileSync(join(dataFolder, 'secrets.json'), 'utf8')) as {
      apiToken: string;
    };
    this.#token = secrets.apiToken;
  }

  async submit(specs: readonly TaskSpecInput[]): Promise<readonly SubmitAnswer[] | undefined> {
    const given = await this.#call<{ answers: readonly SubmitAnswer[] }>('POST', '/tasks/batch', { specs });
    return given?.answers;
  }
  async states(taskIds: readonly TaskId[]): Promise<readonly TaskStanding[] | undefined> {
    const given = await this.#call<{ standings: readonly TaskStanding[] }>('POST', '/tasks/states', {
      taskIds,
    });
    return given?.standings;
  }
  task(taskId: TaskId): Promise<TaskDetail | undefined> {
    return this.#call('GET', `/tasks/${taskId}`);
  }
  why(taskId: TaskId): Promise<WhyAnswer | undefined> {
    return this.#call('GET', `/tasks/${taskId}/why`);
  }
  async liveTasks(): Promise<number | undefined> {
    const health = await this.#call<{ tasks: TaskCounts }>('GET', '/health');
    const counts: readonly number[] = Object.values(health?.tasks ?? {});
    return health && counts.reduce((sum, count) => sum + count, 0);
  }
  deadLetters(): Promise<TaskPage | undefined> {
    return this.#call('GET', '/tasks?state=dead_letter&limit=200');
  }
  nodes(): Promise<NodePage | undefined> {
    return this.#call('GET', '/nodes?limit=200');
  }
  cancel(taskIds: readonly TaskId[]): Promise<{ answers: readonly TaskAnswer[] } | undefined> {
    return this.#call('POST', '/tasks/cancel', { taskIds, reason: 'trial' });
  }
  requeue(taskIds: readonly TaskId[]): Promise<{ answers: readonly TaskAnswer[] } | undefined> {
    return this.#call('POST', '/tasks/retry', { taskIds });
  }
  setCordon(nodeId: string, isCordoned: boolean): Promise<unknown> {
    return this.#call('POST', `/nodes/${nodeId}/${isCordoned ? 'cordon' : 'uncordon'}`);
  }
  putQueue(queue: string, weight: number): Promise<unknown> {
    return this.#call('PUT', `/queues/${queue}`, { weight });
  }

  async #call<Answer>(method: string, path: string, body?: unknown): Promise<Answer | undefined> {
    if (this.#address === undefined) return undefined;
    try {
      const answer = await fetch(`${this.#address}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(callTimeoutMs),
      });
      const given = (await answer.json()) as Answer;
      return answer.ok ? given : undefined;
    } catch {
      return undefined;
    }
  }
}
