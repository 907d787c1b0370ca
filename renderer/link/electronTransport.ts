// The bridge's way inside Electron: a MessagePort straight to the scheduler host, handed over by the preload.
import type { Request } from '../../scheduler/protocol/consoleWire.ts';
import type { HostState } from '../../scheduler/protocol/hostLink.ts';
import { isFromHost, type Transport, type TransportEvents } from './transport.ts';

/** What the preload puts on `window`. */
export interface MillraceWindow {
  readonly version: string;
  readonly isPreviewRuntime: boolean;
  readonly requestHostPort: () => unknown;
  readonly onHostState: (listener: (state: HostState) => void) => () => void;
  /** Makes this workstation a node; absent where the shell does not offer it. */
  readonly startLocalAgent?: (token?: string) => Promise<boolean>;
  readonly getHostState: () => Promise<HostState>;
}
declare global {
  interface Window {
    readonly millrace?: MillraceWindow;
  }
}

export function electronTransport(shell: MillraceWindow): Transport {
  let port: MessagePort | undefined;
  /** Epoch of the host that the present port belongs to; a second word of the same epoch needs no new port. */
  let portEpoch: number | undefined;

  function dropPort(): boolean {
    if (!port) return false;
    port.onmessage = null;
    port.close();
    port = undefined;
    return true;
  }
  function takePort(next: MessagePort, events: TransportEvents): void {
    if (dropPort()) events.closed('closed', '');
    port = next;
    next.onmessage = (event: MessageEvent<unknown>) => {
      if (isFromHost(event.data)) events.received(event.data);
    };
    next.start();
    events.opened();
  }
  function follow(state: HostState, events: TransportEvents): void {
    events.hostChanged(state);
    if (state.state === 'running') {
      if (portEpoch === state.epoch) return;
      portEpoch = state.epoch;
      shell.requestHostPort();
      return;
    }
    portEpoch = undefined;
    dropPort();
    events.closed('closed', 'reason' in state ? state.reason : '');
  }
  return {
    start(events) {
      window.addEventListener('message', (event: MessageEvent<unknown>) => {
        const [next] = event.ports;
        if (event.source === window && next && isPortMessage(event.data)) takePort(next, events);
      });
      shell.onHostState((state) => {
        follow(state, events);
      });
      void shell.getHostState().then((state) => {
        follow(state, events);
      });
    },
    send(request: Request) {
      port?.postMessage(request);
    },
  };
}

function isPortMessage(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'millrace' in data && data.millrace === 'host-port';
}
