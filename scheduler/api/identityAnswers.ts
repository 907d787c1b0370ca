// Answers about enrolment tokens, as schemas.
import * as v from 'valibot';
import type { NewEnrolment } from '../protocol/consoleAnswers.ts';
import type { EnrolmentRow } from '../protocol/identity.ts';
import { amount, answerOf, count } from './answerOf.ts';

const enrolment = answerOf<EnrolmentRow>()(
  v.object({
    enrolmentId: v.string(),
    label: v.string(),
    state: v.picklist(['open', 'expired', 'used_up', 'revoked']),
    createdAtMs: amount,
    expiresAtMs: amount,
    nodesMax: count,
    uses: count,
    actor: v.string(),
    nodeId: v.exactOptional(v.string()),
  }),
);
const newEnrolment = answerOf<NewEnrolment>()(
  v.object({
    enrolmentId: v.string(),
    hubUrl: v.string(),
    code: v.string(),
    command: v.string(),
    expiresAtMs: amount,
    nodesMax: count,
  }),
);

export const identityAnswers = {
  EnrolmentRow: enrolment,
  EnrolmentList: v.object({ enrolments: v.array(enrolment) }),
  NewEnrolment: newEnrolment,
  RevokedAnswer: v.object({ revoked: v.literal(true) }),
  RenewedAnswer: v.object({ renewed: v.literal(true) }),
};
