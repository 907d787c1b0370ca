// storage.json in the data folder: what is kept and for how long, and when copies are made by themselves.
import { readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { syncPath, writeDurably } from '../offline/durableFiles.ts';
import { decode } from '../protocol/decode.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import {
  type BackupPlan,
  backupPlanSchema,
  defaultRetention,
  type Retention,
  retentionSchema,
} from '../protocol/storage.ts';

const fileName = 'storage.json';
/** Raised where an older Millrace would misread the file. */
const fileVersion = 1;

const versionSchema = v.looseObject({ version: v.pipe(v.number(), v.integer(), v.minValue(1)) });
const fileSchema = v.strictObject({
  version: v.literal(fileVersion),
  retention: retentionSchema,
  backup: backupPlanSchema,
});
interface Settings {
  readonly retention: Retention;
  readonly backup: BackupPlan;
}

export class StorageFile {
  readonly #folder: string;
  #settings: Settings;
  /** Changes are written one after the other. */
  #write: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, settings: Settings) {
    this.#folder = folder;
    this.#settings = settings;
  }

  /** Defaults where there is no file. Refuses a damaged or newer one, and leaves it as it is. */
  static open(folder: string): Outcome<StorageFile, Refusal> {
    const path = join(folder, fileName);
    const advice = `mend it, or move it away to go on with ${inWords(defaultRetention)} and without backups`;
    let found: unknown;
    try {
      found = JSON.parse(readFileSync(path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        return accepted(new StorageFile(folder, { retention: defaultRetention, backup: noPlan }));
      const why = error instanceof Error ? error.message : String(error);
      return refused(refusal('storage_failed', `${path} cannot be used: ${why}; ${advice}`));
    }
    const version = decode(versionSchema, found, path);
    if (version.ok && version.value.version > fileVersion) {
      const said =
        `${path} has version ${version.value.version}, written by a newer Millrace; this one knows ${fileVersion}: ` +
        'start the newer version, or move the file away';
      return refused(refusal('storage_failed', said));
    }
    const read = decode(fileSchema, found, path);
    if (!read.ok) return refused(refusal('storage_failed', `${read.reason.message}; ${advice}`));
    const { retention, backup } = read.value;
    return accepted(new StorageFile(folder, { retention, backup }));
  }

  get retention(): Retention {
    return this.#settings.retention;
  }
  get backup(): BackupPlan {
    return this.#settings.backup;
  }
  text(): string {
    return textOf(this.#settings);
  }

  /** In force once it is on the disk. Refuses `storage_failed` where it cannot be written; the old one stays then. */
  change(change: Partial<Settings>): Promise<Outcome<Settings, Refusal>> {
    const done = this.#write.then(() => this.#replace({ ...this.#settings, ...change }));
    this.#write = done;
    return done;
  }

  /** Whole or not at all: a crash in between leaves the old file. */
  async #replace(settings: Settings): Promise<Outcome<Settings, Refusal>> {
    const path = join(this.#folder, fileName);
    try {
      await rm(`${path}.next`, { force: true });
      await writeDurably(`${path}.next`, textOf(settings));
      await rename(`${path}.next`, path);
      await syncPath(this.#folder, true);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return refused(refusal('storage_failed', `${path} cannot be written: ${why}; nothing was changed`));
    }
    this.#settings = settings;
    return accepted(settings);
  }
}

const noPlan: BackupPlan = v.parse(backupPlanSchema, {});

const textOf = (settings: Settings): string =>
  `${JSON.stringify({ version: fileVersion, ...settings }, null, 2)}\n`;

const inWords = ({ tasksMax }: Retention): string => `at most ${tasksMax} ended tasks`;
