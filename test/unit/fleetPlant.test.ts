// The virtual plant as plain functions: its layout, its day, what its machines measure, what it asks for, its settings.
import { describe, expect, test } from 'vitest';
import { useOf } from '../../agent/fleet/machineUse.ts';
import { lineNames, machineAt, shapeOf } from '../../agent/fleet/plant.ts';
import { incidentsAt, loadAt } from '../../agent/fleet/plantDay.ts';
import { arrivalsPerS, nextTask, queuesOfMix } from '../../agent/fleet/taskMix.ts';
import { readFleetSettings } from '../../agent/fleet/fleetSettings.ts';
import { chance } from '../../agent/fleet/chance.ts';
import { Trouble } from '../../agent/fleet/trouble.ts';
import type { VirtualMachine } from '../../agent/fleet/virtualMachine.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import { taskSpecSchema } from '../../scheduler/protocol/task.ts';

const everyMachine = (nodes: number) => {
  const shape = shapeOf(nodes);
  return Array.from({ length: nodes }, (_, index) => machineAt(index, shape));
};

describe('layout', () => {
  test('50,000 nodes stand in 5 areas of 10 lines of 25 cells of 40', () => {
    expect(shapeOf(50_000)).toEqual({ nodes: 50_000, areas: 5, lines: 10, cells: 25 });
    expect(machineAt(49_999, shapeOf(50_000)).nodeId).toBe('POW-L10-C25-N40');
  });

  test.each([1, 3, 7, 100, 999, 1_000, 12_345])(
    '%i nodes: each has a name of its own, cells differ by one',
    (nodes) => {
      const machines = everyMachine(nodes);
      expect(new Set(machines.map(({ nodeId }) => nodeId)).size).toBe(nodes);
      const sizes = new Map<number, number>();
      for (const { cell } of machines) sizes.set(cell, (sizes.get(cell) ?? 0) + 1);
      expect(Math.max(...sizes.values()) - Math.min(...sizes.values())).toBeLessThanOrEqual(1);
      expect(new Set(machines.map(({ lineName }) => lineName))).toEqual(new Set(lineNames(shapeOf(nodes))));
    },
  );

  test('a machine knows its place and offers nothing but to pretend', () => {
    expect(machineAt(0, shapeOf(1_000))).toMatchObject({
      nodeId: 'STA-L01-C01-N01',
      class: 'edge',
      spec: {
        place: { area: 'Stamping', line: 'STA-L01', cell: 'STA-L01-C01' },
        kinds: ['simulated'],
        labels: { class: 'edge' },
        resources: { cpu: 16_000 },
      },
    });
    const classes = everyMachine(1_000).map((machine) => machine.class);
    expect(new Set(classes)).toEqual(new Set(['edge', 'vision', 'plc']));
    expect(classes.filter((kind) => kind === 'vision').length).toBe(200);
  });
});

describe('the day', () => {
  test('is busy in the morning shift, quiet at night, and has no steps', () => {
    expect(loadAt(9.5)).toBeGreaterThan(0.9);
    expect(loadAt(2)).toBeLessThan(0.55);
    for (let hour = 0; hour < 24; hour += 0.05)
      expect(Math.abs(loadAt(hour) - loadAt((hour + 0.05) % 24))).toBeLessThan(0.03);
  });

  test('has six incidents, the first within two minutes, the same for the same seed, others the next day', () => {
    const shape = shapeOf(1_000);
    const dayMs = 86_400_000;
    const inDay = (day: number, seed: number) => {
      const seen = new Map<number, string>();
      for (let ms = 0; ms < dayMs; ms += 30_000)
        for (const { startMs, kind, target } of incidentsAt(day * dayMs + ms, shape, seed))
          seen.set(startMs - day * dayMs, `${kind} ${target}`);
      return seen;
    };
    expect(inDay(0, 1).size).toBe(6);
    expect([...inDay(0, 1).keys()][0]).toBeLessThan(120_000);
    expect(inDay(0, 1)).toEqual(inDay(0, 1));
    expect(inDay(0, 1)).not.toEqual(inDay(1, 1));
    expect(inDay(0, 1)).not.toEqual(inDay(0, 2));
  });
});

describe('a machine', () => {
  const machine = machineAt(3, shapeOf(1_000));
  const calm = { load: 0.9, minutes: 12.3, isHot: false, isSlow: false, seed: 1 };
  const idle = { cpuMillicores: 0, memoryMiB: 0 };

  test('uses more when the plant is busy, when tasks run on it, and when its line is hot; never more than it has', () => {
    const base = useOf(machine, idle, calm).cpuMillicores;
    expect(useOf(machine, idle, { ...calm, load: 0.3 }).cpuMillicores).toBeLessThan(base);
    expect(useOf(machine, { cpuMillicores: 800, memoryMiB: 500 }, calm).cpuMillicores).toBeGreaterThan(
      base + 400,
    );
    expect(useOf(machine, idle, { ...calm, isHot: true }).cpuMillicores).toBeGreaterThan(base + 900);
    const full = useOf(machine, { cpuMillicores: 2_000, memoryMiB: 2_000 }, { ...calm, isHot: true });
    expect(full.cpuMillicores).toBeLessThanOrEqual(machine.spec.resources.cpu);
    expect(full.memoryMiB).toBeLessThanOrEqual(machine.spec.resources.memory);
  });

  test('fails as often as was asked for', () => {
    const settings = readFleetSettings(
      ['--nodes', '100', '--hub', 'http://h:1', '--token', 't', '--fail', 'task=1'],
      {},
    );
    if (!settings.ok || settings.value === 'help') throw new Error('settings');
    const trouble = new Trouble(settings.value);
    const first = machineAt(0, settings.value.shape);
    expect(trouble.course(first, { runMs: 10, exitCode: 0 })).toEqual({ runMs: 10, exitCode: 1 });
  });

  test('of a line without power is off while the incident lasts, and comes back after it', () => {
    const read = readFleetSettings(['--nodes', '1000', '--hub', 'http://h:1', '--token', 't'], {});
    if (!read.ok || read.value === 'help') throw new Error('settings');
    const { shape, seed } = read.value;
    const minutes = (count: number) => count * 60_000;
    const [incident] = incidentsAt(minutes(41), shape, seed);
    expect(incident?.kind).toBe('line without power');
    const power: string[] = [];
    const virtuals = Array.from({ length: 1_000 }, (_, index) => {
      const at = machineAt(index, shape);
      const say = (what: string) => () => power.push(`${what} ${at.line}`);
      return { machine: at, hasPower: true, powerOff: say('off'), powerOnIn: say('on') };
    }) as unknown as VirtualMachine[];
    const trouble = new Trouble(read.value);
    trouble.tick(minutes(39), virtuals);
    expect(power).toEqual([]);
    expect(trouble.tick(minutes(41), virtuals)).toHaveLength(1);
    expect(new Set(power)).toEqual(new Set([`off ${String(incident?.target)}`]));
    expect(power).toHaveLength(50);
    power.length = 0;
    trouble.tick(minutes(45), virtuals);
    expect(new Set(power)).toEqual(new Set([`on ${String(incident?.target)}`]));
  });
});

describe('the task mix', () => {
  test('is made of tasks that the contract takes, on the queues that are put first', () => {
    const queues = new Set(queuesOfMix.map(({ queue }) => queue));
    expect(queues).toEqual(new Set(['vision', 'plc-sync', 'firmware', 'quality', 'energy', 'backup']));
    let draws = 0;
    const seen = new Map<string, number>();
    for (let i = 0; i < 2_000; i += 1) {
      const spec = decode(
        taskSpecSchema,
        nextTask(['STA-L01', 'STA-L02'], () => chance(1, (draws += 1))),
        'task',
      );
      if (!spec.ok) throw new Error(spec.reason.message);
      expect(spec.value.work.kind).toBe('simulated');
      seen.set(spec.value.queue, (seen.get(spec.value.queue) ?? 0) + 1);
    }
    expect(new Set(seen.keys())).toEqual(queues);
    expect((seen.get('plc-sync') ?? 0) / 2_000).toBeCloseTo(0.36, 1);
  });

  test('arrives in proportion to nodes and load, up to what one host takes beside its work', () => {
    expect(arrivalsPerS(1_000, 0.5)).toBe(20);
    expect(arrivalsPerS(50_000, 1)).toBe(1_500);
  });
});

test.each([
  [['--nodes', '0'], '--nodes: 0: a whole number from 1 to 50000'],
  [['--hub', 'localhost'], '--hub: localhost; give an address'],
  [['--fail', 'luck=1'], '--fail: luck=1: the kinds are task, disconnect, power'],
  [['--fail', 'task=2'], '--fail task: 2: a number from 0 to 1'],
  [['--speed', '0'], '--speed: 0: a number from 0.1 to 1000'],
  [['--nods', '1'], "Unknown option '--nods'"],
])('%j is refused by name', (args, text) => {
  const good = ['--nodes', '10', '--hub', 'http://127.0.0.1:1', '--token', 't'];
  const read = readFleetSettings([...good, ...args], {});
  expect(read.ok ? '' : read.reason).toContain(text);
});

test('tokens may come from the environment, where other users cannot read them', () => {
  const read = readFleetSettings(['--nodes', '10', '--hub', 'http://127.0.0.1:1'], {
    MILLRACE_ENROL_TOKEN: 'e',
    MILLRACE_CONSOLE_TOKEN: 'c',
  });
  expect(read).toMatchObject({
    ok: true,
    value: { enrolCode: { token: 'e' }, consoleToken: 'c', count: 10 },
  });
});
