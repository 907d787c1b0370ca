// The node's right to connect: the enrolment token of its first contact, and the key the hub gave it for later ones.
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { decode } from '../scheduler/protocol/decode.ts';
import { accepted, type Outcome, refused } from '../scheduler/protocol/outcome.ts';

/** What a connection needs to show who it is. */
export interface Credentials {
  /** With both, the hub tries the key first, and enrols the node anew where it does not know it. */
  readonly secrets: () => { readonly nodeKey?: string; readonly enrolToken?: string };
  /** Called once, at enrolment. */
  readonly keep: (nodeKey: string) => void;
}

/** For virtual agents and tests. */
export function memoryCredentials(enrolToken: string): Credentials {
  let nodeKey: string | undefined;
  return {
    secrets: () => (nodeKey === undefined ? { enrolToken } : { nodeKey }),
    keep: (key) => {
      nodeKey = key;
    },
  };
}

const keyFileSchema = v.object({
  nodeId: v.string(),
  nodeKey: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
});
export const keyFileOf = (dataFolder: string): string => join(dataFolder, 'node-key.json');

/** Refuses in words where the folder belongs to another node, or where there is neither key nor token. */
export function openCredentials(
  dataFolder: string,
  nodeId: string,
  enrolToken: string | undefined,
): Outcome<Credentials, string> {
  const path = keyFileOf(dataFolder);
  const kept = readKey(path);
  if (!kept.ok) return kept;
  if (kept.value && kept.value.nodeId !== nodeId)
    return refused(
      `--data: ${dataFolder} belongs to node ${kept.value.nodeId}, not ${nodeId}; ` +
        `start with --node ${kept.value.nodeId}, or give another folder`,
    );
  let nodeKey = kept.value?.nodeKey;
  if (nodeKey === undefined && enrolToken === undefined)
    return refused(
      `--token: missing; this node has no key in ${dataFolder} yet, so its first contact needs the enrolment token`,
    );
  return accepted({
    secrets: () => ({
      ...(nodeKey !== undefined && { nodeKey }),
      ...(enrolToken !== undefined && { enrolToken }),
    }),
    keep: (key) => {
      nodeKey = key;
      writeKey(path, JSON.stringify({ nodeId, nodeKey }));
    },
  });
}

function readKey(path: string): Outcome<v.InferOutput<typeof keyFileSchema> | undefined, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? accepted(undefined) : refused(`the key file cannot be read: ${message}`);
  }
  try {
    const read = decode(keyFileSchema, JSON.parse(text), path);
    if (read.ok) return accepted(read.value);
  } catch {
    // Answered below: the same for text that is no JSON and for JSON of another shape.
  }
  return refused(`the key file ${path} is damaged; remove it and start again with --token`);
}

/** Whole or not at all, durable, and readable by this user only. */
function writeKey(path: string, text: string): void {
  const draft = `${path}.new`;
  const fd = openSync(draft, 'w', 0o600);
  chmodSync(draft, 0o600);
  writeSync(fd, text);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(draft, path);
}
