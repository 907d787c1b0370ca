// One line of the command palette.
export type PaletteGroup = 'go' | 'action' | 'node' | 'task' | 'queue' | 'look';
export interface PaletteItem {
  readonly id: string;
  readonly group: PaletteGroup;
  readonly text: string;
  /** First letters of its Chinese name in pinyin, so that it is found without switching the keyboard. */
  readonly initials?: string;
  readonly keys?: string;
  readonly run: () => void;
}
