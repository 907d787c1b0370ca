// What crosses between the host's thread and the one that makes a what-if.
import type { Refusal } from '../protocol/outcome.ts';
import type { WhatIfAnswer, WhatIfAsks } from '../protocol/whatIf.ts';
import type { Step } from './whatIf/whatIf.ts';

export interface WhatIfStart {
  readonly folder: string;
  readonly asks: WhatIfAsks;
}

/** The only message to it is `stop`. */
export type FromWhatIf =
  | ({ readonly kind: 'step' } & Step)
  | { readonly kind: 'done'; readonly answer: WhatIfAnswer }
  | { readonly kind: 'failed'; readonly refusal: Refusal };
