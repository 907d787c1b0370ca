// This window's link to the host, what the host said of itself, and the short notes (toasts) to the operator.
import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import type { Hello } from '../../scheduler/protocol/consoleAnswers.ts';
import { bridge } from '../link/console.ts';

export interface Toast {
  readonly id: number;
  readonly text: string;
  /** What it is about; empty: nothing that another note could be about. */
  readonly about: string;
  /** Where the act can be taken back. */
  readonly undo?: () => void;
}
const toastMs = 6_000;
const undoMs = 10_000;

export const useSessionStore = defineStore('session', () => {
  /** What the host said last; stays while the link is down. */
  const hello = shallowRef<Hello>();
  watch(
    bridge.link,
    (link) => {
      if (link.state === 'live') hello.value = link.hello;
    },
    { immediate: true },
  );
  const isLive = computed(() => bridge.link.value.state === 'live');
  const toasts = ref<readonly Toast[]>([]);
  let lastToast = 0;

  function dismiss(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  }
  /** `about`: takes the place of an older note on the same thing, whose Undo would undo more than its own act. */
  function say(text: string, undo?: () => void, about = ''): void {
    const id = ++lastToast;
    const others = toasts.value.filter((toast) => about === '' || toast.about !== about);
    toasts.value = [...others.slice(-2), { id, text, about, ...(undo ? { undo } : {}) }];
    setTimeout(
      () => {
        dismiss(id);
      },
      undo ? undoMs : toastMs,
    );
  }
  return { link: bridge.link, host: bridge.host, hello, isLive, toasts, say, dismiss };
});
