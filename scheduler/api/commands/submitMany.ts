// submit --file: tasks from a stream of JSON lines, sent in batches as they are read, refusals reported by line.
import type { InferOutput } from 'valibot';
import { taskBytesMax } from '../../protocol/limits.ts';
import { type Refusal, refusal } from '../../protocol/outcome.ts';
import { answerSchemas } from '../answerSchemas.ts';
import { linesOf } from './lines.ts';
import { shown, type Tools } from './tools.ts';

const batchTasksMax = 1_000;
const batchLengthMax = 1024 * 1024;
/** Longest that a task is offered again while the hub has no room for it. */
const patienceMs = 60_000;
const sayEveryMs = 1_000;
const refusalsShownMax = 10;

interface Offered {
  readonly line: number;
  readonly text: string;
}
type RefusalLike = InferOutput<typeof answerSchemas.Refusal> | Refusal;

export interface Submitted {
  readonly taskIds: readonly number[];
  readonly refused: number;
}

export async function submitMany(tools: Tools, input: AsyncIterable<Buffer | string>): Promise<Submitted> {
  const run = new ManySubmit(tools);
  for await (const { number, text, isCut } of linesOf(input)) {
    if (text.trim() !== '') await run.offer({ line: number, text }, isCut);
  }
  await run.finish();
  return run;
}

class ManySubmit implements Submitted {
  readonly taskIds: number[] = [];
  refused = 0;
  readonly #tools: Tools;
  #batch: Offered[] = [];
  #length = 0;
  #saidAtMs = Date.now();
  readonly #startedAtMs = Date.now();

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  async offer(offered: Offered, isCut: boolean): Promise<void> {
    if (isCut) this.#refuse(offered.line, refusal('too_large', `has more than ${taskBytesMax} bytes`));
    else if (!isJson(offered.text)) this.#refuse(offered.line, refusal('bad_message', 'is not valid JSON'));
    else await this.#add(offered);
  }

  async finish(): Promise<void> {
    await this.#send();
    const seconds = (Date.now() - this.#startedAtMs) / 1_000;
    if (this.refused > refusalsShownMax) this.#tools.say(`... and ${this.refused - refusalsShownMax} more\n`);
    this.#tools.say(
      `submitted ${this.taskIds.length}, refused ${this.refused}, in ${seconds.toFixed(1)} s` +
        ` (${Math.round(this.taskIds.length / Math.max(seconds, 0.001))}/s)\n`,
    );
  }

  async #add(offered: Offered): Promise<void> {
    if (this.#length + offered.text.length > batchLengthMax) await this.#send();
    this.#batch.push(offered);
    this.#length += offered.text.length;
    if (this.#batch.length >= batchTasksMax) await this.#send();
  }

  async #send(): Promise<void> {
    let waiting: readonly Offered[] = this.#batch;
    const untilMs = Date.now() + patienceMs;
    this.#batch = [];
    this.#length = 0;
    while (waiting.length > 0) {
      const { later, waitMs } = await this.#sendOnce(waiting, Date.now() < untilMs);
      waiting = later;
      if (waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      this.#sayProgress();
    }
  }

  /** Those that may be taken later are kept, while there is patience. */
  async #sendOnce(batch: readonly Offered[], isPatient: boolean) {
    const { answers } = await this.#tools.client.ask(answerSchemas.SubmitAnswers, {
      method: 'POST',
      path: '/tasks/batch',
      body: `{"specs":[${batch.map(({ text }) => text).join(',')}]}`,
    });
    const later: Offered[] = [];
    let waitMs = 0;
    for (const [at, offered] of batch.entries()) {
      const answer = answers[at];
      if (answer === undefined)
        throw new Error(`the hub answered ${answers.length} of ${batch.length} tasks`);
      if (answer.ok) this.#take(offered.line, answer.taskId);
      else if (isPatient && answer.refusal.retryAfterMs !== undefined) {
        later.push(offered);
        waitMs = Math.max(waitMs, answer.refusal.retryAfterMs);
      } else this.#refuse(offered.line, answer.refusal);
    }
    return { later, waitMs };
  }

  #take(line: number, taskId: number): void {
    this.taskIds.push(taskId);
    const { isJson: asJson, out } = this.#tools;
    out(asJson ? `${JSON.stringify({ line, taskId })}\n` : `${shown(taskId)}\n`);
  }

  #refuse(line: number, { code, message, field }: RefusalLike): void {
    this.refused += 1;
    const { isJson: asJson, out, say } = this.#tools;
    if (asJson) out(`${JSON.stringify({ line, refusal: { code, message, field } })}\n`);
    else if (this.refused <= refusalsShownMax)
      say(`line ${line}: ${message.replace(/^specs\.\d+:? ?/, '')} (${code})\n`);
  }

  #sayProgress(): void {
    if (Date.now() - this.#saidAtMs < sayEveryMs) return;
    this.#saidAtMs = Date.now();
    this.#tools.say(`${this.taskIds.length} submitted, ${this.refused} refused\n`);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
