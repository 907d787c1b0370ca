// The bridge a window sees: `window.millrace`, named functions only. Runs sandboxed, in a world of its own.
import { contextBridge, ipcRenderer } from 'electron';
import type { HostState } from '../scheduler/protocol/hostLink.ts';
import { bridgeFactsArgument, ipcChannels } from './ipcChannels.ts';

interface BridgeFacts {
  readonly version: string;
  readonly isPreviewRuntime: boolean;
}
/** The two things of a page that are used here; the DOM's types would reach every other file of this layer. */
declare const window: { postMessage(message: unknown, origin: string, ports: readonly unknown[]): void };
declare const location: { readonly origin: string };

const argument =
  process.argv.find((word) => word.startsWith(bridgeFactsArgument)) ?? `${bridgeFactsArgument}{}`;
const facts = JSON.parse(argument.slice(bridgeFactsArgument.length)) as BridgeFacts;

// A port cannot cross the bridge, but a message of the page can carry it from this world to the page's.
ipcRenderer.on(ipcChannels.hostPort, (event) => {
  window.postMessage({ millrace: 'host-port' }, location.origin, event.ports);
});

contextBridge.exposeInMainWorld('millrace', {
  version: facts.version,
  isPreviewRuntime: facts.isPreviewRuntime,
  /** The port arrives as a `message` event of the window, `{ millrace: 'host-port' }`, as soon as the host runs. */
  requestHostPort: (): Promise<void> => ipcRenderer.invoke(ipcChannels.requestHostPort) as Promise<void>,
  getHostState: (): Promise<HostState> => ipcRenderer.invoke(ipcChannels.getHostState) as Promise<HostState>,
  /** Makes this workstation a node, until the console ends. Resolves to false where the host does not run. */
  startLocalAgent: (token?: string): Promise<boolean> =>
    ipcRenderer.invoke(ipcChannels.startLocalAgent, token) as Promise<boolean>,
  /** Returns the function that ends listening. */
  onHostState: (listener: (state: HostState) => void): (() => void) => {
    const take = (_event: unknown, state: HostState): void => {
      listener(state);
    };
    ipcRenderer.on(ipcChannels.hostState, take);
    return () => {
      ipcRenderer.removeListener(ipcChannels.hostState, take);
    };
  },
});
