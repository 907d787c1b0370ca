// From method and path to an operation. Paths are cut before they are decoded: a node's name may hold a slash.
import { accepted, type Outcome, refused } from '../protocol/outcome.ts';
import { accountOperations } from './accountOperations.ts';
import { auditOperations } from './auditOperations.ts';
import { bulkOperations } from './bulkOperations.ts';
import { groupOperations } from './groupOperations.ts';
import { identityOperations } from './identityOperations.ts';
import { listOperations } from './listOperations.ts';
import { logLevelOperations } from './logLevelOperations.ts';
import { maintenanceOperations } from './maintenanceOperations.ts';
import { logOperation } from './logOperation.ts';
import { apiPrefix, documentPath, type Operation } from './operation.ts';
import { plantOperations } from './plantOperations.ts';
import { queueOperations } from './queueOperations.ts';
import type { DoorRefusal } from './problem.ts';
import { recorderOperations } from './recorderOperations.ts';
import { scheduleOperations } from './scheduleOperations.ts';
import { storageOperations } from './storageOperations.ts';
import { taskOperations } from './taskOperations.ts';
import { whatIfOperations } from './whatIfOperations.ts';

export const operations: readonly Operation[] = [
  ...taskOperations,
  ...bulkOperations,
  ...listOperations,
  logOperation,
  ...plantOperations,
  ...identityOperations,
  ...queueOperations,
  ...maintenanceOperations,
  ...scheduleOperations,
  ...storageOperations,
  ...groupOperations,
  ...recorderOperations,
  ...whatIfOperations,
  ...accountOperations,
  ...auditOperations,
  ...logLevelOperations,
];

export interface Route {
  readonly operation: Operation;
  /** Decoded parts of the path, by the name in braces. */
  readonly path: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly parts: readonly string[];
  readonly operation: Operation;
}
/** Those without braces first: `/tasks/batch` is not a task named batch. */
const patterns: readonly Pattern[] = operations
  .map((operation) => ({ operation, parts: operation.path.split('/').slice(1) }))
  .sort((a, b) => bracesIn(a) - bracesIn(b));

/** `path`: below `apiPrefix`, still encoded. Refuses `unknown_path`, and `wrong_method` with those it takes. */
export function findRoute(method: string, path: string): Outcome<Route, DoorRefusal> {
  const parts = path.split('/').slice(1).map(decoded);
  const found = patterns.flatMap((pattern) => {
    const values = match(pattern.parts, parts);
    return values ? [{ pattern, values }] : [];
  });
  const [best] = found;
  if (best === undefined) return refused(unknownPath(path));
  // A path with braces does not take over where a plain one matches and refuses the method.
  const alike = found.filter(({ pattern }) => bracesIn(pattern) === bracesIn(best.pattern));
  const wanted = method === 'HEAD' ? 'GET' : method;
  const chosen = alike.find(({ pattern }) => pattern.operation.method === wanted);
  if (chosen) return accepted({ operation: chosen.pattern.operation, path: chosen.values });
  return refused(
    wrongMethod(
      method,
      alike.map(({ pattern }) => pattern.operation.method),
    ),
  );
}

function match(
  pattern: readonly string[],
  parts: readonly (string | undefined)[],
): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const values: Record<string, string> = {};
  for (const [at, wanted] of pattern.entries()) {
    const part = parts[at];
    const name = /^\{(\w+)\}$/.exec(wanted)?.[1];
    if (name === undefined ? part !== wanted : part === undefined || part === '') return undefined;
    if (name !== undefined && part !== undefined) values[name] = part;
  }
  return values;
}

function bracesIn({ parts }: Pattern): number {
  return parts.filter((part) => part.startsWith('{')).length;
}

/** Undefined where the escapes are malformed. */
function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

export function wrongMethod(method: string, known: readonly Operation['method'][]): DoorRefusal {
  const allowed = [...new Set(known.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])))].join(', ');
  return {
    code: 'wrong_method',
    message: `${method.slice(0, 20)} is not for this path; it takes ${allowed}`,
    headers: { allow: allowed },
  };
}

const unknownPath = (path: string): DoorRefusal => ({
  code: 'unknown_path',
  message: `there is no ${apiPrefix}${path.slice(0, 100)}; ${apiPrefix}${documentPath} lists all there is`,
});
