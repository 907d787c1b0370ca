// The filters that look at a node's state and at what is free on it, and those of node classes.
import type { NodeIndex } from '../../protocol/brands.ts';
import { gpuDevicesMax, gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import type { Ask } from '../../protocol/task.ts';
import { type AskClass, type ClassTable, classRefusal } from '../state/classTable.ts';
import { closedBy, type NodeTable, nodeState } from '../state/nodeTable.ts';
import type { Filter } from './filter.ts';
import { isInPlace, placeOf, ruleFilters } from './ruleFilters.ts';

const column = (values: Int32Array, node: NodeIndex): number => values[node] ?? 0;
const amounts = (has: number, needs: number, unit: string) => ({
  has: `${String(has)} ${unit}`,
  needs: `${String(needs)} ${unit}`,
});

const isClosedBy = (bit: number, node: NodeIndex, fleet: NodeTable): boolean =>
  ((fleet.cordoned[node] ?? 0) & bit) !== 0;

/** Rules that depend on the node alone and change with time, cheapest and most telling first. */
const plainFilters: readonly Filter[] = [
  {
    reason: 'NODE_NOT_ONLINE',
    refuses: (node, _ask, fleet) => fleet.state[node] !== nodeState.online,
    compare: (node, _ask, fleet) => ({
      has: fleet.state[node] === nodeState.lost ? 'lost' : 'disconnected',
      needs: 'online',
    }),
  },
  {
    reason: 'NODE_CORDONED',
    refuses: (node, _ask, fleet) => isClosedBy(closedBy.operator, node, fleet),
    compare: () => ({ has: 'cordoned', needs: 'open' }),
  },
  {
    reason: 'NODE_SET_ASIDE',
    refuses: (node, _ask, fleet) => isClosedBy(closedBy.blame, node, fleet),
    compare: (node, _ask, fleet) => ({ has: `set aside: ${fleet.setAside.get(node) ?? ''}`, needs: 'open' }),
  },
  {
    reason: 'LABEL_MISMATCH',
    refuses: (node, ask, fleet) => !isInPlace(node, ask, fleet),
    compare: (node, ask, fleet) => ({
      has: ask.places.map(([label]) => `${label}=${placeOf(node, label, fleet)}`).join(', '),
      needs: ask.places.map(([label, values]) => `${label}=${values.join('|')}`).join(', '),
    }),
  },
  {
    reason: 'INSUFFICIENT_CPU',
    refuses: (node, ask, fleet) => column(fleet.cpuFree, node) < ask.ask.cpu,
    compare: (node, ask, fleet) => amounts(column(fleet.cpuFree, node), ask.ask.cpu, 'millicores free'),
  },
  {
    reason: 'INSUFFICIENT_MEMORY',
    refuses: (node, ask, fleet) => column(fleet.memoryFree, node) < ask.ask.memory,
    compare: (node, ask, fleet) => amounts(column(fleet.memoryFree, node), ask.ask.memory, 'MiB free'),
  },
  {
    reason: 'INSUFFICIENT_GPU',
    refuses: (node, ask, fleet) =>
      ask.ask.gpu !== undefined && chooseGpus(node, ask.ask, fleet) === undefined,
    compare: (node, ask, fleet) => ({
      has: `${freeGpus(node, fleet).join(' ')} thousandths free by device`,
      needs: `${String(ask.ask.gpu?.devices ?? 0)} x ${String(ask.ask.gpu?.thousandths ?? 0)}`,
    }),
  },
  {
    reason: 'INSUFFICIENT_CUSTOM',
    refuses: (node, ask, fleet) => shortCustom(node, ask.ask, fleet) !== undefined,
    compare: (node, ask, fleet) => {
      const name = shortCustom(node, ask.ask, fleet) ?? '';
      return amounts(customFree(node, name, fleet), ask.ask.custom[name] ?? 0, name);
    },
  },
  {
    reason: 'NO_SLOT',
    refuses: (node, ask, fleet) => column(fleet.slotsFree, node) < ask.ask.slots,
    compare: (node, ask, fleet) => amounts(column(fleet.slotsFree, node), ask.ask.slots, 'slots free'),
  },
];

export const filters: readonly Filter[] = [...plainFilters, ...ruleFilters];

/** The rules of the node's class, as one filter per reason: used by explain; placement has them cached per class. */
export function classFilters(classes: ClassTable): readonly Filter[] {
  const refusalOf = (node: NodeIndex, ask: AskClass, fleet: NodeTable) => {
    const nodeClass = classes.nodeClasses[fleet.nodeClass[node] ?? -1];
    return nodeClass ? classRefusal(nodeClass, ask) : 'LABEL_MISMATCH';
  };
  const offered = (node: NodeIndex, fleet: NodeTable) => classes.nodeClasses[fleet.nodeClass[node] ?? -1];
  return [
    {
      reason: 'KIND_NOT_OFFERED',
      refuses: (node, ask, fleet) => refusalOf(node, ask, fleet) === 'KIND_NOT_OFFERED',
      compare: (node, ask, fleet) => ({ has: offered(node, fleet)?.kinds.join(' ') ?? '', needs: ask.kind }),
    },
    {
      reason: 'LABEL_MISMATCH',
      refuses: (node, ask, fleet) => refusalOf(node, ask, fleet) === 'LABEL_MISMATCH',
      compare: (node, ask, fleet) => ({
        has: ask.labels.map(([label]) => `${label}=${offered(node, fleet)?.labels[label] ?? '-'}`).join(', '),
        needs: ask.labels.map(([label, values]) => `${label}=${values.join('|')}`).join(', '),
      }),
    },
    {
      reason: 'NODE_AVOIDED',
      refuses: (node, ask, fleet) => refusalOf(node, ask, fleet) === 'NODE_AVOIDED',
      compare: (node, ask, fleet) => {
        const avoided = ask.rules?.avoid.labels ?? [];
        return {
          has: avoided.map(([label]) => `${label}=${offered(node, fleet)?.labels[label] ?? '-'}`).join(', '),
          needs: `none of: ${avoided.map(([label, values]) => `${label}=${values.join('|')}`).join(', ')}`,
        };
      },
    },
    {
      reason: 'TAINT_NOT_TOLERATED',
      refuses: (node, ask, fleet) => refusalOf(node, ask, fleet) === 'TAINT_NOT_TOLERATED',
      compare: (node, ask, fleet) => ({
        has: offered(node, fleet)?.taints.join(' ') ?? '',
        needs: `no taint but: ${ask.tolerations.join(' ')}`,
      }),
    },
  ];
}

const freeGpus = (node: NodeIndex, fleet: NodeTable): number[] =>
  Array.from({ length: fleet.gpuDevices[node] ?? 0 }, (_, d) => fleet.gpuFree[node * gpuDevicesMax + d] ?? 0);

/**
 * Bit mask of the devices an ask would get on a node, or undefined where they are short. A shared device goes to the
 * fullest one that still has room, so that whole devices stay whole. O(devices).
 */
export function chooseGpus(node: NodeIndex, ask: Ask, fleet: NodeTable): number | undefined {
  if (!ask.gpu) return 0;
  const { devices, thousandths } = ask.gpu;
  return thousandths < gpuThousandthsPerDevice
    ? sharedGpu(node, thousandths, fleet)
    : wholeGpus(node, devices, fleet);
}

function sharedGpu(node: NodeIndex, thousandths: number, fleet: NodeTable): number | undefined {
  let best = -1;
  let bestFree = gpuThousandthsPerDevice + 1;
  for (let device = 0; device < (fleet.gpuDevices[node] ?? 0); device += 1) {
    const free = fleet.gpuFree[node * gpuDevicesMax + device] ?? 0;
    if (free >= thousandths && free < bestFree) [best, bestFree] = [device, free];
  }
  return best < 0 ? undefined : 1 << best;
}

function wholeGpus(node: NodeIndex, devices: number, fleet: NodeTable): number | undefined {
  let mask = 0;
  let found = 0;
  for (let device = 0; device < (fleet.gpuDevices[node] ?? 0) && found < devices; device += 1) {
    if (fleet.gpuFree[node * gpuDevicesMax + device] !== gpuThousandthsPerDevice) continue;
    mask |= 1 << device;
    found += 1;
  }
  return found === devices ? mask : undefined;
}

/** Has the node enough of every named resource that is asked for? */
export const hasCustom = (node: NodeIndex | undefined, ask: Ask, fleet: NodeTable): boolean =>
  node !== undefined && shortCustom(node, ask, fleet) === undefined;

function customFree(node: NodeIndex, name: string, fleet: NodeTable): number {
  const index = fleet.knownCustomColumn(name);
  return index === undefined ? 0 : (fleet.customFree[index]?.[node] ?? 0);
}
function shortCustom(node: NodeIndex, ask: Ask, fleet: NodeTable): string | undefined {
  for (const name in ask.custom) if (customFree(node, name, fleet) < (ask.custom[name] ?? 0)) return name;
  return undefined;
}
