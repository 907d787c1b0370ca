// Ends attempts that an earlier life of this agent began and did not see end.
import type { Token } from '../scheduler/protocol/brands.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { WriteLine } from './logLine.ts';
import { killStrays, killSurvivors } from './processTree.ts';
import type { ResultOutbox } from './resultOutbox.ts';

interface OrphanParts {
  readonly outbox: ResultOutbox;
  readonly doorFolder: string;
  /** What such an attempt left is on the disk, and goes with its end. */
  readonly checkpoints: Checkpoints;
  readonly log: WriteLine;
}

/**
 * The processes of such attempts may still run, since they have groups of their own, but their exit code went with
 * that agent: nobody can wait for another's child. So a surviving group is killed, where it is recognised by the
 * start time (or the token) that the ledger tells, and the attempt ends with `agent_lost`. Where the ledger lost that
 * line or never had it, processes are recognised by the door of this agent in their environment.
 */
export async function endOrphans({ outbox, doorFolder, checkpoints, log }: OrphanParts): Promise<void> {
  const unfinished = outbox.unfinished();
  const killed = new Set<number>();
  for (const { token, process } of unfinished)
    if (process && killSurvivors(process, token)) killed.add(token);
  const isOver = (token: number): boolean => {
    const state = outbox.stateOf(token as Token);
    return state === 'finished' || state === 'acknowledged';
  };
  for (const token of killStrays(doorFolder, isOver)) {
    killed.add(token);
    log('warn', 'a process of an earlier life of this agent was killed', { token });
  }
  const ended = unfinished.map(async (orphan) => {
    const fate = killed.has(orphan.token) ? '; its processes were killed' : '';
    const message = `the agent on this node ended while the attempt ran${fate}`;
    log('warn', message, { token: orphan.token });
    const end = checkpoints.takeInto(orphan.token, { reason: 'agent_lost', message });
    await outbox.recordResult(orphan, end);
  });
  await Promise.all(ended);
}
