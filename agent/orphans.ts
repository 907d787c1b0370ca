// Ends attempts that an earlier life of this agent began and did not see end.
import type { WriteLine } from './logLine.ts';
import { killSurvivors } from './processTree.ts';
import type { ResultOutbox } from './resultOutbox.ts';

/**
 * The processes of such attempts may still run, since they have groups of their own, but their exit code went with
 * that agent: nobody can wait for another's child. So a surviving group is killed, where it is recognised by the
 * start time (or the token) that the ledger tells, and the attempt ends with `agent_lost`.
 */
export async function endOrphans(outbox: ResultOutbox, log: WriteLine): Promise<void> {
  const ended = outbox.unfinished().map(async (orphan) => {
    const wasAlive = orphan.process !== undefined && killSurvivors(orphan.process, orphan.token);
    const fate = wasAlive ? '; its processes were killed' : '';
    const message = `the agent on this node ended while the attempt ran${fate}`;
    log('warn', message, { token: orphan.token });
    await outbox.recordResult(orphan, { reason: 'agent_lost', message });
  });
  await Promise.all(ended);
}
