// The only ipcMain use: named channels, answered only to the console's own top frame, with decoded arguments.
import { ipcMain, type IpcMainInvokeEvent, type WebContents } from 'electron';
import * as v from 'valibot';
import { consoleOrigin } from './appProtocol.ts';
import { ipcChannels } from './ipcChannels.ts';
import type { HostState } from '../scheduler/protocol/hostLink.ts';

export interface IpcAnswers {
  getHostState(): HostState;
  requestHostPort(sender: WebContents): void;
  /** `token`: the window's session. False where the host does not run, or the session may not enrol nodes. */
  startLocalAgent(token: string | undefined): Promise<boolean>;
}

const noArguments = v.strictTuple([]);
const sessionArgument = v.strictTuple([v.optional(v.pipe(v.string(), v.maxLength(256)))]);

export function guardIpc(answers: IpcAnswers): void {
  handle(ipcChannels.getHostState, noArguments, () => answers.getHostState());
  handle(ipcChannels.requestHostPort, noArguments, (_args, event) => {
    answers.requestHostPort(event.sender);
  });
  handle(ipcChannels.startLocalAgent, sessionArgument, ([token]) => answers.startLocalAgent(token));
}

function handle<Schema extends v.GenericSchema<unknown[], unknown[]>>(
  channel: string,
  schema: Schema,
  answer: (args: v.InferOutput<Schema>, event: IpcMainInvokeEvent) => unknown,
): void {
  ipcMain.handle(channel, (event, ...args: unknown[]) => {
    if (!isConsole(event)) throw new Error(`${channel}: not for this page`);
    const decoded = v.safeParse(schema, args);
    if (!decoded.success) throw new Error(`${channel}: ${v.summarize(decoded.issues)}`);
    return answer(decoded.output, event);
  });
}

/** Only the top frame of a window that shows our own page: an embedded frame shares its web contents. */
function isConsole(event: IpcMainInvokeEvent): boolean {
  const frame = event.senderFrame;
  return frame !== null && frame.parent === null && frame.url.startsWith(`${consoleOrigin}/`);
}
