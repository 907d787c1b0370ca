// What a backup is: the name of its folder, the files in it, and the manifest that says what each must hold.
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { decode } from '../protocol/decode.ts';
import { accepted, type Outcome, refused } from '../protocol/outcome.ts';

export const manifestName = 'manifest.json';
/** In the order in which they are copied: history first, so that its cursor is never beyond the journal's end. */
export const backupFiles = ['history.db', 'journal.db', 'secrets.json', 'storage.json'] as const;
/**
 * Where the plant has them. Without its authority all agents would have to enrol again, and without its users anybody
 * at the workstation could do anything.
 */
export const optionalFiles = ['tls.json', 'users.json'] as const;

/** Raised where an older Millrace could not restore the folder. */
const manifestVersion = 2;
/** Of a backup without any of `optionalFiles`, which every version can restore. */
const plainVersion = 1;
const hashChunkBytes = 1024 * 1024;

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal digits'));
const manifestSchema = v.strictObject({
  version: v.picklist([plainVersion, manifestVersion]),
  /** Version of the program. */
  program: v.string(),
  /** Machine and data folder: a host prunes only its own copies. */
  origin: v.string(),
  madeAtMs: whole,
  /** Batches up to here are in the copies for certain; later ones may be. */
  historySequence: whole,
  journalSequence: whole,
  files: v.pipe(
    v.array(
      v.strictObject({ name: v.picklist([...backupFiles, ...optionalFiles]), bytes: whole, sha256: digest }),
    ),
    v.check(
      (files) => backupFiles.every((name) => files.filter((file) => file.name === name).length === 1),
      `must name each of ${backupFiles.join(', ')} once`,
    ),
  ),
});
export type Manifest = v.InferOutput<typeof manifestSchema>;
export type CopiedFile = Manifest['files'][number];
/** The manifest can be damaged, too: its own hash stands beside it. */
const sealedSchema = v.strictObject({ manifest: v.looseObject({ version: whole }), sha256: digest });

export function manifestText(manifest: Omit<Manifest, 'version'>): string {
  const isPlain = manifest.files.length === backupFiles.length;
  const versioned = { version: isPlain ? plainVersion : manifestVersion, ...manifest };
  return `${JSON.stringify({ manifest: versioned, sha256: sha256Of(JSON.stringify(versioned)) }, null, 2)}\n`;
}

/** Refuses with words that name the file where it is missing, damaged, or of a newer Millrace. */
export async function readManifest(folder: string): Promise<Outcome<Manifest, string>> {
  const path = join(folder, manifestName);
  let sealed: unknown;
  try {
    const text = await readFile(path);
    sealed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return refused(`${folder} is no backup, or one that was not finished: it has no ${manifestName}`);
    const why = error instanceof Error ? error.message : String(error);
    return refused(`${path} is damaged or cannot be read (${why}); use another backup`);
  }
  const read = decode(sealedSchema, sealed, path);
  if (!read.ok) return refused(`${path} is damaged: ${read.reason.message}; use another backup`);
  const { manifest, sha256 } = read.value;
  if (sha256Of(JSON.stringify(manifest)) !== sha256)
    return refused(`${path} is damaged: it is not what was written; use another backup`);
  if (manifest.version > manifestVersion)
    return refused(
      `${path} has version ${manifest.version}, written by a newer Millrace; this one knows ${manifestVersion}: ` +
        'restore with the newer version',
    );
  const known = decode(manifestSchema, manifest, path);
  return known.ok ? accepted(known.value) : refused(known.reason.message);
}

/** Reads every file and compares it. Refuses with one line for each that is not as it was written. */
export async function checkBackup(
  folder: string,
  onProgress: (bytes: number, total: number) => void = () => undefined,
): Promise<Outcome<Manifest, readonly string[]>> {
  const manifest = await readManifest(folder);
  if (!manifest.ok) return refused([manifest.reason]);
  const { files } = manifest.value;
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const faults: string[] = [];
  let before = 0;
  for (const file of files) {
    const fault = await faultOf(folder, file, (bytes) => {
      onProgress(before + bytes, total);
    });
    if (fault !== undefined) faults.push(fault);
    before += file.bytes;
  }
  return faults.length === 0 ? accepted(manifest.value) : refused(faults);
}

async function faultOf(
  folder: string,
  { name, bytes, sha256 }: CopiedFile,
  onBytes: (bytes: number) => void,
): Promise<string | undefined> {
  const path = join(folder, name);
  try {
    const found = await hashFile(path, onBytes);
    if (found.bytes !== bytes)
      return `${path} is damaged: it has ${found.bytes} bytes, it was made with ${bytes}`;
    return found.sha256 === sha256 ? undefined : `${path} is damaged: its content is not what was written`;
  } catch (error) {
    return `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export interface Hashed {
  readonly bytes: number;
  readonly sha256: string;
}

export async function hashFile(path: string, onBytes: (bytes: number) => void): Promise<Hashed> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(hashChunkBytes);
  const file = await open(path, 'r');
  try {
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, hashChunkBytes, null);
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
      hash.update(chunk.subarray(0, bytesRead));
      bytes += bytesRead;
      onBytes(bytes);
    }
  } finally {
    await file.close();
  }
}

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');
