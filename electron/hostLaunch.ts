// Two ways to run the same host bundle: as a utility process of its own, or inside the main process (`--host=main`).
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { utilityProcess, type MessagePortMain } from 'electron';
import { hostExit, type FromHostProcess, type ToHost } from '../scheduler/protocol/hostLink.ts';

/** One life of the host. */
export interface HostRun {
  send(message: ToHost, ports?: MessagePortMain[]): void;
  /** Ends it at once. Does nothing where the host lives in main: there the whole program has to end. */
  kill(): void;
}
export interface HostListener {
  onMessage(message: FromHostProcess): void;
  /** `why`: as an operator reads it, `exit code 1` or `killed by SIGKILL`. */
  onExit(code: number, why: string): void;
  onOutput(text: string): void;
}
export type LaunchHost = (listener: HostListener) => HostRun;

/** What main hands to a host inside it, in place of `process.parentPort`. */
interface InProcessLink {
  send(message: FromHostProcess): void;
  onMessage(listener: (message: ToHost, ports: MessagePortMain[]) => void): void;
  /** The host has stopped; the code is the one its process would have ended with. */
  exited(code: number): void;
}
interface HostBundle {
  startHostInProcess(args: string[], link: InProcessLink): unknown;
}

/** Pauses of the garbage collector follow the semi-space: 16 MB means about 20 ms, Node 24's default 60 ms. */
const semiSpaceFlag = '--max-semi-space-size=16';

const serviceName = 'millrace-host';

export function launchInUtilityProcess(entry: string, args: readonly string[]): LaunchHost {
  return (listener) => {
    const child = utilityProcess.fork(entry, [...args], {
      serviceName,
      execArgv: [semiSpaceFlag],
      stdio: 'pipe',
    });
    const takeOutput = (chunk: Buffer): void => {
      listener.onOutput(chunk.toString());
    };
    child.stdout?.on('data', takeOutput);
    child.stderr?.on('data', takeOutput);
    // The host is our own bundle, but a bug in it must not take the windows down: hence the shape check.
    child.on('message', (message: unknown) => {
      if (isFromHost(message)) listener.onMessage(message);
    });
    child.on('exit', (code) => {
      listener.onExit(code, describeExit(code));
    });
    return {
      send: (message, ports) => {
        child.postMessage(message, ports);
      },
      kill: () => {
        // `child.kill()` asks with SIGTERM, which a busy loop never hears.
        if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
      },
    };
  };
}

export function launchInMain(entry: string, args: readonly string[]): LaunchHost {
  return (listener) => {
    let deliver: (message: ToHost, ports: MessagePortMain[]) => void = () => undefined;
    const bundle = createRequire(entry)(entry) as HostBundle;
    bundle.startHostInProcess([...args], {
      send: (message) => {
        listener.onMessage(message);
      },
      onMessage: (take) => {
        deliver = take;
      },
      exited: (code) => {
        listener.onExit(code, describeExit(code));
      },
    });
    return {
      send: (message, ports = []) => {
        deliver(message, ports);
      },
      kill: () => undefined,
    };
  };
}

const isFromHost = (message: unknown): message is FromHostProcess =>
  typeof message === 'object' && message !== null && 'kind' in message;

/**
 * The host ends itself with 0 to 3 only; a higher code is the signal that ended it, or 128 and the signal. Electron may
 * also report 0 for a kill, when it sees the closed channel before the dead process.
 */
function describeExit(code: number): string {
  if (code === hostExit.ok) return 'killed, or ended unasked';
  const signal = Object.entries(constants.signals).find(([, number]) => number === code % 128);
  const isOwnCode = Object.values<number>(hostExit).includes(code);
  return signal && !isOwnCode ? `killed by ${signal[0]}` : `exit code ${code}`;
}
