// What was decided about the simulated plant, kept over restarts: a host that comes back goes on with it.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { decode } from '../protocol/decode.ts';
import { startSimulationSchema } from '../protocol/simulation.ts';

const intentSchema = v.variant('state', [
  v.strictObject({ state: v.literal('on'), params: startSimulationSchema }),
  v.strictObject({ state: v.literal('ending') }),
]);
export type SimulationIntent = v.InferOutput<typeof intentSchema>;

const fileOf = (folder: string): string => join(folder, 'simulation.json');

/** Undefined: there is no simulated plant, or nothing readable is said of it. */
export function readIntent(folder: string): SimulationIntent | undefined {
  try {
    const read = decode(intentSchema, JSON.parse(readFileSync(fileOf(folder), 'utf8')), 'simulation.json');
    return read.ok ? read.value : undefined;
  } catch {
    return undefined;
  }
}

/** Whole or not at all. Throws where the disk refuses. */
export function writeIntent(folder: string, intent: SimulationIntent | undefined): void {
  const path = fileOf(folder);
  if (!intent) {
    rmSync(path, { force: true });
    return;
  }
  writeFileSync(`${path}.next`, `${JSON.stringify(intent)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.next`, path);
}
