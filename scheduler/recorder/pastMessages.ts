// What crosses between the host's thread and the one that holds the past.
import type { PastAsks, PastQuestion, RecorderResults } from '../protocol/recorder.ts';
import type { Refusal } from '../protocol/outcome.ts';

export interface PastStart {
  readonly folder: string;
}

export type PastAsk = {
  readonly [Name in PastQuestion]: {
    readonly kind: 'ask';
    readonly id: number;
    readonly question: Name;
    readonly asks: PastAsks<Name>;
  };
}[PastQuestion];

export type ToPast =
  | PastAsk
  /** Ends the seek under way; its question is refused. */
  | { readonly kind: 'stop' }
  | { readonly kind: 'close' };

export type FromPast =
  | { readonly kind: 'answer'; readonly id: number; readonly gets: RecorderResults[PastQuestion] }
  | { readonly kind: 'refused'; readonly id: number; readonly refusal: Refusal }
  | { readonly kind: 'seeking'; readonly atMs: number; readonly done: number; readonly total: number }
  | { readonly kind: 'sought' }
  | { readonly kind: 'notice'; readonly message: string };
