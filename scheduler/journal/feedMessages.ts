// What crosses between the journal's thread and the one that follows it: the flight recorder's.

/** A row of the journal by its id, the last batch in it, and its chain hash. */
export interface RowPlace {
  readonly id: number;
  readonly last: number;
  readonly chain: Uint8Array;
}
export interface FedRow extends RowPlace {
  readonly first: number;
  readonly payload: Uint8Array;
}
export interface FedHead {
  readonly sequence: number;
  readonly parts: number;
  readonly bytes: number;
}

/** One question at a time; each but `bye` is answered with one message of the same kind, or `failed`. */
export type ToFeed =
  /** Asked first where something is held already: is this the journal that it was read from? */
  | { readonly kind: 'hello'; readonly at: RowPlace }
  /** Rows after an id. Those up to `held` are durable with whoever asks. */
  | { readonly kind: 'rows'; readonly afterId: number; readonly held: number }
  | { readonly kind: 'heads' }
  | { readonly kind: 'part'; readonly sequence: number; readonly part: number }
  /** Nothing more will be asked: rows need not wait. */
  | { readonly kind: 'bye' };

export type FromFeed =
  | { readonly kind: 'hello'; readonly isSame: boolean }
  | { readonly kind: 'rows'; readonly rows: readonly FedRow[]; readonly isMore: boolean }
  /** Newest first. */
  | { readonly kind: 'heads'; readonly heads: readonly FedHead[] }
  /** Without bytes: that snapshot has gone. */
  | { readonly kind: 'part'; readonly bytes?: Uint8Array }
  | { readonly kind: 'failed'; readonly message: string };
