// What the host does from time to time, beside its work.
import { setTimeout as pause } from 'node:timers/promises';
import type { History } from '../history/store.ts';
import { HistoryFailed } from '../history/thread.ts';
import type { Hub } from '../hub/ports.ts';
import type { Alarms } from '../observe/alarms.ts';
import { Intruders } from '../observe/intruders.ts';
import { LowDisk } from '../observe/lowDisk.ts';
import type { Ms } from '../protocol/brands.ts';
import type { Retention } from '../protocol/storage.ts';
import type { HostParts } from './hostParts.ts';
import { writeHubFile } from './hubFile.ts';
import type { Storage } from './storage.ts';
import { freeBytesOf } from './storageFolder.ts';

const upkeepEveryMs = 10_000;
/** Between two chunks of retention, at the least: what ends meanwhile is stored first. */
const chunkPauseMs = 10;

interface UpkeepWires {
  readonly hub: Hub;
  readonly alarms: Alarms;
  readonly storage: Pick<Storage, 'check'>;
  readonly clock: () => Ms;
}

/**
 * Keeps history within its bounds, a chunk at a time, off this thread; begins backups that are due; tells when no more
 * agents get in and when the disk fills; and says in hub.json where the host listens, for as long as it does.
 */
export function keepUp(parts: HostParts, { hub, alarms, storage, clock }: UpkeepWires): () => void {
  const { config, history, settings, events, recorder } = parts;
  const removeHubFile = writeHubFile(config.dataFolder, hub.address, events.log);
  const disk = new LowDisk(alarms, config.dataFolder);
  const intruders = new Intruders(alarms);
  const bounds = new Bounds(history, () => settings.retention, clock);
  const timer = setInterval(() => {
    if (hub.stats().isFull)
      alarms.raise({ code: 'FLEET_FULL', source: 'hub', params: { agents: hub.stats().agents } });
    else alarms.clear('FLEET_FULL', 'hub');
    intruders.check(hub.stats().refusedOften, clock());
    const { failure } = recorder;
    if (failure === undefined) alarms.clear('RECORDER_STOPPED', 'recorder');
    else alarms.raise({ code: 'RECORDER_STOPPED', source: 'recorder', params: { message: failure } });
    const work = [
      bounds.keep(),
      storage.check(),
      freeBytesOf(config.dataFolder).then((freeBytes) => {
        disk.check(freeBytes, clock());
      }),
    ];
    for (const one of work)
      one.catch((error: unknown) => {
        events.onBug(error, 'upkeep');
      });
  }, upkeepEveryMs);
  return () => {
    clearInterval(timer);
    bounds.stop();
    removeHubFile();
  };
}

/** Lets the oldest go while there is more than may be kept. */
export class Bounds {
  readonly #history: Pick<History, 'retain'>;
  readonly #retention: () => Retention;
  readonly #clock: () => Ms;
  #isAtWork = false;
  #isStopped = false;

  constructor(history: Pick<History, 'retain'>, retention: () => Retention, clock: () => Ms) {
    this.#history = history;
    this.#retention = retention;
    this.#clock = clock;
  }

  /** Resolves once history is within its bounds, or at once where that is being worked on. */
  async keep(): Promise<void> {
    if (this.#isAtWork) return;
    this.#isAtWork = true;
    try {
      while (!this.#isStopped) {
        const startedMs = performance.now();
        const { isDone } = await this.#history.retain(this.#retention(), this.#clock());
        if (isDone) return;
        // As long as the chunk took: half of the writer's time stays for what ends meanwhile.
        await pause(Math.max(chunkPauseMs, performance.now() - startedMs));
      }
    } catch (error) {
      // A store that failed has told so already, and ends the host.
      if (!(error instanceof HistoryFailed)) throw error;
    } finally {
      this.#isAtWork = false;
    }
  }

  stop(): void {
    this.#isStopped = true;
  }
}
