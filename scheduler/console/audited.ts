// The one place where what operators change is written down: every method passes here, whatever carried it.
import type { ConsoleSession } from '../protocol/accounts.ts';
import type { AuditAct, RecordAudit } from '../protocol/audit.ts';
import type { Method, Params, Results } from '../protocol/consoleWire.ts';
import { type Outcome, type Refusal, Refused, refused } from '../protocol/outcome.ts';
import type { SchedulerView } from '../protocol/view.ts';
import type { AccountsPort } from './accountsPort.ts';
import type { Change } from './auditChange.ts';
import { auditTable } from './auditTable.ts';

/** What the recording of acts needs of the trail. */
export interface ActTrail {
  readonly record: RecordAudit;
  /** For work: repeats of a minute become one entry. */
  readonly recordOften: RecordAudit;
  /** Resolves once all that was recorded is durable. Refuses where it cannot be. */
  readonly settled: () => Promise<Outcome<void, Refusal>>;
  /** Why nothing may be changed now. */
  readonly hindrance: () => Outcome<never, Refusal> | undefined;
}

interface Asked<M extends Method> {
  readonly method: M;
  readonly params: Params<M>;
  /** As it was when the request came: a login or logout changes who sits there. */
  readonly by: Pick<ConsoleSession, 'user' | 'source'>;
}
interface Ports {
  readonly audit: ActTrail;
  readonly view: SchedulerView;
  readonly accounts: Pick<AccountsPort, 'listUsers'>;
}

/**
 * Carries out a method. One that changes something has its entry, refused or not, durable before the answer; where
 * nothing can be recorded it is refused `storage_failed` and not begun. Work goes on in any case.
 */
export async function audited<M extends Method>(
  asked: Asked<M>,
  ports: Ports,
  run: () => Promise<Outcome<Results[M], Refusal>> | Outcome<Results[M], Refusal>,
): Promise<Outcome<Results[M], Refusal>> {
  const { audit } = ports;
  const change = changeOf(asked.method);
  if (!change) return await run();
  if (change.isWork) {
    const outcome = await run();
    const act = actOf(asked, { change, outcome, basis: {} });
    if (isProgram(asked.by.user)) audit.recordOften(act);
    else audit.record(act);
    return outcome;
  }
  const hindrance = audit.hindrance();
  if (hindrance) return hindrance;
  const basis = basisOf(asked, change, ports);
  const outcome = await outcomeOf(run, (failed) => {
    audit.record(actOf(asked, { change, outcome: failed, basis }));
  });
  audit.record(actOf(asked, { change, outcome, basis }));
  const settled = await audit.settled();
  return settled.ok || !outcome.ok ? outcome : doneUnrecorded(settled.reason);
}

/** The table has for each method a change of that very method, or none. */
function changeOf<M extends Method>(method: M): Change<M> | undefined {
  const entry: { readonly changes: false } | Change<M> = auditTable[method];
  return entry.changes ? entry : undefined;
}

async function outcomeOf<Value>(
  run: () => Promise<Outcome<Value, Refusal>> | Outcome<Value, Refusal>,
  onThrown: (failed: Outcome<never, Refusal>) => void,
): Promise<Outcome<Value, Refusal>> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Refused) return refused(error.refusal);
    onThrown(refused({ code: 'storage_failed', message: 'the host failed inside' }));
    throw error;
  }
}

/** Programs have a token by name, or the owner's. */
const isProgram = (user: string): boolean => user.startsWith('program:') || user === 'owner';

/** What is told of an act whatever comes of it: read before it, since it may be gone after. */
function basisOf<M extends Method>({ params }: Asked<M>, change: Change<M>, ports: Ports) {
  const { view, accounts } = ports;
  const before = change.before?.(params, view, accounts);
  const after = change.after?.(params);
  return {
    ...change.details?.(params),
    ...(before !== undefined && { before: JSON.stringify(before) }),
    ...(after !== undefined && { after: JSON.stringify(after) }),
    ...(change.isSimulated?.(params, view) === true && { simulated: true }),
  };
}

interface Doing<M extends Method> {
  readonly change: Change<M>;
  readonly outcome: Outcome<Results[M], Refusal>;
  readonly basis: NonNullable<AuditAct['details']>;
}

function actOf<M extends Method>(
  { method, params, by }: Asked<M>,
  { change, outcome, basis }: Doing<M>,
): AuditAct {
  const came = outcome.ok ? (change.result?.(outcome.value, params) ?? {}) : {};
  const why = outcome.ok ? {} : { code: outcome.reason.code, message: outcome.reason.message };
  const details = { ...basis, ...came.details, ...why };
  return {
    action: method,
    actor: by.user,
    source: by.source,
    outcome: outcome.ok && came.isRefused !== true ? 'done' : 'refused',
    targets: came.targets ?? change.targets?.(params) ?? [],
    ...(Object.keys(details).length > 0 && { details }),
  };
}

const doneUnrecorded = ({ message }: Refusal): Outcome<never, Refusal> =>
  refused({ code: 'storage_failed', message: `it was done, but could not be recorded yet: ${message}` });
