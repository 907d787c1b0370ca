// What to run, as somebody types it -> the work of a spec, and back.
import type { TaskSpecInput } from '../../scheduler/protocol/task.ts';
import type { Work } from '../../scheduler/protocol/work.ts';
import { joinCommandLine, splitCommandLine } from '../format/commandLine.ts';

/** Kinds that the form can make. */
export const draftKinds = ['command', 'function', 'http', 'container'] as const;
type DraftKind = (typeof draftKinds)[number];
export const httpMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

export interface NamedRow {
  name: string;
  value: string;
}
/** The part of a form that says what to run. */
export interface WorkDraft {
  kind: DraftKind;
  line: string;
  isShell: boolean;
  env: NamedRow[];
  cwd: string;
  handler: string;
  /** As JSON; empty is null. */
  input: string;
  method: (typeof httpMethods)[number];
  url: string;
  headers: NamedRow[];
  body: string;
  retries: number;
  image: string;
}

/** The arguments as the node will get them; none while a quote is open. */
export function argvOf(draft: WorkDraft): readonly string[] {
  if (draft.isShell && draft.kind === 'command') return draft.line.trim() === '' ? [] : [draft.line];
  const split = splitCommandLine(draft.line);
  return split.ok ? split.argv : [];
}

export function workOf(draft: WorkDraft): TaskSpecInput['work'] {
  const argv = [...argvOf(draft)];
  switch (draft.kind) {
    case 'command': {
      const cwd = draft.cwd.trim();
      const env = pairsOf(draft.env);
      return { kind: 'command', argv, shell: draft.isShell, env, ...(cwd === '' ? {} : { cwd }) };
    }
    case 'function':
      return { kind: 'function', handler: draft.handler.trim(), input: inputOf(draft) };
    case 'http':
      return {
        kind: 'http',
        method: draft.method,
        url: draft.url.trim(),
        headers: pairsOf(draft.headers),
        retries: draft.retries,
        ...(draft.body === '' ? {} : { body: draft.body }),
      };
    case 'container':
      return { kind: 'container', image: draft.image.trim(), argv, env: pairsOf(draft.env) };
  }
}

const pairsOf = (rows: readonly NamedRow[]): Record<string, string> =>
  Object.fromEntries(rows.filter((row) => row.name !== '').map((row) => [row.name, row.value]));

/** Undefined where it is no JSON; see `isInputJson`. */
function inputOf({ input }: WorkDraft): unknown {
  if (input.trim() === '') return null;
  try {
    return JSON.parse(input);
  } catch {
    return undefined;
  }
}
export const isInputJson = (draft: WorkDraft): boolean => inputOf(draft) !== undefined;

/** What each kind cannot be sent without. */
export function isDraftComplete(draft: WorkDraft): boolean {
  switch (draft.kind) {
    case 'command':
      return argvOf(draft).length > 0;
    case 'function':
      return draft.handler.trim() !== '' && isInputJson(draft);
    case 'http':
      return draft.url.trim() !== '';
    case 'container':
      return draft.image.trim() !== '';
  }
}

export function workFieldsOf(work: Work): Partial<WorkDraft> {
  const rowsOf = (pairs: Readonly<Record<string, string>>) =>
    Object.entries(pairs).map(([name, value]) => ({ name, value }));
  switch (work.kind) {
    case 'simulated':
      return {};
    case 'command': {
      const { argv, shell: isShell, env, cwd = '' } = work;
      return {
        kind: 'command',
        line: isShell ? argv.join(' ') : joinCommandLine(argv),
        isShell,
        env: rowsOf(env),
        cwd,
      };
    }
    case 'function':
      return { kind: 'function', handler: work.handler, input: JSON.stringify(work.input) };
    case 'http': {
      const { method, url, headers, body = '', retries } = work;
      return { kind: 'http', method, url, headers: rowsOf(headers), body, retries };
    }
    case 'container':
      return {
        kind: 'container',
        image: work.image,
        line: joinCommandLine(work.argv),
        env: rowsOf(work.env),
      };
  }
}
