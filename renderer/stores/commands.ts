// What the operator asked for by a key or a button somewhere else in the frame, until the part concerned takes it.
import { defineStore } from 'pinia';
import { onScopeDispose, ref, watch } from 'vue';

export type FrameCommand = 'focusFilter' | 'acknowledge' | 'submit' | 'palette' | 'help';

export const useCommandsStore = defineStore('commands', () => {
  const asked = ref<{ readonly command: FrameCommand; readonly count: number }>();

  function ask(command: FrameCommand): void {
    asked.value = { command, count: (asked.value?.count ?? 0) + 1 };
  }
  return { asked, ask };
});

/** Runs `act` whenever the command is asked for, as long as the calling component lives. */
export function onCommand(command: FrameCommand, act: () => void): void {
  const store = useCommandsStore();
  onScopeDispose(
    watch(
      () => store.asked,
      (asked) => {
        if (asked?.command === command) act();
      },
    ),
  );
}
