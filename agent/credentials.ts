// The node's right to connect: its pair of keys, made here before the first contact, and the token of that contact. The
// private key never leaves this machine.
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { decode } from '../scheduler/protocol/decode.ts';
import { accepted, type Outcome, refused } from '../scheduler/protocol/outcome.ts';
import { KeyPair } from './keyPair.ts';

/** What a connection needs to show who it is. */
export interface Credentials {
  /** For the handshake: who it says to be. */
  readonly secrets: () => {
    readonly publicKey: string;
    readonly enrolToken?: string;
    readonly nodeKey?: string;
  };
  /** By the key of now, and by the next one while the change of keys is not over. */
  readonly sign: (text: string) => readonly string[];
  /** The hub knows this node by that key: durable there, so that any other one is of no use any more. */
  readonly known: (publicKey: string) => void;
  /** Makes the next pair, or gives that which a change before left. It is durable here before this returns. */
  readonly next: () => { readonly publicKey: string };
  /** When the key of now was made, ms since 1970. */
  readonly madeAtMs: () => number;
}

interface Kept {
  readonly pair: KeyPair;
  readonly next?: KeyPair | undefined;
  /** Of a node that enrolled before nodes had pairs. */
  readonly nodeKey?: string | undefined;
  /** The hub has yet to be told of the pair, with a token. */
  readonly isNew: boolean;
}

class NodeCredentials implements Credentials {
  #kept: Kept;
  #enrolToken: string | undefined;
  readonly #save: (kept: Kept) => void;

  constructor(kept: Kept, enrolToken: string | undefined, save: (kept: Kept) => void) {
    this.#kept = kept;
    this.#enrolToken = enrolToken;
    this.#save = save;
  }

  readonly secrets: Credentials['secrets'] = () => ({
    publicKey: this.#kept.pair.publicKey,
    ...(this.#kept.nodeKey !== undefined && { nodeKey: this.#kept.nodeKey }),
    ...(this.#enrolToken !== undefined && { enrolToken: this.#enrolToken }),
  });

  readonly sign: Credentials['sign'] = (text) => {
    const { pair, next } = this.#kept;
    return [pair, ...(next ? [next] : [])].map((one) => one.sign(text));
  };

  readonly known: Credentials['known'] = (publicKey) => {
    const { pair, next, nodeKey, isNew } = this.#kept;
    // The token has done its work: a node that is forgotten later stays so until somebody wants it back.
    this.#enrolToken = undefined;
    if (next?.publicKey === publicKey) this.#keep({ pair: next, isNew: false });
    else if (nodeKey !== undefined || isNew) this.#keep({ pair, next, isNew: false });
  };

  readonly next: Credentials['next'] = () => {
    const next = this.#kept.next ?? KeyPair.make();
    if (next !== this.#kept.next) this.#keep({ ...this.#kept, next });
    return next;
  };

  readonly madeAtMs = (): number => this.#kept.pair.madeAtMs;

  #keep(kept: Kept): void {
    this.#save(kept);
    this.#kept = kept;
  }
}

/** For virtual agents and tests. `pair`: one that many share, since they are one process. */
export const memoryCredentials = (enrolToken: string, pair = KeyPair.make()): Credentials =>
  new NodeCredentials({ pair, isNew: true }, enrolToken, () => undefined);

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const pairSchema = v.object({ privateKey: text, madeAtMs: v.pipe(v.number(), v.integer(), v.minValue(0)) });
const keyFileSchema = v.object({
  nodeId: v.string(),
  nodeKey: v.optional(text),
  pair: v.optional(pairSchema),
  next: v.optional(pairSchema),
  /** True until the hub knows the pair: the first contact needs a token. */
  isNew: v.optional(v.boolean()),
});
type KeyFile = v.InferOutput<typeof keyFileSchema>;
export const keyFileOf = (dataFolder: string): string => join(dataFolder, 'node-key.json');

/** Refuses in words where the folder belongs to another node, or where the node never enrolled and has no token. */
export function openCredentials(
  dataFolder: string,
  nodeId: string,
  enrolToken: string | undefined,
): Outcome<Credentials, string> {
  const path = keyFileOf(dataFolder);
  const read = readFile(path);
  if (!read.ok) return read;
  const file = read.value;
  if (file && file.nodeId !== nodeId)
    return refused(
      `--data: ${dataFolder} belongs to node ${file.nodeId}, not ${nodeId}; ` +
        `start with --node ${file.nodeId}, or give another folder`,
    );
  const isNew = !file || file.isNew === true;
  if (isNew && enrolToken === undefined)
    return refused(
      `--token: missing; this node is not enrolled by ${dataFolder} yet, so its first contact needs a token`,
    );
  const save = ({ pair, next, ...rest }: Kept): void => {
    writeKey(path, JSON.stringify({ nodeId, ...rest, pair: pair.saved(), next: next?.saved() }));
  };
  const kept = keptOf(file, isNew);
  if (!kept.ok) return refused(damaged(path));
  // Before the first contact: after a crash the same pair asks again, and uses the token once.
  if (!file?.pair) save(kept.value);
  return accepted(new NodeCredentials(kept.value, enrolToken, save));
}

function keptOf(file: KeyFile | undefined, isNew: boolean): Outcome<Kept, undefined> {
  try {
    const pair = file?.pair ? KeyPair.read(file.pair) : KeyPair.make();
    const next = file?.next && KeyPair.read(file.next);
    return accepted({ pair, next, nodeKey: file?.nodeKey, isNew });
  } catch {
    return refused(undefined); // text that is no key
  }
}

function readFile(path: string): Outcome<KeyFile | undefined, string> {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? accepted(undefined) : refused(`the key file cannot be read: ${message}`);
  }
  try {
    const read = decode(keyFileSchema, JSON.parse(content), path);
    if (read.ok && (read.value.pair ?? read.value.nodeKey) !== undefined) return accepted(read.value);
  } catch {
    // Answered below: the same for text that is no JSON and for JSON of another shape.
  }
  return refused(damaged(path));
}

const damaged = (path: string): string =>
  `the key file ${path} is damaged; remove it and start again with --token and a token made for this node's name`;

/** Whole or not at all, durable, and readable by this user only. */
function writeKey(path: string, content: string): void {
  const draft = `${path}.new`;
  const fd = openSync(draft, 'w', 0o600);
  chmodSync(draft, 0o600);
  writeSync(fd, content);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(draft, path);
}
