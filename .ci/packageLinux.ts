// `npm run package:linux`: builds the .deb, where Electron's download is unreachable as a preview that says so.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build as pack, Platform, type Configuration } from 'electron-builder';
import { build } from './build.ts';
import { findElectron, type ElectronRuntime } from './electronRuntime.ts';

const root = join(import.meta.dirname, '..');

/** Returns the path of the package; one that is newer than everything in it is kept. */
export async function packageLinux(): Promise<string> {
  await build();
  const runtime = await findElectron();
  const kept = upToDatePackage(runtime.isPreview ? 'millrace-preview-' : 'millrace-');
  if (kept !== undefined) return kept;
  // The stand-in is started by name, with the Node that runs this.
  process.env['PATH'] = `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}`;
  process.env['CUSTOM_FPM_PATH'] ??= join(root, '.ci/fpm.ts');
  const files = await pack({
    projectDir: root,
    targets: Platform.LINUX.createTarget('deb'),
    publish: 'never',
    config: { extends: join(root, 'electron-builder.yml'), ...withRuntime(runtime) },
  });
  const made = files.find((path) => path.endsWith('.deb'));
  if (made === undefined) throw new Error('electron-builder made no .deb');
  return made;
}

function upToDatePackage(start: string): string | undefined {
  const release = join(root, 'release');
  if (!existsSync(release)) return undefined;
  const name = readdirSync(release).find((file) => file.startsWith(start) && file.endsWith('.deb'));
  if (name === undefined) return undefined;
  const sources = [
    'dist/.programs.hash',
    'dist/.renderer.hash',
    'electron-builder.yml',
    '.ci/packageLinux.ts',
  ];
  const newest = Math.max(...sources.map((path) => statSync(join(root, path)).mtimeMs));
  return statSync(join(release, name)).mtimeMs > newest ? join(release, name) : undefined;
}

function withRuntime(runtime: ElectronRuntime): Configuration {
  const base: Configuration = { electronVersion: runtime.version, electronDist: runtime.folder };
  return runtime.isPreview ? { ...base, ...previewChanges() } : base;
}

/** The preview runtime lacks node:sqlite, so that package comes along; and it is never mistaken for a release. */
function previewChanges(): Configuration {
  const sqlite = '@photostructure/sqlite';
  const carried = [
    [sqlite, ['package.json', 'LICENSE', 'dist/index.cjs', 'prebuilds/linux-x64/*glibc.node']],
    ['node-gyp-build', ['package.json', 'LICENSE', '*.js']],
  ] as const;
  return {
    files: carried.map(([name, filter]) => ({
      from: `node_modules/${name}`,
      to: `node_modules/${name}`,
      filter: [...filter],
    })),
    asarUnpack: [`node_modules/${sqlite}/**`],
    deb: {
      packageName: 'millrace-preview',
      artifactName: 'millrace-preview-${version}-${arch}.${ext}',
      fpm: ['--conflicts', 'millrace'],
    },
  };
}

if (import.meta.main) console.log(await packageLinux());
