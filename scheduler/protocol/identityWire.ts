// Methods of nodes' keys, of enrolment tokens and of nodes that are gone on the console wire.
import * as v from 'valibot';
import type { NodeId } from './brands.ts';
import type { NewEnrolment } from './consoleAnswers.ts';
import { type EnrolmentRow, enrolmentSettingsSchema } from './identity.ts';
import { lostNodeMethodSchemas, type LostNodeResults } from './lostNodes.ts';
import { nameSchema } from './text.ts';

export const identityMethodSchemas = {
  /** A token by which nodes come in. Its text is in this answer and nowhere else. */
  createEnrolment: enrolmentSettingsSchema,
  /** Those that can still be used and those that cannot, the newest first. */
  listEnrolments: v.strictObject({}),
  /** Nobody comes in with it from now on. Nodes that did stay. */
  revokeEnrolment: v.strictObject({ enrolmentId: v.pipe(v.string(), v.minLength(1), v.maxLength(64)) }),
  /** Closes the node's connection, takes no key of it from now on, and gives its work elsewhere at once. */
  revokeNode: v.strictObject({
    nodeId: v.pipe(
      nameSchema,
      v.transform((text) => text as NodeId),
    ),
  }),
  ...lostNodeMethodSchemas,
} as const;

export interface IdentityResults extends LostNodeResults {
  createEnrolment: NewEnrolment;
  listEnrolments: { readonly enrolments: readonly EnrolmentRow[] };
  revokeEnrolment: { readonly revoked: true };
  revokeNode: { readonly revoked: true };
}
