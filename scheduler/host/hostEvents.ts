// What the host tells whoever started it.
import type { Log, LogControl } from '../observe/log.ts';
import type { EdgeRunner } from '../hub/ports.ts';
import type { FleetRunner } from './fleetRunner.ts';
import type { RecoveryProgress } from '../protocol/hostLink.ts';
import type { Refusal } from '../protocol/outcome.ts';

export interface HostEvents {
  readonly log: Log;
  readonly logControl: LogControl;
  /** The means to run the simulated plant beside the host. */
  readonly fleet: FleetRunner;
  /** The means to run processes that hold agents' sockets. */
  readonly edges: EdgeRunner;
  readonly onRecovering: (progress: RecoveryProgress) => void;
  /** The journal or history failed while running: the process must end. */
  readonly onFailure: (reason: Refusal) => void;
  /** Something threw that never should have: the process must end. */
  readonly onBug: (error: unknown, where: string) => void;
}
