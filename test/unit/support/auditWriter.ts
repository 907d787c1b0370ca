// Writes to an audit trail and says of each act when it is durable, until it is killed.
import { ms } from '../../../scheduler/protocol/brands.ts';
import { openAuditTrail } from '../../../scheduler/audit/trail.ts';

const opened = await openAuditTrail({
  folder: process.argv[2] ?? '',
  threadFile: new URL('../../../scheduler/audit/auditThread.ts', import.meta.url),
  clock: () => ms(Date.now()),
  redact: (details) => details,
  onFailure: (message) => {
    throw new Error(message ?? 'written again');
  },
  onDamage: (message) => {
    throw new Error(message);
  },
});
if (!opened.ok) throw new Error(opened.reason.message);
const trail = opened.value;
for (let at = 1; ; at += 1) {
  const name = `act-${String(at)}`;
  trail.record({ action: 'setCordon', actor: 'ada', source: 'window', outcome: 'done', targets: [name] });
  const settled = await trail.settled();
  if (settled.ok) process.stdout.write(`${name}.\n`);
}
