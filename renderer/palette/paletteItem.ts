// One line of the command palette.
import type { Method } from '../../scheduler/protocol/consoleWire.ts';

export type PaletteGroup = 'go' | 'action' | 'node' | 'task' | 'queue' | 'look';
export interface PaletteItem {
  readonly id: string;
  readonly group: PaletteGroup;
  readonly text: string;
  /** First letters of its Chinese name in pinyin, so that it is found without switching the keyboard. */
  readonly initials?: string;
  readonly keys?: string;
  /** Left out for those whose role does not allow it. */
  readonly needs?: Method;
  readonly run: () => void;
}
