// What is free on one node at one time, as a value that can be counted up and down: for looking ahead.
import type { NodeIndex } from '../../protocol/brands.ts';
import { gpuDevicesMax, gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import type { Ask } from '../../protocol/task.ts';
import type { NodeTable } from '../state/nodeTable.ts';

export interface Room {
  cpu: number;
  memory: number;
  slots: number;
  /** Free thousandths, by device. */
  readonly gpu: readonly number[];
  /** Free amounts, by column of the node table. */
  readonly custom: readonly number[];
}

/** What is free on the node now; below 0 where it holds more than it has. */
export function roomOf(node: NodeIndex, fleet: NodeTable): Room {
  const first = node * gpuDevicesMax;
  return {
    cpu: fleet.cpuFree[node] ?? 0,
    memory: fleet.memoryFree[node] ?? 0,
    slots: fleet.slotsFree[node] ?? 0,
    gpu: [...fleet.gpuFree.subarray(first, first + (fleet.gpuDevices[node] ?? 0))],
    custom: fleet.customFree.map((column) => column[node] ?? 0),
  };
}

export function hasRoom(room: Room, ask: Ask, fleet: NodeTable): boolean {
  if (room.cpu < ask.cpu || room.memory < ask.memory || room.slots < ask.slots) return false;
  if (ask.gpu && devicesIn(room, ask.gpu) === undefined) return false;
  for (const name in ask.custom)
    if ((room.custom[fleet.knownCustomColumn(name) ?? -1] ?? 0) < (ask.custom[name] ?? 0)) return false;
  return true;
}

/** Bit mask of devices that the ask could have, the fullest that fit; undefined where they are short. */
export function devicesIn(
  { gpu }: Room,
  { devices, thousandths }: NonNullable<Ask['gpu']>,
): number | undefined {
  const fitting = gpu
    .map((free, device) => ({ free, device }))
    .filter(({ free }) => free >= thousandths)
    .sort((a, b) => a.free - b.free || a.device - b.device)
    .slice(0, devices);
  if (fitting.length < devices) return undefined;
  return fitting.reduce((mask, { device }) => mask | (1 << device), 0);
}

/** The room with an ask's amounts given back (`sign` 1) or taken (-1). */
export function changedRoom(room: Room, { ask, gpuMask, sign }: Change, fleet: NodeTable): Room {
  const perDevice = ask.gpu?.thousandths ?? gpuThousandthsPerDevice;
  const custom = [...room.custom];
  for (const name in ask.custom) {
    const column = fleet.knownCustomColumn(name);
    if (column !== undefined) custom[column] = (custom[column] ?? 0) + sign * (ask.custom[name] ?? 0);
  }
  return {
    cpu: room.cpu + sign * ask.cpu,
    memory: room.memory + sign * ask.memory,
    slots: room.slots + sign * ask.slots,
    gpu:
      gpuMask === 0
        ? room.gpu
        : room.gpu.map((free, device) => ((gpuMask >> device) & 1 ? free + sign * perDevice : free)),
    custom,
  };
}

export interface Change {
  readonly ask: Ask;
  readonly gpuMask: number;
  readonly sign: 1 | -1;
}
