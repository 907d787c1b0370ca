// What happens with each message of an agent: the hub has decoded it, the engine decides on it.
import type { Engine } from '../engine/engine.ts';
import type { History } from '../history/store.ts';
import type { HubHandlers } from '../hub/ports.ts';
import type { LogChunk } from '../protocol/agentWire.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import type { Ms, NodeId, TaskId, Token } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { LogPiece } from '../protocol/consoleFrames.ts';
import type { AttemptResult, Command } from '../protocol/events.ts';
import { accepted } from '../protocol/outcome.ts';
import { ForgedReports } from './forgedReports.ts';
import type { LogGate } from './logGate.ts';
import { tellRefusals } from './refusedDispatches.ts';

export interface AgentHandlerParts {
  readonly engine: Engine;
  readonly history: History;
  readonly clock: () => Ms;
  readonly onLog: (taskId: TaskId, pieces: readonly LogPiece[]) => void;
  readonly attachConsole: (link: ConsoleLink) => void;
  readonly consoleSession: HubHandlers['consoleSession'];
  readonly audit: RecordAudit;
  readonly logGate: Pick<LogGate, 'pass' | 'joined'>;
  readonly onBug: (error: unknown, where: string) => void;
}

export function agentHandlers(parts: AgentHandlerParts): HubHandlers {
  const { engine } = parts;
  const forged = new ForgedReports(engine.view, parts.clock, parts.audit);
  const owners = new LogOwners(parts);
  const tell = (command: Command): void => {
    // A refusal means that the store failed: the host is ending, and the agent tells again after its next join.
    engine.execute(command).catch((error: unknown) => {
      parts.onBug(error, command.kind);
    });
  };
  return {
    nodeKey: engine.view.nodeKey,
    enrolmentHindrance: (tokenHash, nodeId) =>
      engine.view.enrolmentHindrance(tokenHash, nodeId, parts.clock()),
    consoleSession: parts.consoleSession,
    enrol: async (nodeId, publicKey, tokenHash) => {
      const outcome = await engine.execute({ kind: 'EnrolNode', nodeId, publicKey, tokenHash });
      return outcome.ok ? accepted(undefined) : outcome;
    },
    replaceKey: async (nodeId, from, publicKey) => {
      const outcome = await engine.execute({ kind: 'ReplaceKey', nodeId, from, publicKey });
      return outcome.ok ? accepted(undefined) : outcome;
    },
    join: async (nodeId, join) => {
      parts.logGate.joined(nodeId);
      const outcome = await engine.execute({ kind: 'JoinNode', nodeId, ...join });
      if (!outcome.ok) return outcome;
      if (!outcome.value.joined) throw new Error('a join was answered without epoch');
      return accepted(outcome.value.joined);
    },
    heartbeat: (nodeId, [cpuUsedMillicores, memoryUsedMiB, running]) => {
      tell({ kind: 'Heartbeat', nodeId, cpuUsedMillicores, memoryUsedMiB, running });
    },
    started: (nodeId, tokens) => {
      forged.look(nodeId, tokens, 'started');
      tell({ kind: 'ReportStarted', nodeId, tokens });
    },
    results: async (nodeId, results) => {
      lookAtResults(parts, forged, [nodeId, results]);
      const outcome = await engine.execute({ kind: 'ReportResults', nodeId, results });
      return outcome.ok ? accepted(undefined) : outcome;
    },
    check: (nodeId, tokens) => {
      forged.look(nodeId, tokens, 'check');
      return tokens.filter((token) => engine.view.attemptByToken(token)?.record.nodeId === nodeId);
    },
    disconnected: (nodeId) => {
      tell({ kind: 'DisconnectNode', nodeId });
    },
    log: async (nodeId, chunk) => {
      const passes = parts.logGate.pass(nodeId, chunk);
      if (passes !== true && !(await passes)) return undefined;
      if (await owners.owns(nodeId, chunk)) return storeLog(parts, chunk);
      forged.look(nodeId, [chunk.token], 'log');
      return chunk.offset + chunk.bytes; // nobody's: taken, not stored
    },
    console: parts.attachConsole,
    audit: parts.audit,
  };
}

const tokensOf = (results: readonly AttemptResult[]): readonly Token[] => results.map(({ token }) => token);

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
  readonly #known = new Map<Token, { readonly nodeId: NodeId; readonly taskId: TaskId }>();

  constructor(parts: AgentHandlerParts) {
    this.#parts = parts;
  }

  async owns(nodeId: NodeId, { token, taskId }: LogChunk): Promise<boolean> {
    let known = this.#known.get(token);
    if (known === undefined) {
      const found = await this.#find(token, taskId);
      if (found === undefined) return false;
      known = { nodeId: found, taskId };
      this.#known.set(token, known);
    }
    if (this.#known.size > ownersMax)
      for (const oldest of this.#known.keys()) if (this.#known.delete(oldest)) break;
    // The task too: output under another task's name would show where that one is followed.
    return known.nodeId === nodeId && known.taskId === taskId;
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

/** What of results the audit trail hears, before they are decided on. */
function lookAtResults(
  { engine: { view }, audit }: AgentHandlerParts,
  forged: ForgedReports,
  [nodeId, results]: readonly [NodeId, readonly AttemptResult[]],
): void {
  forged.look(nodeId, tokensOf(results), 'results');
  tellRefusals({ view, audit }, nodeId, results);
}
