// Takes an address for a server, or says in words why it cannot be had.
import type { Server } from 'node:http';

interface Address {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Connections that the system keeps while we are busy. Absent: its own default. */
  readonly backlog?: number;
}

/** Resolves to what is wrong and what to do, or to nothing once the server listens. */
export function listenOn(server: Server, address: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const why = error.code === 'EADDRINUSE' ? 'another program uses it' : error.message;
      const { host, port } = address;
      resolve(`cannot listen on ${host} port ${String(port)}: ${why}; choose another port or address`);
    };
    server.once('error', onError);
    server.listen(address, () => {
      server.off('error', onError);
      resolve(undefined);
    });
  });
}
