// When the room on the data folder's disk is short.
import { lowDiskBytes } from '../../scheduler/protocol/limits.ts';
import type { StorageState } from '../../scheduler/protocol/storage.ts';

export const isRoomShort = ({ freeBytes }: StorageState): boolean => freeBytes < lowDiskBytes;
