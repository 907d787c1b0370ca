// Ended tasks as a plant leaves them: 40 queues, 12 tenants, 2,000 nodes, five labels, program lines with paths.
import { ms, nodeId, queueName, taskId, token } from '../../scheduler/protocol/brands.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import { taskSpecSchema } from '../../scheduler/protocol/task.ts';
import * as v from 'valibot';

export const queues = Array.from(
  { length: 40 },
  (_, i) => `${['paint', 'press', 'weld', 'final'][i % 4] ?? ''}-${i}`,
);
export const tenants = Array.from({ length: 12 }, (_, i) => `plant-${i + 1}`);
export const nodes = Array.from(
  { length: 2_000 },
  (_, i) => `BOD-L${String(Math.floor(i / 80)).padStart(2, '0')}-C${String(i % 20).padStart(2, '0')}-N${i}`,
);
const colours = ['deep-black', 'polar-white', 'signal-red', 'ocean-blue', 'pearl-grey', 'moss-green'];
const programs = ['inspect-weld', 'grade-seam', 'measure-gap', 'render-frame', 'torque-check'];
/** A word of every fifth program line, of one task in 20,000, and of none. */
export const words = { frequent: 'torque-check', rare: 'recalibrate-axis', absent: 'hologram-unit' };
const rareEvery = 20_000;

/** Ids grow with the time of submission. */
export const firstMs = Date.UTC(2026, 0, 1);
export const submittedMsOf = (id: number, perS: number): number => firstMs + Math.floor((id * 1_000) / perS);

const plain = v.parse(taskSpecSchema, { work: { kind: 'command', argv: ['true'] } });

/** The same task for the same id, without a table of random numbers. */
const mixed = (id: number, salt: number): number => {
  let hash = Math.imul(id ^ (salt * 0x9e3779b9), 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};
const pick = <Item>(items: readonly Item[], id: number, salt: number, otherwise: Item): Item =>
  items[mixed(id, salt) % items.length] ?? otherwise;

export const labelsOf = (id: number): Record<string, string> => ({
  serial: mixed(id, 5).toString(36),
  part: `P-${mixed(id, 6) % 20_000}`,
  order: `O-${Math.floor(id / 500)}`,
  colour: pick(colours, id, 7, ''),
  shift: ['early', 'late', 'night'][Math.floor(id / 50_000) % 3] ?? '',
});

export function endedTask(id: number, perS: number): TaskRecord {
  const submittedAtMs = submittedMsOf(id, perS);
  const startedAtMs = ms(submittedAtMs + 3 + (mixed(id, 1) % 4_000));
  const runMs = ms(20 + (mixed(id, 2) % 30_000));
  const end = mixed(id, 3) % 100;
  const program = id % rareEvery === 0 ? words.rare : pick(programs, id, 4, '');
  const input = `/data/line-${mixed(id, 8) % 50}/2026/${mixed(id, 9) % 365}/frame-${mixed(id, 10) % 1_000_000}.png`;
  return {
    taskId: taskId(id),
    spec: {
      ...plain,
      name: `${program}-${mixed(id, 11) % 100_000}`,
      queue: queueName(pick(queues, id, 12, '')),
      tenant: pick(tenants, id, 13, ''),
      work: {
        kind: 'command',
        argv: [`/opt/plant/bin/${program}`, `--input=${input}`, '--tolerance=0.05', `--job=${id}`],
        shell: false,
        env: {},
      },
      labels: labelsOf(id),
    },
    submitter: `cell-${mixed(id, 14) % 30}`,
    state: end < 95 ? 'succeeded' : end < 98 ? 'dead_letter' : 'cancelled',
    submittedAtMs: ms(submittedAtMs),
    endedAtMs: ms(startedAtMs + runMs),
    ...(end >= 95 && { reason: 'exit code 3 after 1 attempt' }),
    attempts: [
      {
        attempt: 1,
        token: token(id),
        nodeId: nodeId(pick(nodes, id, 15, '')),
        placedAtMs: ms(submittedAtMs + 2),
        startedAtMs,
        endedAtMs: ms(startedAtMs + runMs),
        end: { reason: 'exit', exitCode: end < 95 ? 0 : 3, runMs, cpuMs: runMs },
      },
    ],
  };
}
