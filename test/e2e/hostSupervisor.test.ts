// The supervisor on its own, with a host made of callbacks and a clock that tests move.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { HostListener, HostRun } from '../../electron/hostLaunch.ts';
import { HostSupervisor } from '../../electron/hostSupervisor.ts';
import type { HostState } from '../../scheduler/protocol/hostLink.ts';
import type { ToHost } from '../../scheduler/protocol/hostLink.ts';
import { refusal } from '../../scheduler/protocol/outcome.ts';

interface Life {
  readonly listener: HostListener;
  readonly sent: ToHost[];
  isKilled: boolean;
}

function supervise(canRestart = true) {
  const lives: Life[] = [];
  const states: HostState[] = [];
  const launch = (listener: HostListener): HostRun => {
    const life: Life = { listener, sent: [], isKilled: false };
    lives.push(life);
    return {
      send: (message) => life.sent.push(message),
      kill: () => {
        life.isKilled = true;
      },
    };
  };
  const host = new HostSupervisor(launch, {
    canRestart,
    onState: (state) => states.push(state),
    onOutput: () => undefined,
    onListening: () => undefined,
    onStartFleet: () => undefined,
    onStopFleet: () => undefined,
    onStartEdge: () => undefined,
    onKillEdge: () => undefined,
  });
  const newest = (): Life => {
    const life = lives.at(-1);
    if (!life) throw new Error('never started');
    return life;
  };
  const listen = (): void => {
    newest().listener.onMessage({ kind: 'listening', address: 'http://127.0.0.1:1', epoch: 4, liveTasks: 0 });
  };
  const crash = (): void => {
    newest().listener.onExit(1, 'exit code 1');
  };
  host.start();
  return { host, lives, states, newest, listen, crash };
}

describe('the supervisor of the host', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('restarts a crashed host after 0.5, 1, 2, 5, 10 and again 10 s, and tells why', () => {
    const { states, lives, crash } = supervise();
    const pauses = [500, 1_000, 2_000, 5_000, 10_000, 10_000].map((pauseMs, index) => {
      crash();
      expect(states.at(-1)).toEqual({
        state: 'restarting',
        restarts: index + 1,
        inMs: pauseMs,
        reason: 'exit code 1',
      });
      vi.advanceTimersByTime(pauseMs - 1);
      expect(lives).toHaveLength(index + 1);
      vi.advanceTimersByTime(1);
      expect(lives).toHaveLength(index + 2);
      return pauseMs;
    });
    expect(pauses).toHaveLength(6);
  });

  test('begins again at the shortest pause once a host was healthy for a minute', () => {
    const { states, listen, crash } = supervise();
    crash();
    vi.advanceTimersByTime(500);
    listen();
    vi.advanceTimersByTime(59_000);
    crash();
    expect(states.at(-1)).toMatchObject({ restarts: 2, inMs: 1_000 });
    vi.advanceTimersByTime(1_000);
    listen();
    vi.advanceTimersByTime(60_000);
    crash();
    expect(states.at(-1)).toMatchObject({ restarts: 1, inMs: 500 });
  });

  test('does not restart a host that cannot start: restarting would not help', () => {
    const { states, lives, newest } = supervise();
    const message = 'the data folder is in use by process 4711; stop it first';
    newest().listener.onMessage({ kind: 'failed', refusal: refusal('storage_failed', message) });
    newest().listener.onExit(2, 'exit code 2');
    vi.advanceTimersByTime(60_000);
    expect(lives).toHaveLength(1);
    expect(states.at(-1)).toEqual({ state: 'failed', reason: message });
  });

  test('does not restart a host inside main: what it left open would be in the way', () => {
    const { states, lives, crash } = supervise(false);
    crash();
    vi.advanceTimersByTime(60_000);
    expect(lives).toHaveLength(1);
    expect(states.at(-1)).toMatchObject({ state: 'failed' });
  });

  test('asks a host to stop, and kills it after 10 s', async () => {
    const { host, newest, listen, lives } = supervise();
    listen();
    const stopped = host.stop();
    expect(newest().sent).toEqual([{ kind: 'stop' }]);
    vi.advanceTimersByTime(9_999);
    expect(newest().isKilled).toBe(false);
    vi.advanceTimersByTime(1);
    expect(newest().isKilled).toBe(true);
    await stopped;
    newest().listener.onExit(9, 'killed by SIGKILL');
    vi.advanceTimersByTime(60_000);
    expect(lives).toHaveLength(1);
  });

  test('tells a recovery about five times a second, and each stage and its end at once', () => {
    const { states, newest, listen } = supervise();
    const told = (): unknown[] => states.filter(({ state }) => state === 'recovering');
    const tell = (stage: 'loading' | 'replaying', done: number): void => {
      newest().listener.onMessage({ kind: 'recovering', stage, done, total: 100 });
    };
    for (let done = 0; done < 100; done += 1) {
      tell('loading', done);
      vi.advanceTimersByTime(10);
    }
    expect(told()).toHaveLength(5);
    tell('loading', 100);
    tell('replaying', 0);
    expect(states.slice(-2)).toEqual([
      { state: 'recovering', stage: 'loading', done: 100, total: 100 },
      { state: 'recovering', stage: 'replaying', done: 0, total: 100 },
    ]);
    listen();
    expect(states.at(-1)).toEqual({ state: 'running', epoch: 4 });
  });

  test('is done at once when the host has stopped, and where none runs', async () => {
    const { host, newest, listen, lives } = supervise();
    listen();
    const stopped = host.stop();
    newest().listener.onExit(0, 'exit code 0');
    await stopped;
    const other = supervise();
    other.crash();
    await other.host.stop();
    vi.advanceTimersByTime(60_000);
    expect([lives.length, other.lives.length]).toEqual([1, 1]);
  });
});
