// Where the window was: kept in a file beside the window's other state, and used again where a screen still shows it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { app, type BrowserWindow, type Rectangle, screen } from 'electron';
import * as v from 'valibot';

const fileName = 'window.json';
/** Moving and resizing tell many times a second; one write after it has come to rest is enough. */
const writeAfterMs = 500;
/** Of the window's title that must lie on a screen, in pixels each way: enough to take hold of. */
const visibleMin = 64;

const stateSchema = v.object({
  x: v.number(),
  y: v.number(),
  width: v.pipe(v.number(), v.minValue(200)),
  height: v.pipe(v.number(), v.minValue(200)),
  isMaximized: v.boolean(),
});
type WindowState = v.InferOutput<typeof stateSchema>;

/** The last state; undefined at the first start, where the file is unreadable, or where no screen would show it. */
export function readWindowState(): WindowState | undefined {
  try {
    const read = v.safeParse(stateSchema, JSON.parse(readFileSync(path(), 'utf8')));
    return read.success && isOnScreen(read.output) ? read.output : undefined;
  } catch {
    return undefined; // a window at its usual place is better than none
  }
}

/** Writes the state whenever the window has moved, and when it closes. */
export function keepWindowState(window: BrowserWindow): void {
  let timer: NodeJS.Timeout | undefined;
  const write = (): void => {
    clearTimeout(timer);
    if (window.isDestroyed() || window.isMinimized()) return;
    const state: WindowState = { ...window.getNormalBounds(), isMaximized: window.isMaximized() };
    try {
      writeFileSync(path(), JSON.stringify(state));
    } catch {
      // A full disk costs the window's place, nothing else; the host raises its own alarm.
    }
  };
  const writeSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(write, writeAfterMs);
  };
  window.on('resize', writeSoon);
  window.on('move', writeSoon);
  window.on('close', write);
}

function isOnScreen(state: WindowState): boolean {
  return screen.getAllDisplays().some(({ workArea }) => overlaps(state, workArea));
}

function overlaps(state: WindowState, area: Rectangle): boolean {
  const across = Math.min(state.x + state.width, area.x + area.width) - Math.max(state.x, area.x);
  const isTitleVisible = state.y >= area.y && state.y <= area.y + area.height - visibleMin;
  return across >= visibleMin && isTitleVisible;
}

const path = (): string => join(app.getPath('userData'), fileName);
