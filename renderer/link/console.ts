// The bridge of this window: Electron's port where a preload is, Socket.IO elsewhere.
import { createBridge } from '../bridge.ts';
import { browserTransport, takeConsoleToken } from './browserTransport.ts';
import { electronTransport } from './electronTransport.ts';

export const isBrowser = window.millrace === undefined;
export const bridge = createBridge(
  window.millrace ? electronTransport(window.millrace) : browserTransport(takeConsoleToken()),
);
