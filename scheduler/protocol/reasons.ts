// How and why a task waits, as stable codes. Each has its words in both languages, in the renderer.

/** Stable codes for why a node, or the whole fleet, does not take a task. */
export type PendingReason =
  | 'NODE_NOT_ONLINE'
  | 'NODE_CORDONED'
  | 'KIND_NOT_OFFERED'
  | 'LABEL_MISMATCH'
  | 'TAINT_NOT_TOLERATED'
  | 'INSUFFICIENT_CPU'
  | 'INSUFFICIENT_MEMORY'
  | 'INSUFFICIENT_GPU'
  | 'INSUFFICIENT_CUSTOM'
  | 'NO_SLOT'
  | 'NODE_AVOIDED' // the task's own `placement.avoid`
  | 'NODE_SET_ASIDE' // it fails tasks that others run
  | 'MAINTENANCE' // a window begins before the task could end
  | 'NODE_NOT_EMPTY' // the task wants a node for itself
  | 'NODE_EXCLUSIVE' // another has it for itself
  | 'NOT_TOGETHER' // the tasks it wants to be with are elsewhere
  | 'NOT_APART' // tasks it must not be with are there
  | 'SPREAD_SKEW' // that place has more than its even share
  | 'RESERVED'; // kept for a task that waits longer
/** Reasons that lie with the task itself, not with nodes. */
export type TaskPendingReason =
  | PendingReason
  | 'BACKOFF'
  | 'BEHIND_OTHERS'
  | 'NO_NODES'
  | 'NOT_WAITING'
  | 'REJOINING'
  | 'DELAYED' // its time has not come
  | 'DEPENDENCY' // tasks that it comes after have not ended
  | 'GANG' // no room for all members at once
  | 'ARRAY_RUNNING_MAX'
  | 'QUEUE_PAUSED'
  | 'QUEUE_RUNNING_MAX'
  | 'QUEUE_RATE'
  | 'QUEUE_QUOTA'
  | 'TENANT_RUNNING_MAX'
  | 'TENANT_QUOTA'
  | 'LICENCE'
  | 'MAKING_ROOM'; // attempts of others are being stopped for it

/** Why a live task is not running. */
export type Waiting =
  | 'ready' // next cycles will look at it
  | 'backlog' // behind the ready window
  | 'blocked' // no node can take it now
  | 'backoff' // waits before another attempt
  | 'held' // waits for its time, for other tasks, or for its gang
  | 'none'; // does not wait: placed, or ended
