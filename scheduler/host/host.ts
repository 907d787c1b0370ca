// The composition root: the one place that builds every part of the scheduler and wires it to the others.
import type { AuditTrail } from '../audit/trail.ts';
import type { Engine } from '../engine/engine.ts';
import { Alarms } from '../observe/alarms.ts';
import { ms, type Ms } from '../protocol/brands.ts';
import { accepted, type Outcome, type Refusal, refused } from '../protocol/outcome.ts';
import type { HostConfig } from './config.ts';
import { EdgeLosses } from './edgeLosses.ts';
import type { HostEvents } from './hostEvents.ts';
import type { HostFiles, HostParts } from './hostParts.ts';
import type { LateParts } from './lateParts.ts';
import { listen } from './listen.ts';
import { Observation } from './observation.ts';
import { onceOnly } from './onceOnly.ts';
import { openRecorded } from './openAccounts.ts';
import { openStores } from './openStores.ts';
import { OverloadWatch } from './overloadWatch.ts';
import { openRecoveringDoor } from './recoveringDoor.ts';
import { replayInto } from './recovery.ts';
import { type Host, servingHost } from './servingHost.ts';
import { tellStanding } from './standingAlarms.ts';
import { startEngine } from './startEngine.ts';
import { startRecorder } from './startRecorder.ts';
import { steadyClock } from './steadyClock.ts';
import { Storage } from './storage.ts';
import { freeBytesOf } from './storageFolder.ts';
import { openTls } from './tls/openTls.ts';

/**
 * Opens the stores in a data folder that exists, recovers, listens. Refuses with what is wrong and what to do; nothing
 * stays open then.
 */
export async function openHost(
  config: HostConfig,
  files: HostFiles,
  events: HostEvents,
): Promise<Outcome<Host, Refusal>> {
  const opened: { close: () => Promise<void> }[] = [];
  const giveUp = async (reason: Refusal): Promise<Outcome<Host, Refusal>> => {
    for (const part of opened.reverse()) await part.close();
    return refused(reason);
  };
  const secured = await openTls(config, events.log);
  if (!secured.ok) return secured;
  const tls = secured.value;
  const door = await openRecoveringDoor({ ...config, pages: files.pages, tls });
  if (door.ok) opened.push(door.value);
  const told: HostEvents = {
    ...events,
    onFailure: onceOnly(events.onFailure),
    onRecovering: (progress) => {
      if (door.ok) door.value.progressed(progress);
      events.onRecovering(progress);
    },
  };
  const stores = await openStores({ config, files, events: told, opened: (store) => opened.push(store) });
  if (!stores.ok) return giveUp(stores.reason);
  // After the stores: two hosts in one folder are told so, and not that one has the other's port.
  if (!door.ok) return giveUp(door.reason);
  const { recovered, feed, ...parts } = stores.value;
  const core = await replayInto(recovered, parts.history, { ...told, timing: config.timing });
  if (!core.ok) return giveUp(core.reason);
  await door.value.close();
  // From here on, so that it does not hold up the recovery.
  const recorder = startRecorder({ config, files, events: told, settings: parts.settings, feed });
  opened.push(recorder);
  const observation = await Observation.open(config, files, events.logControl);
  opened.push(observation);
  const running = await run({
    ...parts,
    recorder,
    tls,
    observation,
    config: { ...config, port: door.value.port },
    files,
    events: told,
    core: core.value,
  });
  return running.ok ? running : giveUp(running.reason);
}

/** All but those that need the clock. */
type OpenedParts = Omit<HostParts, 'accounts' | 'audit'> & { readonly observation: Observation };

async function run(opened: OpenedParts): Promise<Outcome<Host, Refusal>> {
  const { events, history, journal, core, observation } = opened;
  const preciseMs = steadyClock(core.state.lastBatchAtMs);
  const clock = (): Ms => ms(Math.floor(preciseMs()));
  const startedAtMs = clock();
  const alarms = new Alarms(clock);
  const late: LateParts = {};
  const recorded = await openRecorded(opened, { alarms, clock });
  if (!recorded.ok) return recorded;
  const { trail, accounts } = recorded.value;
  const parts: HostParts = { ...opened, accounts, audit: trail.record };
  const storage = new Storage({ host: parts, alarms, clock, freeBytesOf, trail });
  const engine = startEngine(parts, { preciseMs, alarms, observation, storage, late });
  const liveTasks = core.state.tasks.size;
  const started = await engine.execute({ kind: 'StartEpoch', seed: Math.floor(Math.random() * 2 ** 32) });
  if (!started.ok) return closing(trail, started);
  tellStanding(parts, alarms, liveTasks);
  const watch = new OverloadWatch({ engine, history, journal, alarms, clock, log: events.log, late });
  const losses = new EdgeLosses({ engine, alarms, clock, timing: parts.config.timing });
  const { logGate } = watch;
  const hub = await listen(parts, { engine, clock, late, losses, logGate, observation });
  if (!hub.ok) {
    watch.close();
    return closing(trail, hub, engine);
  }
  const served = { engine, hub: hub.value, alarms, clock, startedAtMs, storage, trail, observation };
  return accepted(servingHost(parts, { ...served, late, watch, losses, liveTasks }));
}

async function closing<End>(trail: AuditTrail, end: End, engine?: Engine): Promise<End> {
  await engine?.stop();
  await trail.close();
  return end;
}
