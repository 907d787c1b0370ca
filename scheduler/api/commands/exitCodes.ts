// How a command ends: its exit code, and in words why. docs/API.md lists the codes.
import type { Problem } from '../problem.ts';

export const exitCodes = {
  ok: 0,
  /** A task failed, or some of several things were refused. */
  failed: 1,
  usage: 2,
  /** Nobody answers at the hub's address, or no hub is known. */
  noHub: 3,
  /** The token is missing or wrong. */
  token: 4,
  notFound: 5,
  /** Refused for another reason: bad field, wrong state, too large. */
  refused: 6,
  /** The hub has no room now; the same call may succeed later. */
  busy: 7,
  /** The hub failed inside. */
  hubFailed: 8,
  /** `--timeout` passed. As `timeout` of coreutils. */
  timeout: 124,
  /** Ctrl-C, after what was begun has been ended. As shells have it. */
  interrupted: 130,
} as const;

/** A problem answer as it came: any part may be missing. */
export type SeenProblem = { readonly [Field in keyof Problem]?: Problem[Field] | undefined };

/** Thrown by what a command calls, and caught once, in cli.ts. */
export class CommandFailed extends Error {
  readonly exitCode: number;
  readonly problem: SeenProblem | undefined;

  constructor(exitCode: number, message: string, problem?: SeenProblem) {
    super(message);
    this.exitCode = exitCode;
    this.problem = problem;
  }
}

export function exitCodeOf(status: number): number {
  if (status === 401 || status === 403) return exitCodes.token;
  if (status === 404) return exitCodes.notFound;
  if (status === 429 || status === 503) return exitCodes.busy;
  return status >= 500 ? exitCodes.hubFailed : exitCodes.refused;
}
