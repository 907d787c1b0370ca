// The bpftrace program: one process for all five figures, printed and cleared every interval.
import { existsSync } from 'node:fs';

const events = '/sys/kernel/tracing/events';
/** Page faults are counted by every hundredth, since one probe per fault would cost more than the rest together. */
export const faultsPerSample = 100;
/** Threads whose waiting is told by name each interval: those that waited longest. */
const waitersMax = 20;
/** Shorter waits are in histogram and sum alone: a map write per thread for each costs more than it tells. */
const waitTellingUs = 100;

/** Tracepoints are mounted and this kernel has those of the scheduler. */
export const hasTracepoints = (): boolean => existsSync(`${events}/sched/sched_switch`);

/**
 * `block_io_start` and `block_io_done` (Linux 6.5) stand where /proc/diskstats counts, time in the queue included.
 * Older kernels have issue and complete, which leave that queue out.
 */
export function bpfProgram(intervalS: number): string {
  const hasStart = existsSync(`${events}/block/block_io_start`);
  const [begin, end] = hasStart
    ? ['block_io_start', 'block_io_done']
    : ['block_rq_issue', 'block_rq_complete'];
  return `
tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @since[args->pid] = nsecs; }
tracepoint:sched:sched_switch {
  // 256: stopped by another while it could run on.
  if (args->prev_pid != 0 && (args->prev_state == 0 || args->prev_state == 256)) { @since[args->prev_pid] = nsecs; }
  $began = @since[args->next_pid];
  if ($began != 0) {
    $us = (nsecs - $began) / 1000;
    @runQueue = hist($us); @runQueueUs = sum($us);
    if ($us >= ${String(waitTellingUs)}) { @waiters[args->next_pid] = sum($us); }
    delete(@since[args->next_pid]);
  }
}
tracepoint:block:${begin} { @io[args->dev, args->sector] = nsecs; }
tracepoint:block:${end} {
  $start = @io[args->dev, args->sector];
  if ($start != 0) {
    $took = (nsecs - $start) / 1000;
    @blockIo = hist($took); @blockIoUs = sum($took);
    delete(@io[args->dev, args->sector]);
  }
}
tracepoint:tcp:tcp_retransmit_skb { @retransmits = count(); }
software:page-faults:${String(faultsPerSample)} { @faults = count(); }
tracepoint:oom:mark_victim { @oomKills = count(); }
interval:s:${String(intervalS)} {
  print(@runQueue); print(@runQueueUs); print(@waiters, ${String(waitersMax)}); print(@blockIo); print(@blockIoUs);
  print(@retransmits); print(@faults); print(@oomKills); printf("end\\n");
  clear(@runQueue); clear(@runQueueUs); clear(@waiters); clear(@blockIo); clear(@blockIoUs);
  clear(@retransmits); clear(@faults); clear(@oomKills);
}
END { clear(@since); clear(@io); }
`;
}
