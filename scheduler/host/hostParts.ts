// What the host is made of: the files it starts from, and the parts that are wired to each other.
import type { Accounts } from '../accounts/accounts.ts';
import type { Core } from '../core/cycle.ts';
import type { History } from '../history/store.ts';
import type { JournalPort } from '../journal/port.ts';
import type { Recorder } from '../recorder/recorder.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import type { HostConfig } from './config.ts';
import type { HostEvents } from './hostEvents.ts';
import type { SecretsFile } from './secretsFile.ts';
import type { StorageFile } from './storageFile.ts';
import type { PlantTls } from './tls/plantTls.ts';

export interface HostFiles {
  readonly journalThread: URL;
  readonly historyThread: URL;
  readonly auditThread: URL;
  readonly recorderThread: URL;
  readonly pastThread: URL;
  readonly whatIfThread: URL;
  /** Folder of the built console, served to browsers. */
  readonly pages: string;
  readonly version: string;
  /** How an agent is started where this program is installed. */
  readonly agentProgram: string;
}

export interface HostParts {
  readonly config: HostConfig;
  readonly files: HostFiles;
  readonly events: HostEvents;
  readonly secrets: SecretsFile;
  readonly settings: StorageFile;
  readonly history: History;
  readonly journal: JournalPort;
  readonly core: Core;
  readonly recorder: Recorder;
  /** Absent: this host speaks plain text. */
  readonly tls: PlantTls | undefined;
  readonly accounts: Accounts;
  readonly audit: RecordAudit;
}
