// The simulated plant as a feature of the host: how it is asked for, and how far its start or its end has come.
import * as v from 'valibot';
import { nodesMax } from './limits.ts';

/** Ten times the believable load fills any plant. */
const loadMax = 10;
const seedMax = 4_294_967_295;

export const startSimulationSchema = v.strictObject({
  nodes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(nodesMax)), 1_000),
  /** The same seed makes the same plant with the same day. */
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(seedMax)), 1),
  /** Share of the ordinary load; 0 gives nodes without tasks. */
  load: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(loadMax)), 1),
});
export type SimulationParams = v.InferOutput<typeof startSimulationSchema>;

/** In whose name simulated nodes and tasks are taken away. */
export const simulationActor = 'simulation';

export type Simulation =
  | { readonly state: 'off' }
  /** `total`: nodes asked for. */
  | {
      readonly state: 'starting';
      readonly joined: number;
      readonly total: number;
      /** The plant's process ended by itself and is started again: why, for people. */
      readonly problem?: string;
    }
  | { readonly state: 'running'; readonly online: number; readonly total: number }
  /** Counts nodes and tasks that are to go; `total` grows where more are found. */
  | { readonly state: 'ending'; readonly done: number; readonly total: number };

export const simulationMethodSchemas = {
  startSimulation: startSimulationSchema,
  /** Takes away the simulated nodes and tasks, nothing else. Answers at once; `getSimulation` tells how far it is. */
  endSimulation: v.strictObject({}),
  getSimulation: v.strictObject({}),
} as const;
