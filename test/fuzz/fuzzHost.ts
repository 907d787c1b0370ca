// A real host in this process, with real sockets: what it says of bugs, what it holds, and what its journal wrote.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as v from 'valibot';
import { memoryCredentials } from '../../agent/credentials.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { KeyPair } from '../../agent/keyPair.ts';
import { readHostConfig } from '../../scheduler/host/config.ts';
import { openHost } from '../../scheduler/host/host.ts';
import type { Host } from '../../scheduler/host/servingHost.ts';
import { exportJournal } from '../../scheduler/offline/journalExport.ts';
import type { AuditEntry } from '../../scheduler/protocol/audit.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { agentWireVersion, nodesMax, pageRowsMax } from '../../scheduler/protocol/limits.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { joinText } from '../../scheduler/protocol/nodeProof.ts';
import { type ConsoleClient, connectConsole, readSecrets } from '../e2e/consoleClient.ts';
import { enrolmentToken } from '../enrolmentToken.ts';
import { RawSocket } from './rawSocket.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const sourceOf = (path: string): URL => new URL(`../../scheduler/${path}`, import.meta.url);

export const spec = {
  resources: { cpu: 4_000, memory: 8_192, slots: 8 },
  kinds: ['simulated'],
  agentVersion: 'fuzz',
};

export class FuzzHost {
  readonly folder: string;
  readonly host: Host;
  readonly console: ConsoleClient;
  readonly bugs: string[];
  readonly apiToken: string;
  readonly consoleToken: string;
  readonly enrolToken: string;
  /** PEM, where it speaks TLS. */
  readonly authority: string | undefined;
  readonly #agents: VirtualAgent[] = [];
  readonly #pairs = new Map<string, KeyPair>();
  /** Spans, in milliseconds since 1970, in which nothing but connections of our own may have happened. */
  readonly quiet: [number, number][] = [];

  private constructor(
    parts: Pick<FuzzHost, 'folder' | 'host' | 'console' | 'bugs' | 'enrolToken' | 'authority'>,
  ) {
    ({
      folder: this.folder,
      host: this.host,
      console: this.console,
      bugs: this.bugs,
      enrolToken: this.enrolToken,
      authority: this.authority,
    } = parts);
    const secrets = readSecrets(this.folder) as ReturnType<typeof readSecrets> & { apiToken: string };
    this.apiToken = secrets.apiToken;
    this.consoleToken = secrets.consoleToken;
  }

  /** `more`: arguments of the host. */
  static async open(more: readonly string[] = []): Promise<FuzzHost> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'));
    const bugs: string[] = [];
    const config = readHostConfig(['--data', folder, '--port', '0', ...more]);
    if (!config.ok || !config.value) throw new Error('bad arguments');
    const files = {
      journalThread: sourceOf('journal/journalThread.ts'),
      historyThread: sourceOf('history/historyThread.ts'),
      auditThread: sourceOf('audit/auditThread.ts'),
      recorderThread: sourceOf('recorder/recorderThread.ts'),
      pastThread: sourceOf('recorder/pastThread.ts'),
      whatIfThread: sourceOf('recorder/whatIfThread.ts'),
      pages: folder,
      version: 'fuzz',
      agentProgram: 'agent',
    };
    const opened = await openHost(config.value, files, {
      log: () => undefined,
      logControl: {
        level: () => 'info',
        setLevel: () => undefined,
        hide: () => undefined,
        isFailing: () => false,
      },
      fleet: { start: () => undefined, stop: () => Promise.resolve() },
      edges: { start: () => undefined, kill: () => undefined },
      onRecovering: () => undefined,
      onFailure: ({ message }) => bugs.push(`failure: ${message}`),
      onBug: (error, where) => bugs.push(`${where}: ${error instanceof Error ? error.stack : String(error)}`),
    });
    if (!opened.ok) throw new Error(opened.reason.message);
    const { consoleToken, address } = opened.value;
    const authority = address.startsWith('https:') ? authorityIn(folder) : undefined;
    const console = await connectConsole(address, consoleToken, authority);
    const enrolToken = await enrolmentToken(address, folder, nodesMax, authority);
    return new FuzzHost({ folder, host: opened.value, console, bugs, enrolToken, authority });
  }

  get address(): string {
    return this.host.address;
  }

  /** An honest node of the virtual plant, joined. */
  async honestNode(name: string): Promise<void> {
    const isJoined = new Promise<void>((resolve) => {
      const agent = new VirtualAgent({
        url: this.address,
        nodeId: nodeId(name),
        credentials: memoryCredentials(this.enrolToken),
        spec: v.parse(nodeSpecSchema, { ...spec, labels: { of: name } }),
        onJoined: () => {
          resolve();
        },
      });
      this.#agents.push(agent);
      void agent.start();
    });
    await isJoined;
  }

  /** A simulated task on that node alone; resolves to its token once it runs. */
  async runOn(name: string, runMs: number): Promise<{ readonly taskId: number; readonly token: number }> {
    const task = { work: { kind: 'simulated', runMs }, selector: { of: [name] } };
    const { answers } = await this.console.call('submitTasks', { specs: [task] });
    const [answer] = answers;
    if (answer?.ok !== true) throw new Error(`not taken: ${JSON.stringify(answer)}`);
    for (;;) {
      const { record } = await this.console.call('getTask', { taskId: answer.taskId });
      const token = record.attempts.at(-1)?.token;
      if (token !== undefined) return { taskId: answer.taskId, token };
      await pause(10);
    }
  }

  authOf(name: string): Record<string, unknown> {
    const { publicKey } = this.#pairOf(name);
    return { wire: agentWireVersion, nodeId: name, publicKey, enrolToken: this.enrolToken };
  }

  #pairOf(name: string): KeyPair {
    const pair = this.#pairs.get(name) ?? KeyPair.make();
    this.#pairs.set(name, pair);
    return pair;
  }

  /** Of the trail, newest first, a page at most. What is refused again within a minute is counted, not told again. */
  async audited(action: string): Promise<readonly AuditEntry[]> {
    const { entries } = await this.console.call('listAudit', { filter: { action }, limit: pageRowsMax });
    return entries;
  }

  /** A raw connection of a node of ours, let in and not joined. */
  async admitted(name: string): Promise<RawSocket> {
    const raw = await RawSocket.open(this.address);
    const answer = await raw.enter('/agent', this.authOf(name));
    if (!answer.startsWith('40')) throw new Error(`${name} was not let in: ${answer}`);
    return raw;
  }

  async joined(name: string, more: Record<string, unknown> = {}): Promise<RawSocket> {
    const raw = await this.admitted(name);
    const join = { spec: { ...spec, labels: { of: name } }, held: [], ...more };
    const proofs = [this.#pairOf(name).sign(joinText(nodeId(name), raw.id, join))];
    raw.text(`42/agent,${JSON.stringify(['join', { ...join, proofs }])}`);
    const welcome = await raw.until((text) => text.startsWith('42/agent,["welcome"'));
    if (welcome === '') throw new Error(`${name} was not welcomed`);
    return raw;
  }

  /** Nothing that is sent meanwhile may change what the plant is about. */
  async whileQuiet<Result>(send: () => Promise<Result>): Promise<Result> {
    await pause(30);
    const fromMs = Date.now() + 5;
    await pause(30);
    const result = await send();
    await pause(100);
    this.quiet.push([fromMs, Date.now() - 5]);
    return result;
  }

  /** Heap after garbage collection, and open files. */
  async held(): Promise<{ readonly heapBytes: number; readonly files: number }> {
    for (let times = 0; times < 4; times += 1) {
      await pause(50);
      collect();
    }
    return { heapBytes: process.memoryUsage().heapUsed, files: readdirSync('/proc/self/fd').length };
  }

  /** Stops the host. Resolves to what its journal says happened in the quiet spans, beside connections of fuzzed nodes. */
  async stop(): Promise<readonly string[]> {
    await this.#halt();
    const lines: string[] = [];
    await exportJournal(
      this.folder,
      { file: undefined, from: 1, to: Number.MAX_SAFE_INTEGER, kinds: [] },
      { out: (text) => lines.push(text), say: () => undefined, drained: () => Promise.resolve() },
    );
    rmSync(this.folder, { recursive: true, force: true });
    return changesIn(lines.join(''), this.quiet);
  }

  /** The same where nothing was sent in quiet. */
  async end(): Promise<void> {
    await this.#halt();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #halt(): Promise<void> {
    this.console.close();
    for (const agent of this.#agents) await agent.stop();
    await this.host.stop();
  }
}

/** PEM. */
function authorityIn(folder: string): string {
  const text = readFileSync(join(folder, 'tls.json'), 'utf8');
  return (JSON.parse(text) as { authority: { certificate: string } }).authority.certificate;
}

const ownKinds = new Set(['node_enrolled', 'node_joined', 'node_disconnected', 'node_lost']);

function changesIn(text: string, quiet: readonly (readonly [number, number])[]): string[] {
  const batches = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { at: string; events: { kind: string; nodeId?: string }[] });
  if (batches.length === 0) throw new Error('the journal says nothing: the check would see nothing');
  const seen = batches
    .filter(({ at }) => quiet.some(([fromMs, toMs]) => Date.parse(at) >= fromMs && Date.parse(at) <= toMs))
    .flatMap(({ events }) => events);
  if (seen.length === 0)
    throw new Error('not even the joins of our own nodes were seen: the check sees nothing');
  return seen
    .filter(({ kind, nodeId: node }) => !(ownKinds.has(kind) && node?.startsWith('fuzz-') === true))
    .map((event) => JSON.stringify(event));
}

export const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));
