// What a hub that takes no agents yet says of itself: how far its recovery is.
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import type { TlsLine } from './trust.ts';

const healthSchema = v.object({
  state: v.literal('recovering'),
  stage: v.string(),
  done: v.number(),
  total: v.number(),
});
/** It answers from memory; longer means that it is not there. */
const answerWithinMs = 2_000;

/** `the hub is recovering (loading 40 %)`, or undefined where it is not, or cannot be asked. */
export async function recoveryOf(hubUrl: string, tls: TlsLine | undefined): Promise<string | undefined> {
  try {
    const url = `${hubUrl.replace(/^ws/, 'http').replace(/\/+$/, '')}/health`;
    const body = await answerOf(url, tls);
    const health = v.safeParse(healthSchema, JSON.parse(body));
    if (!health.success) return undefined;
    const { stage, done, total } = health.output;
    const share = total > 0 ? ` ${String(Math.floor((100 * done) / total))} %` : '';
    return `the hub is recovering (${stage.slice(0, 40)}${share})`;
  } catch {
    // Not there, or no hub: the failed connection itself says more.
    return undefined;
  }
}

function answerOf(url: string, tls: TlsLine | undefined): Promise<string> {
  const signal = AbortSignal.timeout(answerWithinMs);
  return new Promise((resolve, reject) => {
    const request = tls ? getSecure(url, { agent: tls, signal }) : getPlain(url, { agent: false, signal });
    request.once('error', reject);
    request.once('response', (response) => {
      text(response).then(resolve, reject);
    });
  });
}
