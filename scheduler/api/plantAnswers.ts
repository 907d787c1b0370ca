// Answers about nodes, queues and the plant as a whole, as schemas.
import * as v from 'valibot';
import type { Summary } from '../protocol/consoleAnswers.ts';
import type { NodeRow } from '../protocol/node.ts';
import type { QueueRow, TenantRow } from '../protocol/view.ts';
import { queueSettingsSchema, tenantSettingsSchema } from '../protocol/queue.ts';
import { amount, answerOf, count, labels } from './answerOf.ts';

export const nodeRow = answerOf<NodeRow>()(
  v.object({
    nodeId: v.string(),
    area: v.string(),
    line: v.string(),
    cell: v.string(),
    state: v.picklist(['online', 'disconnected', 'lost']),
    isCordoned: v.boolean(),
    setAside: v.exactOptional(v.string()),
    isRevoked: v.exactOptional(v.boolean()),
    attempts: count,
    heldUntilMs: v.exactOptional(amount),
    cpuTotal: amount,
    cpuAllocated: amount,
    cpuUsed: v.exactOptional(amount),
    memoryTotal: amount,
    memoryAllocated: amount,
    memoryUsed: v.exactOptional(amount),
    gpuDevices: count,
    slotsTotal: count,
    slotsAllocated: count,
    lastSeenMs: amount,
    agentVersion: v.string(),
    platform: v.string(),
    kinds: v.array(v.string()),
    labels,
    taints: v.array(v.string()),
    isSimulated: v.exactOptional(v.boolean()),
  }),
);
export const declaredLost = v.object({ attempts: count });
const amounts = v.object({ cpu: amount, memory: amount, gpu: amount });
export const queueRow = answerOf<QueueRow>()(
  v.object({
    queue: v.string(),
    weight: count,
    settings: queueSettingsSchema,
    live: count,
    allocated: amounts,
    share: amount,
    gate: v.exactOptional(v.string()),
    missed: v.exactOptional(count),
    ready: count,
    backlog: count,
    blocked: count,
    backoff: count,
    active: count,
    oldestSubmittedAtMs: v.exactOptional(amount),
  }),
);
export const tenantRow = answerOf<TenantRow>()(
  v.object({
    tenant: v.string(),
    settings: tenantSettingsSchema,
    live: count,
    active: count,
    allocated: amounts,
    share: amount,
    gate: v.exactOptional(v.string()),
  }),
);
export const summary = answerOf<Summary>()(
  v.object({
    atMs: amount,
    epoch: count,
    isRecovering: v.boolean(),
    nodes: v.object({
      total: count,
      online: count,
      disconnected: count,
      lost: count,
      cordoned: count,
      setAside: count,
    }),
    tasks: v.object({
      ready: count,
      backlog: count,
      blocked: count,
      held: count,
      backoff: count,
      dispatched: count,
      running: count,
      cancelling: count,
    }),
    use: v.object({
      cpuTotal: amount,
      cpuAllocated: amount,
      cpuUsed: amount,
      memoryTotal: amount,
      memoryAllocated: amount,
      memoryUsed: amount,
    }),
    queues: v.array(queueRow),
  }),
);
