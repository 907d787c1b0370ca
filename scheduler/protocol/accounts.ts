// People and programs: roles, sessions, users and API tokens, as windows and programs see them.
import * as v from 'valibot';
import * as limits from './accountLimits.ts';
import type { Ms } from './brands.ts';
import { nameSchema, wholeFrom } from './text.ts';

/** From the least rights to all. Each may do what those before it may. */
export const roles = ['viewer', 'operator', 'engineer', 'administrator'] as const;
export type Role = (typeof roles)[number];
/** Where acts on tasks and queues are allowed. Looking is not limited. */
export type QueueRights = '*' | readonly string[];

/** Who asks, as the host knows it. Nothing of it comes from a window. */
export interface ConsoleSession {
  /** Written into commands and the audit: a user, `local`, `owner`, `program:NAME`, or `nobody` before login. */
  readonly user: string;
  readonly role: Role | 'nobody';
  readonly queues: QueueRights;
  /** An address, or `window`, or `shell`. */
  readonly source: string;
  /** The password was given by an administrator: nothing else is allowed before it is changed. */
  readonly mustChange?: boolean;
}

/** A session as its own window sees it. */
export interface WhoAmI extends ConsoleSession {
  /** False until the first administrator was made: the workstation's own window acts as `local` until then. */
  readonly hasAccounts: boolean;
}
export interface LoggedIn {
  /** Resumes this session in another connection of the same window. Shown once. */
  readonly token: string;
  readonly who: WhoAmI;
}
export interface UserRow {
  readonly user: string;
  readonly role: Role;
  readonly queues: QueueRights;
  readonly mustChange: boolean;
  readonly createdAtMs: Ms;
  readonly passwordAtMs: Ms;
  /** Since the host started. */
  readonly lastLoginAtMs?: Ms;
  readonly sessions: number;
}
export interface ApiTokenRow {
  readonly name: string;
  readonly role: Role;
  readonly queues: QueueRights;
  readonly createdAtMs: Ms;
  readonly createdBy: string;
  readonly expiresAtMs: Ms;
  readonly isExpired: boolean;
  /** Since the host started. */
  readonly lastUsedAtMs?: Ms;
}

/** Small letters only: two names that look alike are one name. */
const userPattern = /^[a-z0-9][a-z0-9._-]*$/;
export const userNameSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(limits.userNameLengthMax),
  v.regex(userPattern, 'must start with a small letter or digit and hold only those and . _ -'),
);
/** What was typed at a login may be anything; it is only compared. */
const typedNameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(limits.userNameLengthMax));
const passwordSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(limits.passwordLengthMax));
const sessionTokenSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const roleSchema = v.picklist(roles);
const queuesSchema = v.union([
  v.literal('*'),
  v.pipe(v.array(nameSchema), v.maxLength(limits.queuesOfUserMax)),
]);

export const accountMethodSchemas = {
  /** By name and password, or by the token of a session that goes on (or of the owner). */
  login: v.union([
    v.strictObject({ user: typedNameSchema, password: passwordSchema }),
    v.strictObject({ token: sessionTokenSchema }),
  ]),
  logout: v.strictObject({}),
  whoAmI: v.strictObject({}),
  /** Ends the user's other sessions. */
  changePassword: v.strictObject({ old: passwordSchema, next: passwordSchema }),
  listUsers: v.strictObject({}),
  /** Makes a user (with a password), or changes role and queues of one. */
  saveUser: v.strictObject({
    user: userNameSchema,
    role: roleSchema,
    queues: v.optional(queuesSchema, '*'),
    password: v.exactOptional(passwordSchema),
  }),
  removeUser: v.strictObject({ user: userNameSchema }),
  /** The user has to choose another one at the next login. Ends the user's sessions. */
  resetPassword: v.strictObject({ user: userNameSchema, password: passwordSchema }),
  listTokens: v.strictObject({}),
  createToken: v.strictObject({
    name: nameSchema,
    role: roleSchema,
    queues: v.optional(queuesSchema, '*'),
    days: v.optional(wholeFrom(1, limits.tokenDaysMax), limits.tokenDaysDefault),
  }),
  revokeToken: v.strictObject({ name: nameSchema }),
} as const;

export interface AccountResults {
  login: LoggedIn;
  logout: { readonly loggedOut: true };
  whoAmI: WhoAmI;
  changePassword: { readonly changed: true };
  listUsers: { readonly users: readonly UserRow[] };
  saveUser: UserRow;
  removeUser: { readonly removed: true };
  resetPassword: { readonly changed: true };
  listTokens: { readonly tokens: readonly ApiTokenRow[] };
  /** `token` is shown this once; the host keeps its hash. */
  createToken: ApiTokenRow & { readonly token: string };
  revokeToken: { readonly revoked: true };
}

/** A new user as its owner typed it. */
export type UserDraft = v.InferOutput<(typeof accountMethodSchemas)['saveUser']>;
export type TokenDraft = v.InferOutput<(typeof accountMethodSchemas)['createToken']>;
