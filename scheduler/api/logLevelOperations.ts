// How much the host writes into its log, over HTTP.
import { methodSchemas } from '../protocol/consoleWire.ts';
import { jsonOf, type Operation } from './operation.ts';

const example = { level: 'debug' };

export const logLevelOperations: readonly Operation[] = [
  {
    id: 'getLogLevel',
    method: 'GET',
    path: '/log/level',
    about: 'The least urgent level that the host writes into its log.',
    answer: { name: 'LogLevel', status: 200, example },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('getLogLevel', {})),
  },
  {
    id: 'setLogLevel',
    method: 'PUT',
    path: '/log/level',
    about: 'Sets the least urgent level that the host writes into its log, until its next start.',
    body: { name: 'LogLevelSetting', schema: methodSchemas.setLogLevel, example },
    answer: { name: 'LogLevel', status: 200, example },
    refuses: [],
    run: async ({ caller, body }) => jsonOf(await caller.call('setLogLevel', body ?? {})),
  },
];
