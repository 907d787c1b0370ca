// millrace enrolments, create-enrolment, revoke-enrolment, revoke-node, renew-certificate.
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { printRows, timeOf } from './tools.ts';

export const enrolments: Command = {
  form: '',
  about: 'Lists enrolment tokens: how many nodes came with each, and until when it is good.',
  options: {},
  run: async (_given, tools) => {
    const path = '/enrolments';
    const list = await tools.client.ask(answerSchemas.EnrolmentList, { method: 'GET', path });
    const head = ['ENROLMENT', 'STATE', 'NODES', 'UNTIL', 'FOR', 'LABEL'];
    printRows(tools, list.enrolments, head, (row) => [
      row.enrolmentId,
      row.state,
      `${row.uses}/${row.nodesMax}`,
      timeOf(row.expiresAtMs),
      row.nodeId ?? '-',
      row.label,
    ]);
    return exitCodes.ok;
  },
};

export const createEnrolment: Command = {
  form: '[--nodes N] [--for TIME] [--node NAME]',
  about: 'Makes an enrolment token, and shows its text once.',
  options: {
    nodes: { type: 'string', value: 'N', about: 'how many nodes may come with it (default: 1)' },
    for: { type: 'string', value: 'TIME', about: 'how long it is good, like 8h (default: 24h)' },
    node: { type: 'string', value: 'NAME', about: 'only this node, also where it is known or revoked' },
    label: { type: 'string', value: 'TEXT', about: 'for people' },
  },
  run: async (given, { client, out, isJson }) => {
    if (given.words.length > 0) throw wrongUsage('create-enrolment takes no words');
    const settings = {
      nodesMax: given.number('nodes'),
      validMs: given.durationMs('for'),
      nodeId: given.text('node'),
      label: given.text('label'),
    };
    const call = { method: 'POST', path: '/enrolments', body: JSON.stringify(settings) } as const;
    const made = await client.ask(answerSchemas.NewEnrolment, call);
    const until = `good for ${String(made.nodesMax)} nodes until ${timeOf(made.expiresAtMs)}; shown this once`;
    out(isJson ? `${JSON.stringify(made)}\n` : `${made.code}\n${until}\n${made.command}\n`);
    return exitCodes.ok;
  },
};

const revoking = (thing: 'enrolment' | 'node', about: string): Command => ({
  form: thing === 'node' ? 'NAME...' : 'ENROLMENT...',
  about,
  options: {},
  run: async ({ words }, { client, out, isJson }) => {
    if (words.length === 0) throw wrongUsage(`name at least one ${thing}`);
    for (const name of words) {
      const path = `/${thing}s/${encodeURIComponent(name)}/revoke`;
      const answer = await client.ask(answerSchemas.RevokedAnswer, { method: 'POST', path });
      out(isJson ? `${JSON.stringify({ [thing]: name, ...answer })}\n` : `${name} revoked\n`);
    }
    return exitCodes.ok;
  },
});
export const revokeEnrolment = revoking('enrolment', 'Lets nobody in with these tokens any more.');
export const revokeNode = revoking(
  'node',
  'Shuts nodes out: their keys are void, their work goes elsewhere.',
);

export const renewCertificate: Command = {
  form: '',
  about: 'Gives the hub a new key and certificate of the same authority. Nobody has to enrol again.',
  options: {},
  run: async ({ words }, { client, out, isJson }) => {
    if (words.length > 0) throw wrongUsage('renew-certificate takes no words');
    const call = { method: 'POST', path: '/certificate/renew' } as const;
    const answer = await client.ask(answerSchemas.RenewedAnswer, call);
    out(isJson ? `${JSON.stringify(answer)}\n` : 'the hub has a new certificate\n');
    return exitCodes.ok;
  },
};
