// Opens console windows and locks them in: own content only, no navigation away, no rights, no second world.
import { app, BrowserWindow, session, type WebContents } from 'electron';
import { consoleOrigin } from './appProtocol.ts';
import { bridgeFactsArgument } from './ipcChannels.ts';
import { keepWindowState, readWindowState } from './windowState.ts';

export interface WindowFacts {
  readonly preload: string;
  readonly version: string;
  readonly isPreviewRuntime: boolean;
}

/** CONSOLE 2.5: below this the screens do not fit. */
const minimum = { width: 1280, height: 720 };
const preferred = { width: 1440, height: 900 };
/** A page that keeps crashing is reloaded at this pace, not in a busy loop. */
const reloadAfterCrashMs = 1_000;

export function openWindow(facts: WindowFacts): BrowserWindow {
  const { version, isPreviewRuntime } = facts;
  const last = readWindowState();
  const window = new BrowserWindow({
    ...preferred,
    ...(last && { x: last.x, y: last.y, width: last.width, height: last.height }),
    minWidth: minimum.width,
    minHeight: minimum.height,
    title: 'Millrace',
    backgroundColor: '#101316', // --bg-app of the night theme: no white flash in a dim control room
    show: false,
    webPreferences: {
      preload: facts.preload,
      additionalArguments: [bridgeFactsArgument + JSON.stringify({ version, isPreviewRuntime })],
      contextIsolation: true,
      sandbox: true,
      webSecurity: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      devTools: !app.isPackaged,
    },
  });
  keepWindowState(window);
  window.once('ready-to-show', () => {
    if (last?.isMaximized === true) window.maximize();
    window.show();
  });
  window.webContents.on('render-process-gone', (_event, details) => {
    if (details.reason === 'clean-exit') return;
    setTimeout(() => {
      if (!window.isDestroyed()) window.webContents.reload();
    }, reloadAfterCrashMs);
  });
  void window.loadURL(`${consoleOrigin}/`);
  return window;
}

/** For every page this program ever shows, also one that slipped in. Call once, before the first window. */
export function lockDownPages(): void {
  app.on('web-contents-created', (_event, contents) => {
    lockDown(contents);
  });
  const rights = session.defaultSession;
  rights.setPermissionRequestHandler((_contents, _right, answer) => {
    answer(false);
  });
  rights.setPermissionCheckHandler(() => false);
  rights.setDevicePermissionHandler(() => false);
}

function lockDown(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', (event) => {
    if (!isOwn(event.url)) event.preventDefault();
  });
  contents.on('will-frame-navigate', (event) => {
    if (!isOwn(event.url)) event.preventDefault();
  });
  contents.on('will-redirect', (event) => {
    event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => {
    event.preventDefault();
  });
}

const isOwn = (url: string): boolean => url.startsWith(`${consoleOrigin}/`);
