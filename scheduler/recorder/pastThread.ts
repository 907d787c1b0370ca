// The thread that holds one past core and answers what it is asked of a time. Started by recorder.ts when somebody
// looks back, and ended when nobody has for a while.
import { setImmediate as turn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { refusal, Refused } from '../protocol/outcome.ts';
import { Past } from './past.ts';
import { answerOf } from './pastAnswers.ts';
import type { FromPast, PastAsk, PastStart, ToPast } from './pastMessages.ts';
import { openRecordToRead, refusalOf } from './recordFile.ts';

const { folder } = workerData as PastStart;
const port = parentPort;
if (!port) throw new Error('pastThread runs only as a worker of recorder.ts');
const post = (message: FromPast): void => {
  port.postMessage(message);
};

const opened = openRecordToRead(folder);
if (!opened.ok) throw new Error(opened.reason.message);
const database = opened.value;
const past = new Past(database);
let isStopAsked = false;
let isClosing = false;
/** One question after the other: there is one core. */
let last: Promise<unknown> = Promise.resolve();

port.on('message', (message: ToPast) => {
  switch (message.kind) {
    case 'stop':
      isStopAsked = true;
      return;
    case 'close':
      isStopAsked = true;
      isClosing = true;
      void last.then(() => {
        database.close();
        port.close();
      });
      return;
    case 'ask':
      last = last.then(() => answer(message));
  }
});

async function answer(ask: PastAsk): Promise<void> {
  isStopAsked = isClosing;
  const said = await answerTo(ask);
  for (const message of past.notices) post({ kind: 'notice', message });
  past.notices.clear();
  post({ kind: 'sought' });
  post(said);
}

async function answerTo(ask: PastAsk): Promise<FromPast> {
  try {
    await seek(ask.asks.atMs);
    return { kind: 'answer', id: ask.id, gets: answerOf(past.core, ask) };
  } catch (error) {
    return { kind: 'refused', id: ask.id, refusal: refusalOf(error, folder) };
  }
}

/** Between two steps others are heard: a stop, above all. */
async function seek(atMs: number): Promise<void> {
  for (const { done, total } of past.seek(atMs)) {
    post({ kind: 'seeking', atMs, done, total });
    await turn();
    if (isStopAsked) throw new Refused(refusal('wrong_state', 'the seek was stopped'));
  }
}
