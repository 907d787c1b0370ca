// In a browser: what `/health` of the hub says while no console can connect, since the host reads back what it knew.
import type { HostState, RecoveryProgress } from '../../scheduler/protocol/hostLink.ts';

const everyMs = 1_000;
/** A hub that is gone must not hold a question for the browser's own, far longer time. */
const answerWithinMs = 3_000;
const stages: readonly RecoveryProgress['stage'][] = ['checking', 'loading', 'replaying'];

type Recovering = Extract<HostState, { state: 'recovering' }>;

/** The progress in an answer of `/health`; undefined where it is not recovering, or not ours. */
export function recoveryIn(answer: unknown): Recovering | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { state, stage, done, total } = answer as Record<string, unknown>;
  const known = stages.find((name) => name === stage);
  if (state !== 'recovering' || known === undefined) return undefined;
  if (typeof done !== 'number' || typeof total !== 'number') return undefined;
  return { state, stage: known, done, total };
}

export async function readRecovery(): Promise<Recovering | undefined> {
  try {
    const answer = await fetch('/health', {
      cache: 'no-store',
      signal: AbortSignal.timeout(answerWithinMs),
    });
    return recoveryIn(await answer.json());
  } catch {
    return undefined; // away, or not a hub: the link says so already
  }
}

/** Asks once a second between `start` and `stop`. `over`: it was recovering and is not any more. */
export function watchRecovery(changed: (state: HostState | undefined) => void, over: () => void) {
  let timer: ReturnType<typeof setInterval> | undefined;
  let isRecovering = false;

  async function look(): Promise<void> {
    const found = await readRecovery();
    if (timer === undefined) return;
    changed(found);
    if (isRecovering && !found) over();
    isRecovering = found !== undefined;
  }
  return {
    start(): void {
      if (timer !== undefined) return;
      timer = setInterval(() => void look(), everyMs);
      void look();
    },
    stop(): void {
      clearInterval(timer);
      timer = undefined;
      isRecovering = false;
      changed(undefined);
    },
  };
}
