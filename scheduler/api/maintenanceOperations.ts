// Maintenance windows and licences over HTTP. Each asks the console by the method that windows use.
import type { GenericSchema } from 'valibot';
import * as v from 'valibot';
import { licenceTotalSchema, windowSettingsSchema } from '../protocol/maintenance.ts';
import * as examples from './examples.ts';
import { fieldsOf, jsonOf, ofBody, type Operation } from './operation.ts';
import { removal } from './removal.ts';

const totalSchema: GenericSchema = v.strictObject({ total: licenceTotalSchema });
export const maintenanceOperations: readonly Operation[] = [
  {
    id: 'listWindows',
    method: 'GET',
    path: '/windows',
    about: 'Maintenance windows that are not over, the next one first.',
    answer: { name: 'WindowList', status: 200, example: { windows: [examples.window] } },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('listWindows', {})),
  },
  {
    id: 'putWindow',
    method: 'PUT',
    path: '/windows/{id}',
    about: 'Sets a maintenance window: nothing is started on its nodes that may last into it.',
    body: { name: 'WindowSettings', schema: windowSettingsSchema, example: examples.windowSettings },
    answer: { name: 'WindowAnswer', status: 200, example: { id: 'press-3' } },
    refuses: ['too_many', 'wrong_state'],
    run: async ({ caller, path, body }) =>
      jsonOf(ofBody(await caller.call('putWindow', { ...path, window: body }), 'window')),
  },
  removal('removeWindow', {
    path: '/windows/{id}',
    about: 'Takes a maintenance window away: its nodes take work again.',
    refuses: ['wrong_state'],
  }),
  {
    id: 'listLicences',
    method: 'GET',
    path: '/licences',
    about: 'Licences: how many there are of each, and how many attempts hold.',
    answer: { name: 'LicenceList', status: 200, example: { licences: [examples.licence] } },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('listLicences', {})),
  },
  {
    id: 'putLicence',
    method: 'PUT',
    path: '/licences/{licence}',
    about:
      'Makes a licence, or sets how many there are. What attempts hold beyond it they keep until they end.',
    body: { name: 'LicenceTotal', schema: totalSchema, example: { total: 4 } },
    answer: { name: 'LicenceAnswer', status: 200, example: { licence: 'cad' } },
    refuses: ['too_many'],
    run: async ({ caller, path, body }) =>
      jsonOf(await caller.call('putLicence', { ...fieldsOf(body, 'total'), ...path })),
  },
  removal('removeLicence', {
    path: '/licences/{licence}',
    about: 'Takes a licence away that no live task asks for.',
    refuses: ['wrong_state', 'unknown_licence'],
  }),
];
