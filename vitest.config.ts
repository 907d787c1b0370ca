// Which tests exist and how they run. No retries: a test that passes the second time has found something.
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// See test/compiledThreads.ts, which fills it.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/millrace');
const plain = ['unit', 'property', 'sim', 'replay', 'conformance', 'style'];

export default defineConfig({
  test: {
    retry: 0,
    globalSetup: 'test/compiledThreads.ts',
    projects: [
      ...plain.map((name) => ({
        test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 60_000 },
      })),
      {
        test: {
          name: 'torture',
          include: ['test/torture/**/*.test.ts'],
          // Many processes of its own: nothing beside it, and after what only needs a processor.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          // Memory is looked at: nothing beside it.
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: 'test/e2e/globalSetup.ts',
          // Real windows on one screen: one file at a time, after everything that only needs a processor.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
