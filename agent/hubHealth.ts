// What a hub that takes no agents yet says of itself: how far its recovery is.
import * as v from 'valibot';

const healthSchema = v.object({
  code: v.literal('recovering'),
  stage: v.string(),
  done: v.number(),
  total: v.number(),
});
/** It answers from memory; longer means that it is not there. */
const answerWithinMs = 2_000;

/** `the hub is recovering (loading 40 %)`, or undefined where it is not, or cannot be asked. */
export async function recoveryOf(hubUrl: string): Promise<string | undefined> {
  try {
    const url = `${hubUrl.replace(/^ws/, 'http').replace(/\/+$/, '')}/health`;
    const response = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs) });
    const health = v.safeParse(healthSchema, await response.json());
    if (response.status !== 503 || !health.success) return undefined;
    const { stage, done, total } = health.output;
    const share = total > 0 ? ` ${String(Math.floor((100 * done) / total))} %` : '';
    return `the hub is recovering (${stage.slice(0, 40)}${share})`;
  } catch {
    // Not there, or no hub: the failed connection itself says more.
    return undefined;
  }
}
