// Opens all that lies in the data folder, the journal first: its lock keeps a second host out.
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type History, openHistory } from '../history/store.ts';
import { type OpenJournal, openJournal } from '../journal/journal.ts';
import { accepted, type Outcome, type Refusal } from '../protocol/outcome.ts';
import type { HostConfig } from './config.ts';
import type { HostEvents } from './hostEvents.ts';
import type { HostFiles } from './hostParts.ts';
import { SecretsFile } from './secretsFile.ts';
import { StorageFile } from './storageFile.ts';

export interface Stores extends OpenJournal {
  readonly history: History;
  readonly secrets: SecretsFile;
  readonly settings: StorageFile;
  /** Where the flight recorder asks the journal. */
  readonly feed: MessagePort;
}

interface Opening {
  readonly config: HostConfig;
  readonly files: HostFiles;
  readonly events: HostEvents;
  /** Told of each store that is open, in order: whoever gives up closes them. */
  readonly opened: (store: { readonly close: () => Promise<void> }) => void;
}

/** Refuses with what is wrong and what to do. */
export async function openStores({
  config,
  files,
  events,
  opened,
}: Opening): Promise<Outcome<Stores, Refusal>> {
  const { onFailure, onRecovering, log } = events;
  const stores = { folder: config.dataFolder, onFailure };
  const { port1, port2 } = new MessageChannel();
  const journal = await openJournal({
    ...stores,
    feed: port1,
    threadFile: files.journalThread,
    onChecking: (done, total) => {
      onRecovering({ stage: 'checking', done, total });
    },
  });
  if (!journal.ok) return journal;
  opened(journal.value.journal);
  const secrets = SecretsFile.open(config.dataFolder);
  if (!secrets.ok) return secrets;
  const { consoleToken, apiToken } = secrets.value;
  for (const secret of [consoleToken, apiToken]) events.logControl.hide(secret);
  const settings = StorageFile.open(config.dataFolder);
  if (!settings.ok) return settings;
  const history = await openHistory({
    ...stores,
    threadFile: files.historyThread,
    onDamage: (message) => {
      log('error', 'history', { message });
    },
  });
  if (!history.ok) return history;
  opened(history.value);
  return accepted({
    ...journal.value,
    history: history.value,
    secrets: secrets.value,
    settings: settings.value,
    feed: port2,
  });
}
