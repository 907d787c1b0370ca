// The plant's TLS in a folder of its own, a hub that speaks it, and virtual agents that come to it.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import * as v from 'valibot';
import { memoryCredentials } from '../../../agent/credentials.ts';
import { VirtualAgent, type VirtualAgentOptions } from '../../../agent/fleet/virtualAgent.ts';
import { PlantTls, type TlsOptions } from '../../../scheduler/host/tls/plantTls.ts';
import { nodeId } from '../../../scheduler/protocol/brands.ts';
import { nodeSpecSchema } from '../../../scheduler/protocol/node.ts';
import { enrolToken, openStage, type Stage } from '../hubStage.ts';

export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
  onTestFinished(() => {
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export interface Plant {
  readonly tls: PlantTls;
  readonly folder: string;
  /** What the host's log was told. */
  readonly lines: string[];
}

export async function openPlant(
  options: Partial<TlsOptions> & { readonly folder?: string } = {},
): Promise<Plant> {
  const folder = options.folder ?? freshFolder();
  const lines: string[] = [];
  const opened = await PlantTls.open({
    names: () => ['localhost', '127.0.0.1'],
    clock: () => Date.now(),
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    ...options,
    folder,
  });
  if (!opened.ok) throw new Error(opened.reason.message);
  return { tls: opened.value, folder, lines };
}

/** A hub that is closed has none any more. */
const ports = new WeakMap<Stage, number>();

/** `before`: the same hub in its life before, with the nodes that it knew. */
export async function openTlsHub(plant: Plant, before?: Stage): Promise<Stage> {
  const port = (before && ports.get(before)) ?? 0;
  const stage = await openStage({}, { tls: plant.tls.material, port });
  for (const [node, key] of before?.keys ?? []) stage.keys.set(node, key);
  ports.set(stage, Number(new URL(stage.hub.address).port));
  onTestFinished(() => stage.close());
  return stage;
}

export interface AgentHere {
  readonly agent: VirtualAgent;
  readonly log: string[];
  readonly turnedAway: string[];
  joins: number;
}

const spec = v.parse(nodeSpecSchema, {
  resources: { cpu: 4_000, memory: 8_192 },
  kinds: ['simulated'],
  agentVersion: 'virtual',
});

/** Opened, and not waited for. */
export function comeTo(url: string, options: Partial<VirtualAgentOptions> = {}): AgentHere {
  const log: string[] = [];
  const turnedAway: string[] = [];
  const agent = new VirtualAgent({
    url,
    nodeId: nodeId('press-7'),
    credentials: memoryCredentials(enrolToken),
    spec,
    retry: { minMs: 20, maxMs: 50, slowMs: 50 },
    log: (level, message) => log.push(`${level} ${message}`),
    onTurnedAway: ({ code }) => turnedAway.push(code),
    onJoined: () => {
      here.joins += 1;
    },
    ...options,
  });
  const here: AgentHere = { agent, log, turnedAway, joins: 0 };
  onTestFinished(() => agent.stop());
  void agent.start();
  return here;
}
