// The jobs that this window started: followed on every screen until the operator puts them aside.
import { defineStore } from 'pinia';
import { onScopeDispose, ref } from 'vue';
import { describeFailure } from '../composables/describeFailure.ts';
import { i18n, type Translate } from '../i18n/i18n.ts';
import { bridge } from '../link/console.ts';
import type { StorageJob } from '../../scheduler/protocol/storage.ts';
import { useSessionStore } from './session.ts';

const everyMs = 1_000;
/** Followed at a time; the oldest one goes from view, not from the list in Settings. */
const followedMax = 3;

export const useJobsStore = defineStore('jobs', () => {
  const t: Translate = (key, named) => i18n.global.t(key, named ?? {});
  const session = useSessionStore();
  const followed = ref<readonly StorageJob[]>([]);
  let isAsking = false;

  function follow(job: StorageJob): void {
    followed.value = [...followed.value, job].slice(-followedMax);
  }
  function putAside(jobId: number): void {
    followed.value = followed.value.filter((job) => job.jobId !== jobId);
  }
  /** A host that was started again knows nothing of the jobs before, and they ended with it. */
  const lost = (job: StorageJob): StorageJob =>
    job.state === 'running' ? { ...job, state: 'failed', message: t('job.lost') } : job;

  async function look(): Promise<void> {
    isAsking = true;
    try {
      const { jobs } = await bridge.call('getStorage', {});
      followed.value = followed.value.map(
        (job) => jobs.find(({ jobId, startedAtMs }) => isSame(job, jobId, startedAtMs)) ?? lost(job),
      );
    } catch {
      // The next look tells; the link's state is shown elsewhere.
    } finally {
      isAsking = false;
    }
  }
  async function cancel(jobId: number): Promise<void> {
    try {
      await bridge.call('cancelJob', { jobId });
      await look();
    } catch (error) {
      session.say(describeFailure(error, t));
    }
  }
  /** Cancels what a requeue put back; the new job takes its place in view. */
  async function takeBack(jobId: number): Promise<void> {
    try {
      const job = await bridge.call('startBulk', { act: 'cancel', ofJob: jobId });
      putAside(jobId);
      follow(job);
    } catch (error) {
      session.say(describeFailure(error, t));
    }
  }
  const timer = setInterval(() => {
    const isRunning = followed.value.some((job) => job.state === 'running');
    if (isRunning && !isAsking && session.isLive && !document.hidden) void look();
  }, everyMs);
  onScopeDispose(() => {
    clearInterval(timer);
  });
  return { followed, follow, putAside, cancel, takeBack };
});

/** Numbers begin anew with each host. */
const isSame = (job: StorageJob, jobId: number, startedAtMs: number): boolean =>
  job.jobId === jobId && job.startedAtMs === startedAtMs;
