// What an agent and a process of its handlers tell each other, over the channel between a Node process and its child.
import type { Standing } from '../../stillMine.ts';

/** One attempt at a time. */
export interface RunMessage {
  readonly kind: 'run';
  readonly file: string;
  readonly input: unknown;
  readonly taskId: string;
  readonly attempt: number;
  readonly token: number;
  readonly nodeId: string;
  readonly folder: string;
  readonly before?: string;
}
export type ToHandler =
  | RunMessage
  | { readonly kind: 'cancel'; readonly message: string }
  | { readonly kind: 'standing'; readonly question: number; readonly standing: Standing };

/** `refused`: no handler could be had from the file. */
export interface EndMessage {
  readonly kind: 'end';
  readonly reason: 'exit' | 'refused';
  readonly exitCode?: number;
  readonly message?: string;
  readonly result?: string;
  /** Bytes written to each stream during this attempt: the end counts once they have arrived. */
  readonly written: { readonly stdout: number; readonly stderr: number };
  /** The process is to serve no other attempt: it has children, or it cannot be told that it is clean. */
  readonly isSpent: boolean;
  readonly hasFolder: boolean;
}
export type FromHandler =
  | EndMessage
  | { readonly kind: 'checkpoint'; readonly text: string }
  | { readonly kind: 'ask'; readonly question: number };
