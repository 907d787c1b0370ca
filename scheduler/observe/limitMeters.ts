// Every bound of something that grows: how much of it is used, and an alarm before it is reached.
import type { Alarms } from './alarms.ts';
import { Hysteresis } from './hysteresis.ts';

export interface LimitMeter {
  /** Of our own code, in snake_case: the alarm's source and the metric's label. */
  readonly name: string;
  readonly limit: () => number;
  readonly used: () => number;
  /** True: full is its normal state, and what does not fit waits elsewhere, where it is metered. */
  readonly isFullByDesign?: boolean;
}
export interface LimitReading {
  readonly name: string;
  readonly limit: number;
  readonly used: number;
}

const nearShare = 0.9;
const farShare = 0.8;
const lasting = { raiseAfterMs: 3_000, clearAfterMs: 30_000 };

export class LimitMeters {
  readonly #alarms: Pick<Alarms, 'raise' | 'clear'>;
  readonly #meters = new Map<string, { readonly meter: LimitMeter; readonly state: Hysteresis }>();
  readonly #raised = new Set<string>();

  constructor(alarms: Pick<Alarms, 'raise' | 'clear'>) {
    this.#alarms = alarms;
  }

  add(...meters: readonly LimitMeter[]): void {
    for (const meter of meters) {
      if (this.#meters.has(meter.name)) throw new Error(`limit ${meter.name} is metered already`);
      this.#meters.set(meter.name, { meter, state: new Hysteresis(lasting) });
    }
  }

  read(): readonly LimitReading[] {
    return [...this.#meters.values()].map(({ meter: { name, limit, used } }) => ({
      name,
      limit: limit(),
      used: used(),
    }));
  }

  /** To be called about once a second. */
  check(nowMs: number): void {
    for (const { meter, state } of this.#meters.values())
      if (meter.isFullByDesign !== true) this.#checkOne(meter, state, nowMs);
  }

  #checkOne({ name, limit, used }: LimitMeter, state: Hysteresis, nowMs: number): void {
    const params = { used: Math.round(used()), limit: limit() };
    const part = params.limit > 0 ? params.used / params.limit : 0;
    const isRaised = state.update(nowMs, part >= nearShare ? 'bad' : part < farShare ? 'good' : 'between');
    if (isRaised) {
      this.#raised.add(name);
      const percent = Math.round(part * 100);
      this.#alarms.raise({ code: 'LIMIT_NEAR', source: name, params: { ...params, percent } });
    } else if (this.#raised.delete(name)) this.#alarms.clear('LIMIT_NEAR', name);
  }
}
