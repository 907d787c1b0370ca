// Ends the program in order: asks where tasks run, stops the host, then leaves. Asked twice, it goes on with the first.
import { app, dialog } from 'electron';
import { countLiveTasks } from './askHost.ts';
import type { HostSupervisor } from './hostSupervisor.ts';

export interface OrderlyQuit {
  /** A person wants to quit: asked first where tasks run. */
  byPerson(): void;
  /** The system or a terminal wants it: nobody is asked. */
  bySystem(): void;
  readonly isLeaving: boolean;
}

/** `stopOthers`: the programs beside the host, which end first. */
export function orderlyQuit(
  host: HostSupervisor,
  asks: boolean,
  stopOthers: () => Promise<unknown>,
): OrderlyQuit {
  let isAsking = false;
  let isLeaving = false;
  const leave = async (): Promise<void> => {
    if (isLeaving) return;
    isLeaving = true;
    await stopOthers();
    await host.stop();
    app.exit(0);
  };
  const ask = async (): Promise<void> => {
    if (isAsking || isLeaving) return;
    isAsking = true;
    const agreed = await isQuitAgreed(host);
    isAsking = false;
    if (agreed) await leave();
  };
  return {
    byPerson: () => {
      void (asks ? ask() : leave());
    },
    bySystem: () => {
      void leave();
    },
    get isLeaving() {
      return isLeaving;
    },
  };
}

async function isQuitAgreed(host: HostSupervisor): Promise<boolean> {
  const live = await countLiveTasks(host);
  if (live === undefined || live === 0) return true;
  const { response } = await dialog.showMessageBox({
    type: 'question',
    title: 'Quit Millrace?',
    message:
      live === 1 ? '1 task keeps running on its agent.' : `${live} tasks keep running on their agents.`,
    detail:
      'Nothing is lost: agents finish what they run and hand the results in at the next start. ' +
      'Until then nothing new is dispatched and nobody watches.',
    buttons: ['Keep running', 'Quit'],
    defaultId: 0,
    cancelId: 0,
    noLink: true,
  });
  return response === 1;
}
