// Places in a storm of joins, and the room that follows how late loops run: under a simulated clock.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Admission, type Room } from '../../scheduler/hub/admission.ts';
import { JoinRoom, paceEveryMs } from '../../scheduler/hub/joinRoom.ts';
import { ms, nodeId } from '../../scheduler/protocol/brands.ts';
import {
  joinInFlightMs,
  joinsBurstMax,
  joinsInFlightMin,
  joinsPerSecondMax,
  placeWithinMs,
  returnsPerSecondMax,
} from '../../scheduler/protocol/limits.ts';

const named = (at: number) => nodeId(`n${String(at)}`);

/** `burst` joins at once, then a place each 100 ms. */
function stage(burst: number, { returning = 0, ...room }: Partial<Room> & { returning?: number } = {}) {
  const clock = { nowMs: 10_000 };
  const setting = { share: burst / joinsBurstMax, returning, clock: () => ms(clock.nowMs) };
  const admission = new Admission({ perSecond: 10, inFlightMax: 1_000, ...room }, setting);
  return { clock, admission, waits: (...all: number[]) => all.map((at) => admission.waitMs(named(at))) };
}

describe('admission', () => {
  test('lets a burst in, then gives each a place of its own', () => {
    const { clock, waits } = stage(5);
    expect(waits(0, 1, 2, 3, 4, 5, 6, 7)).toEqual([0, 0, 0, 0, 0, 100, 200, 300]);
    expect(waits(7)).toEqual([300]); // asking again changes no place
    clock.nowMs += 250;
    expect(waits(7)).toEqual([0]);
  });

  test('who finds no room has its place behind all that come back at theirs', () => {
    const { waits } = stage(1, { returning: 50 });
    expect(waits(0, 1, 2)).toEqual([0, 5_000, 5_100]);
  });

  test('a place that nobody came for is forgotten, and the burst is there again after a pause', () => {
    const { clock, admission, waits } = stage(1);
    waits(0, 1, 2, 3);
    clock.nowMs += 120_000;
    admission.measure();
    expect(admission.waiting).toBe(0);
    expect(waits(3, 4)).toEqual([0, 100]);
  });

  test('no more joins are under way than there is room; who comes for its place then gets another', () => {
    const { clock, admission, waits } = stage(5, { inFlightMax: 2 });
    expect(waits(0, 1, 2, 3)).toEqual([0, 0, 100, 200]);
    clock.nowMs += 100;
    expect(waits(2)).toEqual([200]);
    admission.ended(named(0));
    clock.nowMs += 200;
    expect(waits(2)).toEqual([0]);
    expect(admission.inFlight).toBe(2);
  });

  test('no wait is told that is longer than a full plant needs', () => {
    const { waits } = stage(1, { perSecond: 0.05 });
    expect(waits(0, 1, 2, 3, 4)).toEqual([0, 20_000, 40_000, 60_000, 60_000]);
    expect(placeWithinMs).toBe(60_000);
  });

  test('who has begun may ask again: at the upgrade, and with its handshake', () => {
    const { admission, waits } = stage(1, { inFlightMax: 1 });
    expect(waits(0, 0)).toEqual([0, 0]);
    expect(admission.inFlight).toBe(1);
    admission.ended(named(0));
    expect(admission.waitMs(named(0))).toBeGreaterThan(0);
  });

  test('a join that never ends holds up others for a while, not for ever', () => {
    const { clock, admission, waits } = stage(5, { inFlightMax: 1 });
    expect(waits(0, 1)).toEqual([0, 100]);
    clock.nowMs += joinInFlightMs;
    admission.measure();
    expect(waits(1)).toEqual([0]);
  });

  test('says how many begin in a second', () => {
    const { clock, admission } = stage(300);
    for (let at = 0; at < 40; at += 1) {
      for (const more of [0, 1, 2]) admission.waitMs(named(at * 3 + more));
      clock.nowMs += paceEveryMs;
      admission.measure();
    }
    expect(admission.perSecond).toBeCloseTo(12, 1);
  });
});

describe('the room', () => {
  test('is small while this loop or the host’s is late, and what the host said counts once', () => {
    const room = new JoinRoom(1);
    const wide = room.inFlightMax;
    expect(wide).toBeGreaterThan(joinsInFlightMin);
    room.measured(500);
    expect(room.inFlightMax).toBe(joinsInFlightMin);
    room.measured(0);
    expect(room.inFlightMax).toBe(wide);
    room.heardOfHost(500);
    room.measured(0);
    expect(room.inFlightMax).toBe(joinsInFlightMin);
    room.measured(0);
    expect(room.inFlightMax).toBe(wide);
  });

  test('of a part of the plant is a part', () => {
    expect(new JoinRoom(0.25).perSecond).toBe(returnsPerSecondMax / 4);
    expect(new JoinRoom(0.01).inFlightMax).toBe(2 * joinsInFlightMin);
  });
});

/** A loop that works one millisecond per millisecond: each join costs, and so does turning away. */
class Loop {
  readonly room = new JoinRoom(1);
  readonly admission: Admission;
  readonly #joins: { readonly at: number; leftMs: number }[] = [];
  nowMs = 0;
  worstMs = 0;
  joined = 0;
  asks = 0;
  #refusalsMs = 0;

  constructor() {
    this.admission = new Admission(this.room, { share: 1, returning: 0, clock: () => ms(this.nowMs) });
  }

  get lateMs(): number {
    return this.#joins.reduce((sum, { leftMs }) => sum + leftMs, this.#refusalsMs);
  }

  /** 0: it joins. */
  ask(at: number, costMs: number): number {
    this.asks += 1;
    const waitMs = this.admission.waitMs(named(at));
    if (waitMs === 0) this.#joins.push({ at, leftMs: costMs });
    else this.#refusalsMs += costMs / 20;
    return waitMs;
  }

  step(stepMs: number): void {
    this.nowMs += stepMs;
    let workMs = stepMs;
    const refusalsMs = Math.min(workMs, this.#refusalsMs);
    this.#refusalsMs -= refusalsMs;
    workMs -= refusalsMs;
    for (let first = this.#joins[0]; first && workMs > 0; first = this.#joins[0]) {
      const doneMs = Math.min(workMs, first.leftMs);
      first.leftMs -= doneMs;
      workMs -= doneMs;
      if (first.leftMs > 0) break;
      this.#joins.shift();
      this.joined += 1;
      this.admission.ended(named(first.at));
    }
    this.worstMs = Math.max(this.worstMs, this.lateMs);
    if (this.nowMs % paceEveryMs >= stepMs) return;
    this.room.measured(this.lateMs);
    this.admission.measure();
  }
}

/** All come within `spreadMs`; each comes back when it was told to. */
function storm(agents: number, costMs: number, spreadMs: number) {
  const loop = new Loop();
  const asks = new Map<number, number>();
  for (let at = 0; at < agents; at += 1) asks.set(at, (at * spreadMs) / agents);
  let lateInTheEnd = 0;
  const stepMs = 10;
  while (loop.joined < agents && loop.nowMs < 3_600_000) {
    for (const [at, dueMs] of asks) {
      if (dueMs > loop.nowMs) continue;
      const waitMs = loop.ask(at, costMs);
      if (waitMs === 0) asks.delete(at);
      else asks.set(at, loop.nowMs + waitMs);
    }
    loop.step(stepMs);
    if (loop.nowMs > 10_000) lateInTheEnd = Math.max(lateInTheEnd, loop.lateMs);
  }
  return { loop, lateInTheEnd };
}

test('whatever a join costs, all are in within a bound and the loop is never late for long', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 5_000 }),
      (agents, tenthsMs, spreadMs) => {
        const costMs = tenthsMs / 10;
        const { loop, lateInTheEnd } = storm(agents, costMs, spreadMs);
        expect(loop.joined).toBe(agents);
        // What the loop could do at best, halved; and the ceiling.
        const bestPerS = Math.min(1_000 / costMs, joinsPerSecondMax);
        expect(loop.nowMs).toBeLessThan(spreadMs + 6_000 + (agents * 2_500) / bestPerS);
        // Never more work inside than there is room, and what turning all away once costs.
        expect(loop.worstMs).toBeLessThan(new JoinRoom(1).inFlightMax * costMs + agents * costMs * 0.3 + 100);
        expect(lateInTheEnd).toBeLessThan(new JoinRoom(1).inFlightMax * costMs + 100);
        expect(loop.asks).toBeLessThan(agents * 12 + 10);
      },
    ),
    { numRuns: 100 },
  );
});
