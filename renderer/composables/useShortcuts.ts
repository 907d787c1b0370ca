// Keys that work on every screen. Single keys are dead in text fields and under dialogs, and can be switched off.
import { onScopeDispose } from 'vue';
import { useRouter } from 'vue-router';
import { tinykeys } from 'tinykeys';
import { useAppearanceStore } from '../stores/appearance.ts';
import { useCommandsStore } from '../stores/commands.ts';
import { placeOf } from '../stores/lastPlace.ts';

/** True where a typed letter is text, or a dialog has the keyboard. */
function isTyping(event: Event): boolean {
  const element = event.target;
  if (!(element instanceof HTMLElement)) return false;
  if (element.closest('[role=dialog]')) return true;
  if (element instanceof HTMLInputElement) return !['checkbox', 'radio', 'button'].includes(element.type);
  return element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement;
}

export function useShortcuts(showHelp: () => void): void {
  const router = useRouter();
  const appearance = useAppearanceStore();
  const commands = useCommandsStore();

  const single = (act: () => void) => (event: KeyboardEvent) => {
    if (event.defaultPrevented || isTyping(event) || !appearance.hasSingleKeys) return;
    event.preventDefault();
    act();
  };
  const go = (name: string) => single(() => void router.push(placeOf(name)));
  const stop = tinykeys(window, {
    'g o': go('overview'),
    'g t': go('topology'),
    'g h': go('heat'),
    'g q': go('queues'),
    'g k': go('tasks'),
    'g s': go('schedules'),
    'g n': go('nodes'),
    'g u': go('audit'),
    '$mod+k': (event) => {
      event.preventDefault();
      commands.ask('palette');
    },
    'Shift+:': single(() => {
      commands.ask('palette');
    }),
    'Shift+?': single(showHelp),
    '?': single(showHelp),
    F1: (event) => {
      event.preventDefault();
      showHelp();
    },
    '/': single(() => {
      commands.ask('focusFilter');
    }),
    a: single(() => {
      commands.ask('acknowledge');
    }),
    n: single(() => {
      commands.ask('submit');
    }),
  });
  onScopeDispose(stop);
}
