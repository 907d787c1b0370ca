// Makes enrolment tokens: their text is told once, the plant keeps only a hash.
import { randomBytes } from 'node:crypto';
import type { Engine } from '../engine/engine.ts';
import { hashSecret } from '../hub/secrets.ts';
import type { Ms } from '../protocol/brands.ts';
import type { NewEnrolment } from '../protocol/consoleAnswers.ts';
import { formatEnrolCode } from '../protocol/enrolCode.ts';
import { enrolmentIdOf, type EnrolmentSettings } from '../protocol/identity.ts';
import { enrolmentValidMaxMs, nodesMax } from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal } from '../protocol/outcome.ts';

/** 192 random bits. Begins with a letter, so that no command line takes it for an option; holds no dot. */
const newToken = (): string => `mrj_${randomBytes(24).toString('base64url')}`;

interface Maker {
  readonly engine: Pick<Engine, 'execute' | 'view'>;
  readonly clock: () => Ms;
  /** Keeps the token out of the log. */
  readonly hide: (secret: string) => void;
}
interface Place {
  readonly hubUrl: string;
  readonly agentProgram: string;
  /** Of the plant's certificate authority, where the hub speaks TLS. */
  readonly pin: string | undefined;
}

/** Resolves when the token is durable. */
export async function createEnrolment(
  { engine, clock, hide }: Maker,
  { hubUrl, agentProgram, pin }: Place,
  { settings, actor }: { readonly settings: EnrolmentSettings; readonly actor: string },
): Promise<Outcome<NewEnrolment, Refusal>> {
  const token = newToken();
  hide(token);
  const code = formatEnrolCode(token, pin);
  const tokenHash = hashSecret(token);
  const made = await engine.execute({ kind: 'CreateEnrolment', tokenHash, settings, actor });
  if (!made.ok) return made;
  const enrolmentId = enrolmentIdOf(tokenHash);
  const row = engine.view.enrolments(clock()).find((one) => one.enrolmentId === enrolmentId);
  if (!row) throw new Error(`enrolment ${enrolmentId} was made and is not there`);
  const { expiresAtMs, nodesMax: most, nodeId } = row;
  const name = nodeId === undefined ? '' : ` --node ${nodeId}`;
  const command = `${agentProgram} --hub=${hubUrl} --token ${code}${name}`;
  return accepted({ enrolmentId, hubUrl, code, command, expiresAtMs, nodesMax: most });
}

const simulation = 'simulated plant';

/** For one start of the simulated plant, whose machines make new keys each time. Those of earlier starts are void. */
export async function simulationToken({ engine, clock, hide }: Maker): Promise<Outcome<string, Refusal>> {
  for (const { enrolmentId, actor, state } of engine.view.enrolments(clock()))
    if (actor === simulation && state === 'open')
      await engine.execute({ kind: 'RevokeEnrolment', enrolmentId, actor: simulation });
  const token = newToken();
  hide(token);
  const made = await engine.execute({
    kind: 'CreateEnrolment',
    tokenHash: hashSecret(token),
    settings: { label: simulation, validMs: enrolmentValidMaxMs, nodesMax },
    mayReplace: true,
    actor: simulation,
  });
  return made.ok ? accepted(token) : made;
}
