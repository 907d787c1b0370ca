// Methods of queues and tenants.
import { accepted } from '../protocol/outcome.ts';
import type { Execute, MethodTable } from './methodTable.ts';
import type { ConsolePorts } from './ports.ts';

type QueueMethod = 'putQueue' | 'removeQueue' | 'listTenants' | 'putTenant' | 'removeTenant';

export const queueMethods = ({ view }: ConsolePorts, execute: Execute): Pick<MethodTable, QueueMethod> => ({
  putQueue: ({ queue, change }, { actor }) => execute({ kind: 'PutQueue', queue, change, actor }, { queue }),
  removeQueue: ({ queue }, { actor }) => execute({ kind: 'RemoveQueue', queue, actor }, { removed: true }),
  listTenants: () => accepted({ tenants: view.tenants() }),
  putTenant: ({ tenant, change }, { actor }) =>
    execute({ kind: 'PutTenant', tenant, change, actor }, { tenant }),
  removeTenant: ({ tenant }, { actor }) =>
    execute({ kind: 'RemoveTenant', tenant, actor }, { removed: true }),
});
