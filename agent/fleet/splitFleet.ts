// A plant too large for one process: each child is a part of it, this process submits and adds up.
import { type ChildProcess, fork } from 'node:child_process';
import { formatEnrolCode } from '../../scheduler/protocol/enrolCode.ts';
import type { FleetCounts } from './fleet.ts';
import type { FleetSettings } from './fleetSettings.ts';

/** parent -> child */
export interface StopMessage {
  readonly kind: 'stop';
}
/** child -> parent, once a second */
export interface CountsMessage {
  readonly kind: 'counts';
  readonly counts: FleetCounts;
}

const nobody: FleetCounts = { machines: 0, joined: 0, running: 0, dispatched: 0, rssMiB: 0 };

export class SplitFleet {
  readonly #children: ChildProcess[] = [];
  readonly #counts: FleetCounts[] = [];

  /** `onEnded`: a part ended by itself. */
  start(settings: FleetSettings, perProcess: number, onEnded: (code: number | null) => void): number {
    const code = formatEnrolCode(settings.enrolCode.token, settings.enrolCode.pin);
    const parts = Math.ceil(settings.count / perProcess);
    const [, program = ''] = process.argv;
    for (let part = 0; part < parts; part += 1) {
      const first = settings.first + part * perProcess;
      const count = Math.min(perProcess, settings.first + settings.count - first);
      const args = [...process.argv.slice(2), '--first', String(first), '--count', String(count)];
      const joins = ['--joins', String(Math.max(1, Math.floor(settings.joinsPerS / parts)))];
      const env = { ...process.env, MILLRACE_ENROL_TOKEN: code, MILLRACE_FLEET_PART: '1' };
      const child = fork(program, [...args, ...joins], { env });
      child.on('message', (message: CountsMessage) => {
        this.#counts[part] = message.counts;
      });
      child.once('exit', onEnded);
      this.#children.push(child);
    }
    return parts;
  }

  counts(): FleetCounts {
    const rssMiB = Math.round(process.memoryUsage.rss() / 1_048_576);
    return this.#counts.reduce(
      (sum, part) => ({
        machines: sum.machines + part.machines,
        joined: sum.joined + part.joined,
        running: sum.running + part.running,
        dispatched: sum.dispatched + part.dispatched,
        rssMiB: sum.rssMiB + part.rssMiB,
      }),
      { ...nobody, rssMiB },
    );
  }

  async stop(): Promise<void> {
    const gone = this.#children
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((child) => {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        if (child.connected) child.send({ kind: 'stop' } satisfies StopMessage);
        return ended;
      });
    await Promise.all(gone);
  }
}
