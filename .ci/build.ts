// Builds dist/: bundles for Electron, host and agent by esbuild, the windows by Vite. What has not changed is kept.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build as bundle, type BuildOptions } from 'esbuild';
import { build as buildPages } from 'vite';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Output without its ending -> source. Threads are files of their own, beside the bundle that starts them. */
const programs: Readonly<Record<string, string>> = {
  'electron/main': 'electron/main.ts',
  'electron/preload': 'electron/preload.ts',
  'host/entry': 'scheduler/host/entry.ts',
  'host/edge': 'scheduler/hub/edge.ts',
  'host/journalThread': 'scheduler/journal/journalThread.ts',
  'host/historyThread': 'scheduler/history/historyThread.ts',
  'host/recorderThread': 'scheduler/recorder/recorderThread.ts',
  'host/whatIfThread': 'scheduler/recorder/whatIfThread.ts',
  'host/pastThread': 'scheduler/recorder/pastThread.ts',
  'host/auditThread': 'scheduler/audit/auditThread.ts',
  'host/hashThread': 'scheduler/offline/hashThread.ts',
  'api/cli': 'scheduler/host/commandLine.ts',
  'agent/main': 'agent/main.ts',
  'agent/handlerProcess': 'agent/run/function/child.ts',
  'agent/kit': 'agent/sdk/handler.ts',
  'agent/fleet': 'agent/fleet/main.ts',
};
interface Part {
  readonly name: string;
  readonly sources: readonly string[];
  readonly run: () => Promise<void>;
}
const parts: readonly Part[] = [
  { name: 'programs', sources: ['electron', 'scheduler', 'agent'], run: buildPrograms },
  { name: 'renderer', sources: ['renderer', 'scheduler/protocol'], run: buildRenderer },
];
const everyPart = ['.ci/build.ts', 'package.json', 'package-lock.json'];

/** Brings dist/ up to date; a part is rebuilt only where its sources changed since the last build. */
export async function build(): Promise<void> {
  for (const part of parts) {
    const stamp = join(dist, `.${part.name}.hash`);
    const now = hashOf([...part.sources, ...everyPart]);
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) continue;
    const startedMs = performance.now();
    await part.run();
    mkdirSync(dist, { recursive: true });
    writeFileSync(stamp, now);
    console.log(`build: ${part.name} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  }
}

async function buildPrograms(): Promise<void> {
  await bundle({
    ...bundleOptions(),
    entryPoints: Object.fromEntries(
      Object.entries(programs).map(([out, source]) => [out, join(root, source)]),
    ),
    outdir: dist,
  });
}

/** CommonJS for Node 18: the preview runtime takes no ES module as its main program. */
function bundleOptions(): BuildOptions {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: { electron: string };
  };
  return {
    bundle: true,
    platform: 'node',
    target: 'node18',
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    external: ['electron', '@photostructure/sqlite', 'bufferutil', 'utf-8-validate', 'node:sqlite'],
    // A CommonJS file has no import.meta; these are the parts of it that we use. The sandboxed preload has no
    // `require` of node:url, but uses none of them either, so there the banner must not fail.
    banner: {
      js:
        'var importMetaUrl = typeof __filename === "string" ? ' +
        'require("node:url").pathToFileURL(__filename).href : "";' +
        'var importMetaMain = typeof module !== "undefined" && require.main === module;',
    },
    define: {
      'import.meta.url': 'importMetaUrl',
      'import.meta.main': 'importMetaMain',
      releasedElectron: JSON.stringify(devDependencies.electron),
    },
    sourcemap: 'linked',
    legalComments: 'none',
    logLevel: 'warning',
  };
}

async function buildRenderer(): Promise<void> {
  const configFile = join(root, 'renderer/vite.config.ts');
  await buildPages({ configFile, root: join(root, 'renderer'), logLevel: 'warn' });
}

/** One hash over names and contents of all files below the given paths. */
function hashOf(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths.flatMap(filesBelow).sort()) {
    hash.update(`${path}\0`);
    hash.update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
}

function filesBelow(path: string): string[] {
  const full = join(root, path);
  const found = statSync(full, { throwIfNoEntry: false });
  if (!found) return [];
  if (found.isFile()) return [path];
  return readdirSync(full).flatMap((name) => filesBelow(`${path}/${name}`));
}

if (import.meta.main) {
  await build();
  console.log(`build: ${pathToFileURL(dist).pathname} is up to date`);
}
