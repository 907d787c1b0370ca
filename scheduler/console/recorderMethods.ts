// Methods of the flight recorder: how far it reaches, the plant as it was, and what if it had been another.
import { accepted } from '../protocol/outcome.ts';
import type { RecorderResults } from '../protocol/recorder.ts';
import type { WhatIfResults } from '../protocol/whatIf.ts';
import type { MethodTable } from './methodTable.ts';
import type { ConsolePorts } from './ports.ts';

export const recorderMethods = ({
  recorder,
}: Pick<ConsolePorts, 'recorder'>): Pick<MethodTable, keyof (RecorderResults & WhatIfResults)> => ({
  getRecorder: async () => accepted(await recorder.state()),
  seekRecorder: (asks) => recorder.ask('seekRecorder', asks),
  stopSeek: () => accepted({ stopped: recorder.stopSeek() }),
  recorderTopology: (asks) => recorder.ask('recorderTopology', asks),
  recorderFrame: (asks) => recorder.ask('recorderFrame', asks),
  recorderTasks: (asks) => recorder.ask('recorderTasks', asks),
  recorderNodes: (asks) => recorder.ask('recorderNodes', asks),
  recorderWhy: (asks) => recorder.ask('recorderWhy', asks),
  startWhatIf: (asks, { actor }) => recorder.whatIfs.start(asks, actor),
  getWhatIf: () => {
    const run = recorder.whatIfs.newest();
    return accepted({ ...(run && { run }) });
  },
  cancelWhatIf: ({ runId }) => recorder.whatIfs.cancel(runId),
});
