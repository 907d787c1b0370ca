// Bounds, backups and exports of what is stored, as the console asks for them: checks, then work beside the host's own.
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { BulkWork, StoragePort } from '../console/ports.ts';
import { splitFilter } from '../console/splitFilter.ts';
import { stampOf } from '../offline/durableFiles.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { Alarms } from '../observe/alarms.ts';
import type { Ms } from '../protocol/brands.ts';
import type { Params } from '../protocol/consoleWire.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { BackupPlan, Retention, StorageJob, StorageState } from '../protocol/storage.ts';
import type { HostParts } from './hostParts.ts';
import { recorderBounds } from './startRecorder.ts';
import { isThere, makeBackup } from './storageBackup.ts';
import { type FreeBytesOf, refusalOfFolder } from './storageFolder.ts';
import { StorageJobs, type Work } from './storageJobs.ts';
import { BackupSchedule } from './storageSchedule.ts';

export interface StorageParts {
  readonly host: Pick<HostParts, 'config' | 'files' | 'events' | 'history' | 'journal' | 'settings'> & {
    readonly recorder: Pick<HostParts['recorder'], 'setBounds'>;
  };
  readonly alarms: Alarms;
  readonly clock: () => Ms;
  readonly freeBytesOf: FreeBytesOf;
  readonly trail: Pick<AuditTrail, 'exportTo'>;
}

/** Exports go here where nobody named another folder. */
const exportsFolder = 'exports';
const noFolder = refusal('bad_message', 'name a folder, or set a backup plan that has one', {
  field: 'folder',
});

type Started = { readonly job: StorageJob; readonly ended: Promise<StorageJob> };

export class Storage implements StoragePort {
  readonly #parts: StorageParts;
  readonly #origin: string;
  readonly #jobs: StorageJobs;
  readonly #schedule: BackupSchedule;

  constructor(parts: StorageParts) {
    const { host, alarms, clock } = parts;
    this.#parts = parts;
    this.#origin = `${hostname()}:${host.config.dataFolder}`;
    this.#jobs = new StorageJobs(clock, host.events.log);
    this.#schedule = new BackupSchedule({
      plan: () => host.settings.backup,
      origin: this.#origin,
      clock,
      alarms,
      log: host.events.log,
      start: (folder, actor) => this.#backup(folder, actor),
    });
  }

  readonly state = async (): Promise<StorageState> => {
    const { history, journal, settings, config } = this.#parts.host;
    const [freeBytes, oldestEndedAtMs, times] = await Promise.all([
      this.#parts.freeBytesOf(config.dataFolder),
      history.oldestEndedMs(),
      this.#schedule.times(),
    ]);
    const { fileBytes, bytesSinceSnapshot, isSnapshotUnderWay } = journal.stats();
    const stored = history.stats();
    return {
      dataFolder: config.dataFolder,
      freeBytes,
      journal: { bytes: fileBytes, replayBytes: bytesSinceSnapshot, isSnapshotUnderWay },
      history: {
        bytes: stored.fileBytes,
        tasks: stored.tasks,
        logBytes: stored.logBytes,
        ...(oldestEndedAtMs !== undefined && { oldestEndedAtMs }),
      },
      retention: settings.retention,
      backup: { ...settings.backup, ...times },
      jobs: this.#jobs.list(),
    };
  };

  readonly setRetention = async (
    retention: Retention,
    actor: string,
  ): Promise<Outcome<Retention, Refusal>> => {
    const { settings, events, recorder } = this.#parts.host;
    const changed = await settings.change({ retention });
    if (!changed.ok) return changed;
    recorder.setBounds(recorderBounds(changed.value.retention));
    events.log('info', 'retention changed', { actor, ...retention });
    return accepted(changed.value.retention);
  };

  readonly setBackupPlan = async (plan: BackupPlan, actor: string): Promise<Outcome<BackupPlan, Refusal>> => {
    const { settings, events } = this.#parts.host;
    const hindrance = plan.folder === undefined ? undefined : await this.#refusalOf(plan.folder, 0);
    if (hindrance) return refused(hindrance);
    const changed = await settings.change({ backup: plan });
    if (!changed.ok) return changed;
    events.log('info', 'backup plan changed', { actor, ...plan });
    this.#schedule.planChanged();
    return accepted(changed.value.backup);
  };

  readonly startBackup = async (
    folder: string | undefined,
    actor: string,
  ): Promise<Outcome<StorageJob, Refusal>> => {
    const chosen = folder ?? this.#parts.host.settings.backup.folder;
    if (chosen === undefined) return refused(noFolder);
    const started = await this.#backup(chosen, actor);
    return started.ok ? accepted(started.value.job) : started;
  };

  readonly startExport = async (
    { filter, format, folder: asked }: Params<'startExport'>,
    actor: string,
  ): Promise<Outcome<StorageJob, Refusal>> => {
    const { config, history } = this.#parts.host;
    const { ended } = splitFilter(filter);
    if (ended === undefined) return refused(onlyLive);
    const hindrance = this.#jobs.hindrance('export');
    if (hindrance) return refused(hindrance);
    const folder = asked ?? join(config.dataFolder, exportsFolder);
    if (asked === undefined) await mkdir(folder, { recursive: true, mode: 0o700 });
    const { tasks, fileBytes, logBytes } = history.stats();
    const { total } = await history.count(ended);
    // What a row takes in history bounds what it takes in a file: indexes are counted, too.
    const neededBytes = tasks === 0 ? 0 : (total * Math.max(0, fileBytes - logBytes)) / tasks;
    const badFolder = await this.#refusalOf(folder, neededBytes, exportsFolder);
    if (badFolder) return refused(badFolder);
    const path = join(folder, `millrace-tasks-${stampOf(this.#parts.clock())}.${format}`);
    const run: Work['run'] = async (progress, signal) => {
      const options = { filter: ended, format, signal, onProgress: progress };
      return (await history.exportTo(path, options)).bytes;
    };
    const started = await this.#start({ kind: 'export', actor, path, run });
    return started.ok ? accepted(started.value.job) : started;
  };

  /** The room it takes is not known before: the disk's alarm tells of little. */
  readonly exportAudit = async (
    { filter, format, folder: asked }: Params<'exportAudit'>,
    actor: string,
  ): Promise<Outcome<StorageJob, Refusal>> => {
    const { config, files } = this.#parts.host;
    const folder = asked ?? join(config.dataFolder, exportsFolder);
    if (asked === undefined) await mkdir(folder, { recursive: true, mode: 0o700 });
    const badFolder = await this.#refusalOf(folder, 0, exportsFolder);
    if (badFolder) return refused(badFolder);
    const path = join(folder, `millrace-audit-${stampOf(this.#parts.clock())}.${format}`);
    const asks = { path, filter, format, program: files.version };
    const run: Work['run'] = (onProgress, signal) => this.#parts.trail.exportTo(asks, { onProgress, signal });
    const started = await this.#start({ kind: 'export', actor, path, run });
    return started.ok ? accepted(started.value.job) : started;
  };

  readonly startBulk = (work: BulkWork): Outcome<StorageJob, Refusal> => {
    const started = this.#jobs.startBulk(work);
    return started.ok ? accepted(started.value.job) : started;
  };

  readonly cancelJob = (jobId: number, actor: string): Outcome<StorageJob, Refusal> =>
    this.#jobs.cancel(jobId, actor);

  /** To be called every few seconds. Resolves once a backup that was due has ended; never rejects. */
  readonly check = (): Promise<void> => this.#schedule.check();

  /** While a backup is made the journal may not let rows go that the copied history has not seen. */
  readonly noBackup = (): Promise<void> => this.#jobs.noBackup();

  close(): Promise<void> {
    return this.#jobs.close();
  }

  async #backup(folder: string, actor: string): Promise<Outcome<Started, Refusal>> {
    const { host, clock } = this.#parts;
    const { history, journal, config, settings, files } = host;
    const hindrance = this.#jobs.hindrance('backup');
    if (hindrance) return refused(hindrance);
    const badFolder = await this.#refusalOf(folder, history.stats().fileBytes + journal.stats().fileBytes);
    if (badFolder) return refused(badFolder);
    const sources = {
      history,
      journal,
      dataFolder: config.dataFolder,
      settings: () => settings.text(),
      program: files.version,
      origin: this.#origin,
      nowMs: clock,
    };
    const path = join(folder, `millrace-${stampOf(clock())}`);
    const run: Work['run'] = async (progress, signal) => {
      const bytes = await makeBackup(path, sources, { progress, signal });
      await this.#schedule.made(folder);
      return bytes;
    };
    return this.#start({ kind: 'backup', actor, path, run });
  }

  async #start(work: Work): Promise<Outcome<Started, Refusal>> {
    for (const path of [work.path, `${work.path}.part`])
      if (await isThere(path)) {
        const said = `${path} exists already; nothing is written over it: ask again in a second`;
        return refused(refusal('wrong_state', said, { field: 'folder' }));
      }
    return this.#jobs.start(work);
  }

  #refusalOf(folder: string, neededBytes: number, allowedInside?: string): Promise<Refusal | undefined> {
    const { host, freeBytesOf } = this.#parts;
    const { dataFolder } = host.config;
    return refusalOfFolder({
      folder,
      dataFolder,
      neededBytes,
      freeBytesOf,
      ...(allowedInside !== undefined && { allowedInside }),
    });
  }
}

const onlyLive = refusal(
  'bad_message',
  'live tasks are not exported: name states in which tasks have ended',
  {
    field: 'filter.states',
  },
);
