// Output of one attempt: what is stored, then what arrives, without a gap and without a doubled line.
import { onScopeDispose, ref, shallowRef, watch } from 'vue';
import { useI18n } from 'vue-i18n';
import type { TaskId, Token } from '../../scheduler/protocol/brands.ts';
import { pageRowsMax } from '../../scheduler/protocol/limits.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';
import { useSessionStore } from '../stores/session.ts';
import { createLogLines, type LogLines } from './logLines.ts';

/** While it runs, storage is looked at this often as well, should a pushed frame have been skipped. */
const catchUpMs = 2_000;

interface Followed {
  readonly taskId: () => TaskId;
  /** Token of the attempt whose output is shown. */
  readonly token: () => Token | undefined;
  readonly isLive: () => boolean;
}

export function useTaskLog({ taskId, token, isLive }: Followed) {
  const session = useSessionStore();
  const stored = useStoredLog(token);
  const { lines, version, isRead, readOn } = stored;

  const stopPush = bridge.onPush((push) => {
    if (push.push !== 'log' || push.taskId !== taskId()) return;
    const pieces = push.pieces.filter((piece) => piece.token === token());
    const [first] = pieces;
    if (!first || !isRead.value) return;
    if (first.piece > lines.value.lastPiece() + 1) {
      void readOn();
      return;
    }
    lines.value.take(pieces);
    version.value += 1;
  });
  let stopWatch: (() => void) | undefined;
  watch(
    [taskId, isLive],
    () => {
      stopWatch?.();
      stopWatch = isLive() ? bridge.keepOn({ method: 'watchLog', taskId: taskId() }) : undefined;
      // The last words of an attempt arrive with its end.
      if (!isLive()) void readOn();
    },
    { immediate: true },
  );
  watch(
    () => session.isLive,
    () => void readOn(),
  );
  const timer = setInterval(() => {
    if (isLive() && !document.hidden) void readOn();
  }, catchUpMs);
  onScopeDispose(() => {
    stopPush();
    stopWatch?.();
    clearInterval(timer);
  });
  return stored;
}

/** The part of the output that is in storage, read page by page from the last piece on. */
function useStoredLog(token: () => Token | undefined) {
  const { t } = useI18n();
  const session = useSessionStore();
  const lines = shallowRef(createLogLines());
  /** Counts changes of `lines`, which is itself too long to be watched. */
  const version = ref(0);
  const failure = ref<string>();
  const isRead = ref(false);
  let isReading = false;

  async function readPages(of: Token, target: LogLines): Promise<void> {
    let isMore = true;
    while (isMore && target === lines.value) {
      const page = await bridge.call('readLog', { token: of, after: target.lastPiece(), limit: pageRowsMax });
      target.take(page.pieces);
      version.value += 1;
      isMore = page.pieces.length === pageRowsMax;
    }
  }
  async function readOn(): Promise<void> {
    const of = token();
    if (of === undefined || isReading || !session.isLive) return;
    isReading = true;
    const target = lines.value;
    try {
      await readPages(of, target);
      failure.value = undefined;
      if (target === lines.value) isRead.value = true;
    } catch (error) {
      failure.value = describeFailure(error, t);
    }
    isReading = false;
    // Another attempt was chosen in the meantime: its output is still to be read.
    if (target !== lines.value) void readOn();
  }
  watch(
    token,
    () => {
      lines.value = createLogLines();
      version.value += 1;
      isRead.value = false;
      void readOn();
    },
    { immediate: true },
  );
  return { lines, version, failure, isRead, readOn };
}
