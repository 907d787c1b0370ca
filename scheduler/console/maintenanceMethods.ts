// Methods of maintenance windows and licences.
import { accepted } from '../protocol/outcome.ts';
import type { Execute, MethodTable } from './methodTable.ts';
import type { ConsolePorts } from './ports.ts';

type MaintenanceMethod =
  'listWindows' | 'putWindow' | 'removeWindow' | 'listLicences' | 'putLicence' | 'removeLicence';

export const maintenanceMethods = (
  { view }: ConsolePorts,
  execute: Execute,
): Pick<MethodTable, MaintenanceMethod> => ({
  listWindows: () => accepted({ windows: view.windows() }),
  putWindow: ({ id, window }, { actor }) =>
    execute({ kind: 'PutWindow', window: { ...window, id }, actor }, { id }),
  removeWindow: ({ id }, { actor }) => execute({ kind: 'RemoveWindow', id, actor }, { removed: true }),
  listLicences: () => accepted({ licences: view.licences() }),
  putLicence: ({ licence, total }, { actor }) =>
    execute({ kind: 'PutLicence', licence, total, actor }, { licence }),
  removeLicence: ({ licence }, { actor }) =>
    execute({ kind: 'RemoveLicence', licence, actor }, { removed: true }),
});
