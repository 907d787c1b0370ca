// Branded ids and units, so that milliseconds never meet megabytes and a task id is never a token.
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Milliseconds: a duration, or a point in time since 1970-01-01 UTC on the host's clock. */
export type Ms = Branded<number, 'Ms'>;
/** Thousandths of one CPU core. */
export type Millicores = Branded<number, 'Millicores'>;
/** Mebibytes of memory. */
export type MiB = Branded<number, 'MiB'>;

/** Sequence number of a task in this installation, from 1. Shown as `T-` and base 36. */
export type TaskId = Branded<number, 'TaskId'>;
/**
 * Fencing token of an attempt: grows with every placement in the life of an installation, so a larger token is
 * always the newer right to act.
 */
export type Token = Branded<number, 'Token'>;
/** Number of the host's life. The newest commands. */
export type Epoch = Branded<number, 'Epoch'>;
/** A node's name, unique in the plant, for example `BOD-L08-C03-N07`. */
export type NodeId = Branded<string, 'NodeId'>;
export type QueueName = Branded<string, 'QueueName'>;
/** Row number of a node in the columns of the core. Reused after the node is forgotten. */
export type NodeIndex = Branded<number, 'NodeIndex'>;

export const ms = (value: number): Ms => value as Ms;
export const millicores = (value: number): Millicores => value as Millicores;
export const mib = (value: number): MiB => value as MiB;
export const taskId = (value: number): TaskId => value as TaskId;
export const token = (value: number): Token => value as Token;
export const epoch = (value: number): Epoch => value as Epoch;
export const nodeId = (value: string): NodeId => value as NodeId;
export const queueName = (value: string): QueueName => value as QueueName;
export const nodeIndex = (value: number): NodeIndex => value as NodeIndex;

/** `T-1MH334`: how a task id is written on screens, in logs and on the command line. */
export const formatTaskId = (id: TaskId): string => `T-${id.toString(36).toUpperCase()}`;

/** Reads `T-1MH334` or `1mh334`, or undefined where the text is no task id. */
export function parseTaskId(text: string): TaskId | undefined {
  const digits = /^(?:T-)?([0-9A-Z]{1,10})$/i.exec(text.trim())?.[1];
  if (digits === undefined) return undefined;
  const value = Number.parseInt(digits, 36);
  return Number.isSafeInteger(value) && value > 0 ? taskId(value) : undefined;
}
