// The bridge of this window: Electron's port where a preload is, Socket.IO elsewhere.
import { createBridge } from '../bridge.ts';
import { browserTransport } from './browserTransport.ts';
import { electronTransport } from './electronTransport.ts';
import { tabKeeper, takeTokenOfAddress } from './sessionKeeper.ts';

if (window.millrace === undefined) takeTokenOfAddress(tabKeeper);
export const bridge = createBridge(
  window.millrace ? electronTransport(window.millrace) : browserTransport(),
  tabKeeper,
);
