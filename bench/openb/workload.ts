// The openb workload as FGD's study inflates it (USENIX ATC'23): nodes in an order of the seed, pods drawn until the GPUs
// asked for are a given share of those there are. The same numbers as the public evaluator draws.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MissingInput } from '../bench.ts';
import type { OpenbInit, OpenbPod } from '../../scheduler/adapters/openb.ts';

export type PlantNode = OpenbInit['nodes'][number];
export interface Workload {
  readonly nodes: readonly PlantNode[];
  readonly pods: readonly OpenbPod[];
  /** The pods as recorded, once: what the plant has seen before. */
  readonly history: readonly OpenbPod[];
}

const nodeFile = 'csv/openb_node_list_gpu_node.csv';
const demandShare = 1.3;
const perDevice = 1_000;

/** Reads the data folder. Throws, and says what is missing, where it is not there. */
export function readWorkload(
  folder: string,
  { list, copies, seed }: { readonly list: string; readonly copies: number; readonly seed: number },
): Workload {
  const recorded = rowsOf(folder, `csv/${list}.csv`)
    .map(podOf)
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const nodes = permuted(rowsOf(folder, nodeFile).map(nodeOf), copies, seed);
  const all = Array.from({ length: copies }, () => recorded).flat();
  return { nodes, pods: inflated(all, nodes, seed), history: recorded };
}

type Row = Readonly<Record<string, string>>;

function rowsOf(folder: string, file: string): Row[] {
  let text: string;
  try {
    text = readFileSync(join(folder, file), 'utf8');
  } catch {
    throw new MissingInput(
      `openb data: ${join(folder, file)} cannot be read. The data is not part of Millrace: get the Alibaba ` +
        'cluster-trace-gpu-v2023 and give its folder with --data or MILLRACE_OPENB_DATA',
    );
  }
  const [head = '', ...lines] = text.trim().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    return Object.fromEntries(names.map((name, at) => [name, fields[at] ?? '']));
  });
}

const nodeOf = (row: Row): PlantNode => ({
  id: 0,
  name: row['sn'] ?? '',
  cpu: Number(row['cpu_milli']),
  mem: Number(row['memory_mib']),
  gpus: Number(row['gpu']),
  model: row['model'] ?? '',
});

function podOf(row: Row): OpenbPod & { readonly name: string } {
  const gpus = Number(row['num_gpu']);
  return {
    name: row['name'] ?? '',
    cpu: Number(row['cpu_milli']),
    mem: Number(row['memory_mib']),
    gpus,
    milli: gpus > 0 ? Math.min(perDevice, Number(row['gpu_milli'])) : 0,
    spec: (row['gpu_spec'] ?? '').split('|').filter((model) => model !== ''),
  };
}

/** Small seeded generator (mulberry32), as the public evaluator uses it. */
function randomOf(seed: number): () => number {
  let state = (seed >>> 0) ^ 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function shuffle(items: unknown[], random: () => number): void {
  for (let at = items.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [items[at], items[other]] = [items[other], items[at]];
  }
}

/** No scheduler may profit from the order of the file. */
function permuted(nodes: readonly PlantNode[], copies: number, seed: number): PlantNode[] {
  const all = Array.from({ length: copies }, (_, copy) =>
    nodes.map((node) => (copies > 1 ? { ...node, name: `${node.name}-r${copy}` } : node)),
  ).flat();
  shuffle(all, randomOf(seed * 104_729 + 17));
  return all.map((node, id) => ({ ...node, id }));
}

const askedOf = ({ gpus, milli }: OpenbPod): number => gpus * milli;

function inflated(recorded: readonly OpenbPod[], nodes: readonly PlantNode[], seed: number): OpenbPod[] {
  const random = randomOf(seed);
  const goal = demandShare * perDevice * nodes.reduce((sum, { gpus }) => sum + gpus, 0);
  const pods = [...recorded];
  shuffle(pods, random);
  let asked = pods.reduce((sum, pod) => sum + askedOf(pod), 0);
  while (asked > goal) {
    const [dropped] = pods.splice(Math.floor(random() * pods.length), 1);
    asked -= dropped ? askedOf(dropped) : 0;
  }
  for (;;) {
    const pod = recorded[Math.floor(random() * recorded.length)];
    if (!pod || asked + pod.milli > goal) return pods;
    asked += askedOf(pod);
    pods.push(pod);
  }
}
