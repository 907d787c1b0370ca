// What happens with each message of an agent: the hub has decoded it, the engine decides on it.
import type { Engine } from '../engine/engine.ts';
import type { History } from '../history/store.ts';
import type { HubHandlers } from '../hub/ports.ts';
import type { LogChunk } from '../protocol/agentWire.ts';
import type { Ms, NodeId, TaskId, Token } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { LogPiece } from '../protocol/consoleFrames.ts';
import type { Command } from '../protocol/events.ts';
import { accepted } from '../protocol/outcome.ts';
import type { SecretsFile } from './secretsFile.ts';

export interface AgentHandlerParts {
  readonly engine: Engine;
  readonly secrets: SecretsFile;
  readonly history: History;
  readonly clock: () => Ms;
  readonly onLog: (taskId: TaskId, pieces: readonly LogPiece[]) => void;
  readonly attachConsole: (link: ConsoleLink) => void;
  readonly onBug: (error: unknown, where: string) => void;
}

export function agentHandlers(parts: AgentHandlerParts): HubHandlers {
  const { engine, secrets } = parts;
  const owners = new LogOwners(parts);
  const tell = (command: Command): void => {
    // A refusal means that the store failed: the host is ending, and the agent tells again after its next join.
    engine.execute(command).catch((error: unknown) => {
      parts.onBug(error, command.kind);
    });
  };
  return {
    nodeKeyHash: engine.view.nodeKeyHash,
    enrolmentTokenMatches: secrets.enrolmentTokenMatches,
    consoleTokenMatches: secrets.consoleTokenMatches,
    enrol: async (nodeId, keyHash) => {
      const outcome = await engine.execute({ kind: 'EnrolNode', nodeId, keyHash });
      return outcome.ok ? accepted(undefined) : outcome;
    },
    join: async (nodeId, join) => {
      const outcome = await engine.execute({ kind: 'JoinNode', nodeId, ...join });
      if (!outcome.ok) return outcome;
      if (!outcome.value.joined) throw new Error('a join was answered without epoch');
      return accepted(outcome.value.joined);
    },
    heartbeat: (nodeId, [cpuUsedMillicores, memoryUsedMiB, running]) => {
      tell({ kind: 'Heartbeat', nodeId, cpuUsedMillicores, memoryUsedMiB, running });
    },
    started: (nodeId, tokens) => {
      tell({ kind: 'ReportStarted', nodeId, tokens });
    },
    results: async (nodeId, results) => {
      const outcome = await engine.execute({ kind: 'ReportResults', nodeId, results });
      return outcome.ok ? accepted(undefined) : outcome;
    },
    check: (nodeId, tokens) =>
      tokens.filter((token) => engine.view.attemptByToken(token)?.record.nodeId === nodeId),
    disconnected: (nodeId) => {
      tell({ kind: 'DisconnectNode', nodeId });
    },
    log: async (nodeId, chunk) => {
      if (!(await owners.owns(nodeId, chunk))) return chunk.offset + chunk.bytes; // nobody's: taken, not stored
      return storeLog(parts, chunk);
    },
    console: parts.attachConsole,
  };
}

async function storeLog({ history, clock, onLog }: AgentHandlerParts, chunk: LogChunk): Promise<number> {
  const { droppedBytes, ...piece } = chunk;
  const arrived = { ...piece, atMs: clock(), ...(droppedBytes === undefined ? {} : { droppedBytes }) };
  const stored = await history.appendLog([arrived]);
  if (stored.pieces.length > 0) onLog(chunk.taskId, stored.pieces);
  return (
    stored.offsets.find(({ token, stream }) => token === chunk.token && stream === chunk.stream)?.offset ?? 0
  );
}

/** Remembered pairs of token and node: an agent may only write the logs of its own attempts. */
const ownersMax = 10_000;

class LogOwners {
  readonly #parts: AgentHandlerParts;
  readonly #known = new Map<Token, NodeId>();

  constructor(parts: AgentHandlerParts) {
    this.#parts = parts;
  }

  async owns(nodeId: NodeId, { token, taskId }: LogChunk): Promise<boolean> {
    const known = this.#known.get(token) ?? (await this.#find(token, taskId));
    if (known === undefined) return false;
    this.#known.set(token, known);
    if (this.#known.size > ownersMax)
      for (const oldest of this.#known.keys()) if (this.#known.delete(oldest)) break;
    return known === nodeId;
  }

  /** The node that a live, earlier or ended attempt was placed on. */
  async #find(token: Token, taskId: TaskId): Promise<NodeId | undefined> {
    const { engine, history } = this.#parts;
    const live = engine.view.attemptByToken(token);
    if (live) return live.taskId === taskId ? live.record.nodeId : undefined;
    // A record that cannot be read belongs to nobody: its output is turned away, and the host goes on.
    const record = engine.view.task(taskId) ?? (await history.get(taskId).catch(() => undefined));
    return record?.attempts.find((attempt) => attempt.token === token)?.nodeId;
  }
}
