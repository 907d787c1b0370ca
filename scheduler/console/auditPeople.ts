// What the audit trail is told of acts on users and tokens.
import type { AccountResults } from '../protocol/accounts.ts';
import type { AuditTable } from './auditChange.ts';

/** Never what was typed as a password, and never a token: only whether there was one. */
export const peopleChanges = {
  saveUser: {
    changes: true,
    targets: ({ user }) => [user],
    details: ({ password }) => (password === undefined ? {} : { hasPassword: true }),
    before: ({ user }, _view, accounts) => {
      const row = accounts.listUsers().find((found) => found.user === user);
      return row && { role: row.role, queues: row.queues };
    },
    after: ({ role, queues }) => ({ role, queues }),
  },
  removeUser: { changes: true, targets: ({ user }) => [user] },
  resetPassword: { changes: true, targets: ({ user }) => [user] },
  createToken: {
    changes: true,
    targets: ({ name }) => [name],
    after: ({ role, queues, days }) => ({ role, queues, days }),
  },
  revokeToken: { changes: true, targets: ({ name }) => [name] },
} satisfies Partial<Pick<AuditTable, keyof AccountResults>>;
