// millrace audit verify on the folder of a host that does not run: the same check, without anybody to trust.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readHead } from '../audit/head.ts';
import { auditApplicationId, auditFile, auditMigrations } from '../audit/schema.ts';
import { type Checked, verifyRows } from '../audit/verify.ts';
import { faultOf } from '../sqlite/fault.ts';
import { openReadOnly } from '../sqlite/readOnly.ts';
import { exitCodes, type Output } from './journalReading.ts';

/** True where no host runs in the folder, so that its trail can be read here. */
export function isAuditFree(folder: string): boolean {
  return existsSync(join(folder, auditFile)) && !existsSync(join(folder, 'hub.json'));
}

/** Resolves to the exit code: 0 good, 1 damaged, 5 no trail, 6 in use. */
export function verifyAuditOffline(folder: string, { out, say }: Output, isJson: boolean): number {
  const path = join(folder, auditFile);
  const opened = openReadOnly({ path, applicationId: auditApplicationId, migrations: auditMigrations });
  if (!opened.ok) {
    say(`millrace: ${opened.reason.message}\n`);
    return opened.reason.cause === 'cannot_open' ? exitCodes.notFound : exitCodes.refused;
  }
  try {
    const checked = checkAll(verifyRows(opened.value.database, readHead(folder)));
    const { done, last, fault, found } = checked;
    if (isJson) out(`${JSON.stringify(checked)}\n`);
    else if (fault)
      say(`DAMAGED at entry ${fault.seq}: ${fault.message}\n${done} entries before it are good\n`);
    else out(`${done} entries are as they were written\nnewest entry ${last.seq}, hash ${last.hash}\n`);
    if (!isJson && found > 0) out(`${found} entries audit_damaged tell of damage that was found before\n`);
    return fault ? exitCodes.damaged : exitCodes.ok;
  } catch (error) {
    say(`DAMAGED: ${faultOf(error, path).message}\n`);
    return exitCodes.damaged;
  } finally {
    opened.value.close();
  }
}

function checkAll(steps: Generator<Checked, Checked>): Checked {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
