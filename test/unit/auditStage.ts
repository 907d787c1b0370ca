// An audit trail in a folder of its own, with a clock that is set, and ways to do harm to its file.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditTrail, openAuditTrail } from '../../scheduler/audit/trail.ts';
import type { TrailOptions } from '../../scheduler/audit/trailOptions.ts';
import { auditFile } from '../../scheduler/audit/schema.ts';
import type { AuditAct, AuditCheck, AuditEntry, AuditFilter } from '../../scheduler/protocol/audit.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import { loadDriver } from '../../scheduler/sqlite/driver.ts';

const auditThreadFile = new URL('../../scheduler/audit/auditThread.ts', import.meta.url);

export const actOf = (act: Partial<AuditAct> = {}): AuditAct => ({
  action: 'setCordon',
  actor: 'ada',
  source: '10.0.0.7',
  outcome: 'done',
  targets: ['n1'],
  ...act,
});

export class AuditStage {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-audit-'));
  readonly clock = { nowMs: 1_700_000_000_000 };
  /** What the host was told: `undefined` is that the trail can be written again. */
  readonly failures: (string | undefined)[] = [];
  readonly damage: string[] = [];
  #open: AuditTrail | undefined;

  async open(more: Partial<TrailOptions> = {}): Promise<AuditTrail> {
    const opened = await openAuditTrail({
      folder: this.folder,
      threadFile: auditThreadFile,
      clock: () => ms(this.clock.nowMs),
      redact: (details) => details,
      onFailure: (message) => this.failures.push(message),
      onDamage: (message) => this.damage.push(message),
      ...more,
    });
    if (!opened.ok) throw new Error(opened.reason.message);
    this.#open = opened.value;
    return opened.value;
  }

  async close(): Promise<void> {
    await this.#open?.close();
    this.#open = undefined;
  }

  async remove(): Promise<void> {
    await this.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Changes the file as somebody would who has the rights to it. */
  harm(...statements: readonly string[]): void {
    const database = new (loadDriver().DatabaseSync)(join(this.folder, auditFile));
    database.exec('DROP TRIGGER entry_stays');
    for (const statement of statements) database.exec(statement);
    database.close();
  }
}

export async function settle(trail: AuditTrail): Promise<void> {
  const settled = await trail.settled();
  if (!settled.ok) throw new Error(settled.reason.message);
}

export async function entriesOf(trail: AuditTrail, filter: AuditFilter = {}): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  let before: number | undefined;
  for (;;) {
    const page = await trail.list({ filter, limit: 50, ...(before !== undefined && { before }) });
    if (!page.ok) throw new Error(page.reason.message);
    entries.push(...page.value.entries);
    before = page.value.nextBefore;
    if (before === undefined) return entries;
  }
}

export async function checkOf(trail: AuditTrail): Promise<AuditCheck> {
  trail.verify();
  for (;;) {
    const state = await trail.state();
    if (!state.ok) throw new Error(state.reason.message);
    if (state.value.check && state.value.check.state !== 'running') return state.value.check;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
