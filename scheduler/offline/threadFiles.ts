// Where threads are: with their folders in the sources, beside the host's bundle where we are bundled.
const here = import.meta.url;
const isBundle = !here.endsWith('.ts');

export const journalThread = new URL(
  isBundle ? '../host/journalThread.cjs' : '../journal/journalThread.ts',
  here,
);
export const historyThread = new URL(
  isBundle ? '../host/historyThread.cjs' : '../history/historyThread.ts',
  here,
);
export const hashThread = new URL(isBundle ? '../host/hashThread.cjs' : './hashThread.ts', here);
