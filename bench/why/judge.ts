// Judges answers to "why does it wait?" by what happens when the plant is changed as they say.
import type { WhyAnswer } from '../../scheduler/protocol/why.ts';
import { type Case, caseOf, isHelp, verdictOf } from './cases.ts';

export interface Judgement {
  /** Cases whose verdict and every help that can be tried came true. */
  readonly correct: number;
  readonly helpsTried: number;
  readonly helpsRight: number;
  /** What did not come true, in words. */
  readonly wrong: readonly string[];
  readonly byVerdict: Readonly<Record<string, number>>;
}

/** So many cases whose task waits, from seed 1 on. */
export function judge(cases: number): Judgement {
  const wrong: string[] = [];
  const byVerdict: Record<string, number> = {};
  let [correct, helpsTried, helpsRight] = [0, 0, 0];
  for (let seed = 1, judged = 0; judged < cases; seed += 1) {
    const one = caseOf(seed);
    if (!one) continue;
    judged += 1;
    const verdict = verdictOf(one);
    byVerdict[verdict] = (byVerdict[verdict] ?? 0) + 1;
    const said = one.core.view().why(one.taskId);
    const tried = said ? triedHelps(one, said) : [];
    const failed = tried.filter(({ isRight }) => !isRight).map(({ lifts }) => lifts);
    helpsTried += tried.length;
    helpsRight += tried.length - failed.length;
    if (said?.verdict === verdict && failed.length === 0) correct += 1;
    else
      wrong.push(`seed ${String(seed)}: ${JSON.stringify(said)} is ${verdict}; no help: ${failed.join(' ')}`);
  }
  return { correct, helpsTried, helpsRight, wrong, byVerdict };
}

/** Where one cause alone holds the task, each help that the oracle can carry out has to let it start. */
function triedHelps(one: Case, { causes, helps }: WhyAnswer) {
  if (causes.length !== 1) return [];
  return helps.flatMap((help) => {
    const isRight = isHelp(one, help);
    return isRight === undefined ? [] : [{ lifts: help.lifts, isRight }];
  });
}
