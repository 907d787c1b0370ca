// Faults between agents and the host: connections cut, silent, silent in one direction; a line cut off; small outboxes.
import type { Connection, Direction } from './fakeNetwork.ts';
import type { FaultParts, Strikes } from './faults.ts';

const directions: readonly Direction[] = ['toHost', 'toAgent'];

export function networkStrikes({ world, network, host, agents }: FaultParts): Strikes {
  const anyConnection = (): Connection | undefined =>
    network.connections.size === 0 ? undefined : world.pick([...network.connections]);
  return {
    silence: () => {
      const connection = anyConnection();
      if (connection) network.silence(connection, world.pick([2_000, 9_000, 17_000, 30_000, Infinity]));
    },
    oneWaySilence: () => {
      const connection = anyConnection();
      if (connection)
        network.silence(connection, world.pick([9_000, 30_000, Infinity]), [world.pick(directions)]);
    },
    cut: () => {
      const connection = anyConnection();
      if (connection) network.cut(connection);
    },
    partition: () => {
      const [line = ''] = world.pick(agents).nodeId.split('-');
      network.partition(line, world.pick([3_000, 12_000, 18_000, 45_000]));
    },
    outboxSmall: () => {
      host.outboxMax = world.pick([0, 1, 3]);
      world.after(world.between(2_000, 20_000), () => {
        host.outboxMax = Infinity;
      });
    },
  };
}
