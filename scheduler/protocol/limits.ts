// Every bound in the system, with its reason. A limit that is reached answers with a named refusal.

/** Raised with every incompatible change of `agentWire.ts`; hub and agent must agree. */
export const agentWireVersion = 6;
/** Raised with every incompatible change of `consoleWire.ts`. */
export const consoleWireVersion = 2;

// ---- tasks -------------------------------------------------------------------------------------------------------
/** The published design's bounded queue: what one cycle may look at. The rest waits in the backlog behind it. */
export const readyWindowMax = 10_000;
/** Tasks admitted and not ended: what a restart has back within 5 s (`npm run bench -- recovery`). */
export const liveTasksMax = 1_000_000;
/** The JSON of all live tasks together: keeps many huge payloads from filling memory. 800 B each of a full table. */
export const liveWorkBytesMax = 800 * 1024 * 1024;
/** One task's JSON. Larger input belongs in a file that the task reads. */
export const taskBytesMax = 64 * 1024;
/** Tasks in one submit call: 5,000 admissions fit a cycle's journal write without a pause that others notice. */
export const submitBatchMax = 5_000;
export const argvItemsMax = 256;
export const argvItemBytesMax = 16 * 1024;
export const envEntriesMax = 128;
/** Longest name of a queue, node, label, resource or task. Fits one line of a table. */
export const nameLengthMax = 128;
export const labelsMax = 32;
export const labelValueLengthMax = 256;
export const selectorValuesMax = 32;
export const keyLengthMax = 200;
/** Idempotency keys remembered after their task has ended, oldest dropped first. */
export const rememberedKeysMax = 200_000;
export const priorityMax = 9;
export const priorityDefault = 5;
/** Waiting this long counts as one step of priority, so that nothing starves: nine steps in three minutes. */
export const ageingStepMs = 20_000;
export const attemptsMax = 20;
export const attemptsDefault = 3;
/** Attempts that the platform lost (node gone, agent gone) and repeats without spending the task's own attempts. */
export const platformRetriesMax = 10;
/** A task whose attempts took so many different nodes or agents with them is set aside before it takes more. */
export const poisonNodesMax = 3;
/** So many other nodes that left within a minute are an outage: what was lost with them is no task's doing. */
export const outageNodesMin = 5;
/** Different tasks that others run and a node fails, before it is set aside: by chance that many are rare. */
export const blamedTasksMin = 5;
/** Of all nodes, in percent: where more fail, it is the tasks, the network or a store that they share. */
export const setAsidePercentMax = 10;
export const backoffDefaultMs = 1_000;
export const backoffCapDefaultMs = 300_000;
export const backoffCapMaxMs = 24 * 3_600_000;
export const timeoutDefaultMs = 3_600_000;
export const timeoutMaxMs = 30 * 24 * 3_600_000;
/** Between asking a process to end and killing it. */
export const graceDefaultMs = 5_000;
export const graceMaxMs = 600_000;
export const retryRulesMax = 16;
/** What an attempt may leave for the next one: names of files and counters, not the data themselves. */
export const checkpointBytesMax = 16 * 1024;
/** Elements of one array. They are held as two numbers until they run. */
export const arrayCountMax = 1_000_000;
/** Arrays that have not ended. */
export const arraysMax = 1_000;
/** Elements of one array that stand in line at a time: two cycles' worth. */
export const arrayReadyMax = 512;
/** Elements of one array that wait for another attempt: past it no new ones begin, or failures would fill the table. */
export const arrayBackoffMax = 50_000;
/** Tasks of cancelled arrays that end in one turn: their events are a batch of a few hundred KiB. */
export const cancelsPerTurnMax = 4_096;
export const gangSizeMax = 1_000;
export const gangPlaceWithinDefaultMs = 24 * 3_600_000;
/** Copies of stragglers at a time: a twentieth of a full plant's attempts would double them for nothing. */
export const copiesMax = 1_000;
export * from './scheduleLimits.ts';
export * from './edgeLimits.ts';
export * from './identityLimits.ts';
export * from './auditLimits.ts';
export * from './overloadLimits.ts';
export * from './rateLimits.ts';
export const tenantsMax = 1_000;

// ---- placement rules ---------------------------------------------------------------------------------------------
export const affinityLabelsMax = 4;
/** Label names by which placed attempts are counted: each is looked for in every task that is placed or ends. */
export const watchedLabelsMax = 64;
export const preferencesMax = 8;
export const preferenceWeightMax = 100;
export const spreadSkewMax = 1_000;
export const licencesMax = 256;
export const licencesPerTaskMax = 8;
export const licenceAmountMax = 1_000_000;
export const maintenanceWindowsMax = 1_000;
/** Names of nodes or places of one maintenance window. */
export const windowPlacesMax = 500;
export const windowNoteLengthMax = 500;
/** Tasks that have capacity kept for them at a time: each costs a look at the ends of what runs. */
export const reservationsMax = 16;
/** Kinds of tasks whose run times are remembered: about 250 B each in memory and in a snapshot. */
export const runKindsMax = 4_096;
/** Attempts stopped for others within a minute, over the plant: past it preemption waits. */
export const preemptionsPerMinuteMax = 600;
export const preemptionsPerTaskMax = 8; // then it is left to end

// ---- queue settings ----------------------------------------------------------------------------------------------
/** 50,000 nodes of the largest kind. */
export const quotaMax = 1e12;
export const queueRateMax = 1_000_000;

// ---- resources ---------------------------------------------------------------------------------------------------
/** 1,024 cores in one node: more than any machine sold today. */
export const cpuMillicoresMax = 1_024_000;
/** 16 TiB in one node. */
export const memoryMiBMax = 16 * 1024 * 1024;
/** GPU devices of one node: fixes the width of a column (16 x 2 B per node). */
export const gpuDevicesMax = 16;
export const gpuThousandthsPerDevice = 1_000;
export const slotsMax = 5_000;
export const slotsDefault = 64;
/** Named resources known to one plant: each is a column of 4 B per node. */
export const customResourcesMax = 16;
export const customAmountMax = 1_000_000_000;

// ---- fleet -------------------------------------------------------------------------------------------------------
/** Nodes of one workstation: the published 48,000 and a margin. */
export const nodesMax = 50_000;
/** Distinct sets of labels, taints and kinds among nodes. Compatibility is cached per pair of classes. */
export const nodeClassesMax = 4_096;
/** Distinct asks among live tasks. */
export const askClassesMax = 16_384;
export const taintsMax = 16;
export const kindsMax = 16;
export const queuesMax = 1_000;
export const weightMax = 1_000;

// ---- time --------------------------------------------------------------------------------------------------------
/** 50,000 nodes x one small frame each 10 s = 5,000 frames/s, what one core of the hub carries beside its work. */
export const heartbeatMs = 10_000;
/** A node silent for this long is lost: one heartbeat missed and some seconds for the network; known in <= 15 s. */
export const nodeLeaseMs = 14_000;
/** An attempt's lease outlives the node's, so that a short silence ends nothing: work is given elsewhere at <= 20 s. */
export const attemptLeaseMs = 19_000;
/** After a restart of the host, how long agents have to come back before their attempts count as lost. */
export const rejoinWindowMs = 30_000;

// ---- cycle -------------------------------------------------------------------------------------------------------
/** Placements of one cycle: the batch that one journal write carries. */
export const placementsPerCycleMax = 256;
/** Commands taken into one cycle. */
export const commandsPerCycleMax = 1_024;
/** Candidates looked at per placement; past 16, packing no longer improved when measured. */
export const candidatesMax = 32;
/** Kinds of ask (CPU, GPU devices, part of one) in the mix that placement looks ahead with. More do not count. */
export const askMixKindsMax = 1_024;
/** GPU shapes scored for one placement, by estimate 0.1 ms; more only where none of them takes the task. */
export const shapesPerPlacementMax = 512;
/** Scores kept between placements, over all asks: by estimate 24 B each. Past it the oldest asks are made again. */
export const keptScoresMax = 4_000_000;
/** Commands waiting for a cycle, over all callers. Beyond it callers are told to come back. */
export const pendingCommandsMax = 20_000;

// ---- transport ---------------------------------------------------------------------------------------------------
/** One Socket.IO message. A batch of dispatches is cut to stay below it. */
export const frameBytesMax = 256 * 1024;
/** File descriptors kept free for SQLite, logs and the windows when sockets are counted against the file limit. */
export const fileReserve = 500;
/** Dispatches that one node has not confirmed. A slow agent fills only its own outbox. */
export const outboxFramesMax = 1_024;
export const resultsPerMessageMax = 256;
/** Attempts of one node. A join that names this many stays below `frameBytesMax`. */
export const heldAttemptsMax = 5_000;
/** Bad messages of one connection before it is closed: a broken agent must not fill the log. */
export const badMessagesMax = 20;
export const consoleClientsMax = 64;
export const enrolmentsPerMinuteMax = 60_000;
/** Wrong tokens or keys from one address in a minute; then more are refused unread. A right key always passes. */
export const failedAuthsPerMinuteMax = 60;
/** Addresses whose failures are counted at a time; the oldest goes first. About 100 B each. */
export const failedAuthAddressesMax = 10_000;
/** Frames waiting for one console's socket. Beyond it pushed ones are skipped; at 16 times it the link is ended. */
export const consoleQueuedFramesMax = 64;

// ---- logs --------------------------------------------------------------------------------------------------------
/** Kept of one attempt's output (stdout and stderr each). What is cut is counted and said. */
export const logBytesPerStreamMax = 1024 * 1024;
export const logChunkBytesMax = 16 * 1024;
/** Sent and not yet stored, per attempt: the agent waits rather than fill the hub. */
export const logWindowBytes = 64 * 1024;

// ---- console -----------------------------------------------------------------------------------------------------
export const feedHz = 4;
export const pageRowsMax = 200;
export const whyNearMissesMax = 8;
export const whyHelpsMax = 3;
/** Placements whose choice is remembered for `why`: about 2 MiB, the last minute of a busy plant. */
export const choicesKept = 65_536;
/** Requests of one console without a reply. A program that submits 500 times a second fits, with a disk that stalls. */
export const requestsInFlightMax = 1_000;
/** Metrics one window watches at a time: each is a byte per node, 4 times a second. */
export const watchedMetricsMax = 3;
/** Tasks whose output one window follows at a time. */
export const watchedLogsMax = 16;
/** Alarms listed at a time; past it the oldest cleared one goes, or a new one of the lowest priority is not listed. */
export const alarmsMax = 500;
/** Points of a 60-minute trace, one per 10 s. */
export const tracePointsMax = 360;

// ---- storage -----------------------------------------------------------------------------------------------------
/** Journal bytes after which a snapshot is taken and older rows may go. */
export const snapshotEveryBytes = 64 * 1024 * 1024;
/** How far the flight recorder may lag before journal rows go without it: four snapshots' worth of disk. */
export const feedLagBytesMax = 4 * snapshotEveryBytes;
/** How long the flight recorder keeps what happened, where nobody set another time. */
export const recorderHoursDefault = 24;
export const recorderHoursLimit = 24 * 366;
/** Bytes of recorder.db, where nobody set another bound: about a day of a busy plant, compressed. */
export const recorderBytesDefault = 4 * 1024 * 1024 * 1024;
/** The least such bound: room for a snapshot of a full plant and the rows after it. */
export const recorderBytesLeast = 64 * 1024 * 1024;
/** Changes of one what-if: what a person can oversee. */
export const whatIfChangesMax = 100;
/** Tasks of which a what-if asks whether they could ever run: each question looks at every node. */
export const whatIfNeverMax = 1_000;
/** The longest span of one what-if: its load is held in memory. */
export const whatIfSpanMaxMs = 24 * 3_600_000;
/** Ended tasks kept in history before the oldest go, where nobody set another bound. */
export const historyTasksMax = 10_000_000;
/** The largest such bound: the design point of one workstation. */
export const historyTasksLimit = 100_000_000;
/** Output of attempts kept, where nobody set another bound: a tenth of a small disk. */
export const historyLogBytesMax = 8 * 1024 * 1024 * 1024;
/** The least that a bound on history.db may be: below it indexes alone would let tasks go at once. */
export const historyBytesLeast = 64 * 1024 * 1024;
/** Groups that a count by queue, node or day gives; what is beyond goes into one group, and that is said. */
export const groupsMax = 1_000;
/** Labels that a filter may name. */
export const filterLabelsMax = 4;
/** Longest path of a folder or file that people name. */
export const pathLengthMax = 4_096;
/** Backups and exports that run at a time: each reads as fast as one disk gives. */
export const jobsRunningMax = 2;
/** Tasks of one step of an act on all that match: a quarter of what one cycle takes, so that others get in between. */
export const bulkStepTasks = 256;
/** Requeues whose tasks can still be cancelled as one: 8 bytes a task. */
export const bulkSetsKept = 8;
/** Left free on a disk that a backup or an export goes to: it may be the journal's own, which must go on. */
export const diskReserveBytes = 256 * 1024 * 1024;
/** Ended jobs that are still listed. */
export const jobsListedMax = 50;
/** Free on the data folder's disk below which an alarm is raised: the next snapshot, and a day of a busy history. */
export const lowDiskBytes = 1024 * 1024 * 1024;
export const snapshotsKept = 2;
/** Batches that history has not stored yet. Beyond it the engine waits rather than fill memory. */
export const historyQueueMax = 10_000;
