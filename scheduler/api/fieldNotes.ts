// Words for fields that a program's author cannot guess from name and type. Put into the OpenAPI document.

/** Schema -> field -> what it is. */
export const fieldNotes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  TaskSpec: {
    name: 'For people; need not be unique.',
    priority: '9 goes first.',
    work: 'What an attempt does. `command` runs a program; `simulated` is for virtual nodes, which only wait.',
    ask: 'What one node must have free: `cpu` in millicores, `memory` in MiB.',
    selector:
      'Label -> allowed values; every named label must match. area, line, cell and node are always known.',
    tolerations: 'Names of taints that this task may ignore.',
    timeoutMs: 'Longest run of one attempt, in milliseconds.',
    graceMs: 'Between asking the process to end and killing it, in milliseconds.',
    retry: '`attemptsMax` counts the first attempt; the wait doubles from `backoffMs` up to `backoffCapMs`.',
    delivery: '`at_most_once`: never retried by itself once it may have started.',
    key: 'Idempotency key: the same key again answers with the first task.',
  },
  TaskRow: {
    taskId: 'Whole number. The console writes it `T-` and base 36; paths take both.',
    waiting: 'What it waits for, where it waits.',
    attempt: 'Number of its newest attempt; 0 where there was none.',
    submittedAtMs: 'Milliseconds since 1970 (UTC).',
    exitCode: 'Of its newest attempt.',
    reason: 'Why it is in the dead letter list, or who cancelled it.',
    deadlineMs: 'When it should have ended. It is late where `endedAtMs`, or the time now, is after it.',
  },
  TaskList: {
    nextBefore: 'Give it as `before` to get the next page. Absent: this was the last one.',
    total: 'All tasks that match, on all pages.',
    looked:
      'The page stopped at its bound and not because it was full: so many tasks were looked at. ' +
      'Go on with `nextBefore`.',
  },
  TaskGroups: {
    groups: 'Largest first; hours and days (of the submission, UTC) oldest first.',
    beyond: 'Tasks in groups that are not listed.',
    isEstimate: 'True: too many match to be counted one by one.',
  },
  StorageState: {
    freeBytes: 'Free on the disk of the data folder.',
    jobs: 'Backups, exports, and acts on many tasks since the host started, newest first.',
  },
  StorageJob: {
    done: 'Pages of a backup, rows of an export, tasks of an act on many.',
    total: '0: not known yet.',
    path: 'Folder or file on the machine of the host. Absent once it was taken away again.',
    bulk: 'What came of an act on many tasks so far: `changed`, and those left as they are, by reason.',
    message: 'Why it failed.',
  },
  BulkPreview: {
    isEstimate: 'True: too many match to be counted one by one.',
    unbegun: 'Elements of arrays that have not begun, which a cancel ends with their array.',
  },
  Retention: {
    tasksMax: 'Ended tasks that are kept. Whichever bound is reached first lets the oldest go.',
    daysMax: 'Days since a task ended. Absent: age alone lets nothing go.',
    historyBytesMax: 'Bytes of tasks and output. Absent: no such bound.',
    logBytesMax: 'Bytes of output of attempts.',
  },
  BackupPlan: {
    folder: 'Absolute path on the machine of the host. Absent: no backup is made by itself.',
    keep: 'Backups kept in the folder; older ones go once a newer one is complete.',
  },
  AttemptRecord: { token: 'Grows with every placement. Names the attempt in log pieces.' },
  LogPiece: {
    piece: 'Order of arrival within the attempt, over both streams, from 1.',
    offset: 'Bytes of the stream before this piece.',
    droppedBytes: 'Bytes after this piece that were not kept, because the stream reached its bound.',
  },
  LogPage: { isComplete: 'True: the attempt has ended and nothing follows.' },
  WhyAnswer: {
    verdict:
      '`never`: no node that ever joined could run it, even an empty one. `later`: one could, not now.',
    causes:
      'All that holds it back. Those beside each other all have to go; below one is what it is made of.',
    helps: 'What would let it start: with only that lifted, so many nodes take it now.',
    expected:
      'When it should start, and between which times it is as likely as not to. Absent: cannot be told.',
    there: 'For a placed task: by which policy, among how many nodes and against which it was chosen.',
    ahead: 'Tasks of its lane that go first.',
  },
  NodeRow: {
    heldUntilMs: 'Not connected: its tasks with offline limits go elsewhere only after this.',
    cpuAllocated: 'Millicores reserved by tasks.',
    cpuUsed: 'Millicores really used, as the agent measured.',
    memoryTotal: 'MiB.',
  },
  QueueRow: {
    weight: 'Share of the plant against other queues.',
    active: 'Placed or running.',
    share: 'The largest of its shares of the CPU, memory and GPUs of the plant, 0 to 1.',
    gate: 'Why it starts nothing now, where that lies with the queue itself.',
  },
  QueueChange: {
    runningMax: 'Attempts at a time.',
    depthMax: 'Live tasks; past it a submit is refused queue_full.',
    guaranteed: 'Goes first while it is below this: CPU in millicores, memory in MiB, GPU in thousandths.',
    burst: 'Never more than this at a time, whatever is free.',
    ratePerS: 'Placements per second, as a mean over some seconds.',
  },
  ScheduleSpec: {
    cron: 'Five fields, or six with seconds first; names, ranges, lists, steps, L, W and # as in cron. Or `everyMs`.',
    everyMs: 'Each so many milliseconds, counted from `startMs`, or from 1970.',
    timeZone: 'Of `cron` and of the dates of `calendar`.',
    task: 'As in a submit, without `key`.',
    misfire: 'Due times that were missed: none run, the newest runs, or the newest `misfireMax`.',
    overlap: 'While the last task runs: another beside it, none, or another instead of it.',
    isPaused: 'Due times of a pause are not made up for.',
  },
  ScheduleStanding: {
    lastDueMs: 'Due times up to this one are decided.',
    nextDueMs: 'Absent: paused, or none is to come.',
    skipped: 'Due times that brought no task; after a long absence: at least so many.',
  },
  Problem: {
    code: 'Stable, for programs.',
    detail: 'For people: names the thing, the limit and the next step.',
    field: 'Way to the field at fault, for example `ask.cpu` or `specs.2.work`.',
    retryAfterMs: 'When the same call may succeed.',
  },
};
