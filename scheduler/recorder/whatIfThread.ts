// The thread that makes one what-if and ends. Started by whatIfRuns.ts; it reads the record and touches nothing.
import { setImmediate as turn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { refusal, Refused } from '../protocol/outcome.ts';
import type { Database } from '../sqlite/driver.ts';
import { openRecordToRead, refusalOf } from './recordFile.ts';
import { whatIf } from './whatIf/whatIf.ts';
import type { FromWhatIf, WhatIfStart } from './whatIfMessages.ts';

/** Between two reports and two looks at whether somebody wants to stop. */
const stepMs = 20;

const { folder, asks } = workerData as WhatIfStart;
const port = parentPort;
if (!port) throw new Error('whatIfThread runs only as a worker of whatIfRuns.ts');
const post = (message: FromWhatIf): void => {
  port.postMessage(message);
};

let isStopAsked = false;
port.on('message', () => {
  isStopAsked = true;
});

const opened = openRecordToRead(folder);
if (opened.ok) void make(opened.value);
else {
  post({ kind: 'failed', refusal: refusal('storage_failed', opened.reason.message) });
  port.close();
}

async function make(database: Database): Promise<void> {
  try {
    const steps = whatIf(database, asks);
    for (let dueMs = 0; ;) {
      const step = steps.next();
      if (step.done) {
        post({ kind: 'done', answer: step.value });
        return;
      }
      if (performance.now() < dueMs) continue;
      post({ kind: 'step', ...step.value });
      await turn();
      if (isStopAsked) throw new Refused(refusal('wrong_state', 'the run was cancelled'));
      dueMs = performance.now() + stepMs;
    }
  } catch (error) {
    post({ kind: 'failed', refusal: refusalOf(error, folder) });
  } finally {
    database.close();
    port?.close();
  }
}
