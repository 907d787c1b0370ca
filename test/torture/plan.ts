// What one trial does: agents, tasks, faults, and when.

export type Delivery = 'at_least_once' | 'at_most_once';
export interface PlannedTask {
  /** Its idempotency key, unique in the trial. */
  readonly key: string;
  readonly submitAtMs: number;
  readonly runMs: number;
  readonly queue: string;
  readonly priority: number;
  readonly delivery: Delivery;
  /** Attempts that end with exit code 3 before one does its effect. */
  readonly failures: number;
}

/** What is left of what was written and not synced when the power goes. */
export type PowerCut = 'kept' | 'lost' | 'torn' | 'garbled';
/** `beforeCommit`, `afterCommit`: at the next write of the journal; the second one durable and never told. */
export type KillMoment = 'any' | 'beforeCommit' | 'afterCommit';
/** `afterSync`: at the next flush of its ledger, durable and never told. */
export type AgentMoment = 'any' | 'afterSync';
export type Direction = 'up' | 'down' | 'both';

export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'host_killed'; readonly moment: KillMoment; readonly downMs: number }
  | {
      readonly kind: 'host_power_cut';
      readonly moment: KillMoment;
      readonly downMs: number;
      readonly cut: PowerCut;
    }
  | { readonly kind: 'host_stopped'; readonly forMs: number }
  | {
      readonly kind: 'agent_killed';
      readonly agent: number;
      readonly moment: AgentMoment;
      readonly downMs: number;
    }
  | {
      readonly kind: 'agent_power_cut';
      readonly agent: number;
      readonly moment: AgentMoment;
      readonly downMs: number;
      readonly cut: PowerCut;
    }
  /** Of its ledger. */
  | { readonly kind: 'agent_disk_full'; readonly agent: number; readonly forMs: number }
  | { readonly kind: 'agent_stopped'; readonly agent: number; readonly forMs: number }
  | { readonly kind: 'connection_cut'; readonly agent: number }
  | {
      readonly kind: 'half_open';
      readonly agent: number;
      readonly direction: Direction;
      readonly forMs: number;
      /** True: the line comes back with a reset instead of with what waited on it. */
      readonly endsWithReset: boolean;
    }
  | { readonly kind: 'disk_full'; readonly forMs: number }
  | { readonly kind: 'write_error'; readonly isAfterWrite: boolean }
  | { readonly kind: 'slow_disk'; readonly stallMs: number }
  | { readonly kind: 'clock_jump'; readonly whose: number | 'host'; readonly hours: number }
  | { readonly kind: 'tasks_cancelled'; readonly count: number }
  | { readonly kind: 'dead_letters_requeued' }
  | { readonly kind: 'node_cordoned'; readonly agent: number; readonly forMs: number }
);
export type FaultKind = Fault['kind'];

const hostKinds = [
  'host_killed',
  'host_power_cut',
  'host_stopped',
  'disk_full',
  'write_error',
  'slow_disk',
] as const;
export type HostFaultKind = (typeof hostKinds)[number];
export const isHostFault = (kind: FaultKind): kind is HostFaultKind =>
  (hostKinds as readonly string[]).includes(kind);

export interface Plan {
  readonly seed: number;
  readonly scale: number;
  readonly agents: number;
  /** Faults begin and tasks arrive within this. */
  readonly windowMs: number;
  readonly tasks: readonly PlannedTask[];
  readonly faults: readonly Fault[];
  /** A disk of its own that can be filled: only where a fault needs it. */
  readonly needsSmallDisk: boolean;
}

export const queues = ['default', 'press'] as const;
