// Batches to write and to expect: each follows from its number alone.
import { ms, nodeId, taskId, token } from '../../scheduler/protocol/brands.ts';
import type { Batch } from '../../scheduler/protocol/events.ts';

export const batchOf = (sequence: number): Batch => ({
  sequence,
  atMs: ms(1_700_000_000_000 + sequence),
  events: [
    {
      kind: 'attempt_placed',
      taskId: taskId(sequence),
      token: token(sequence),
      nodeId: nodeId('BOD-L08-C03-N07'),
      gpuMask: sequence % 4,
    },
    {
      kind: 'task_dead_lettered',
      taskId: taskId(sequence),
      reason: `Prüfstand ${sequence}: 温度过高 \u{1f525}`,
    },
  ],
});
