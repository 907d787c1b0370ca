// Taking and giving back what an attempt reserves on a node. Both keep the capacity index true.
import type { NodeIndex } from '../../protocol/brands.ts';
import { gpuDevicesMax, gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import type { Ask } from '../../protocol/task.ts';
import type { SchedulerState } from './schedulerState.ts';

export function holdCapacity(state: SchedulerState, node: NodeIndex, ask: Ask, gpuMask: number): void {
  change(state, node, ask, { gpuMask, sign: -1 });
}
export function releaseCapacity(state: SchedulerState, node: NodeIndex, ask: Ask, gpuMask: number): void {
  change(state, node, ask, { gpuMask, sign: 1 });
  if (state.nodes.overheld.has(node)) state.nodes.markOverheld(node);
}

function change(
  state: SchedulerState,
  node: NodeIndex,
  ask: Ask,
  { gpuMask, sign }: { readonly gpuMask: number; readonly sign: 1 | -1 },
): void {
  const fleet = state.nodes;
  const add = (column: Int32Array, amount: number): void => {
    column[node] = (column[node] ?? 0) + sign * amount;
  };
  add(fleet.cpuFree, ask.cpu);
  add(fleet.memoryFree, ask.memory);
  add(fleet.slotsFree, ask.slots);
  const perDevice = ask.gpu?.thousandths ?? gpuThousandthsPerDevice;
  for (let device = 0; device < gpuDevicesMax && gpuMask >> device !== 0; device += 1) {
    if (((gpuMask >> device) & 1) === 0) continue;
    const cell = node * gpuDevicesMax + device;
    fleet.gpuFree[cell] = (fleet.gpuFree[cell] ?? 0) + sign * perDevice;
  }
  for (const name in ask.custom) {
    const column = fleet.customFree[fleet.knownCustomColumn(name) ?? -1];
    if (column) add(column, ask.custom[name] ?? 0);
  }
  state.index.update(node);
}
