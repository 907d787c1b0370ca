// Placement on nodes with GPUs against a plain scan: nothing that fits is turned away, nothing is sold twice, the devices
// are the ones asked for, and the same commands give the same choices.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Core } from '../../scheduler/core/cycle.ts';
import { filters } from '../../scheduler/core/place/filters.ts';
import { policies } from '../../scheduler/core/place/policy.ts';
import { classRefusal } from '../../scheduler/core/state/classTable.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import { nodeId, type NodeIndex } from '../../scheduler/protocol/brands.ts';
import type { Command, Event } from '../../scheduler/protocol/events.ts';
import { gpuDevicesMax } from '../../scheduler/protocol/limits.ts';
import { nodeSpec, startedCore, success, taskSpec } from '../unit/coreStage.ts';

const node = fc.record({
  cpu: fc.constantFrom(1_000, 4_000, 12_000, 96_000),
  memory: fc.constantFrom(1_000, 65_536),
  gpuDevices: fc.constantFrom(0, 1, 2, 2, 4, 8, 16),
  slots: fc.constantFrom(1, 3, 64),
  camera: fc.constantFrom(0, 0, 2),
  model: fc.constantFrom('T4', 'A10'),
});
const gpu = fc.constantFrom(
  undefined,
  { devices: 1, thousandths: 1 },
  { devices: 1, thousandths: 320 },
  { devices: 1, thousandths: 470 },
  { devices: 1, thousandths: 810 },
  { devices: 1 },
  { devices: 2 },
  { devices: 8 },
);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('submit' as const),
      cpu: fc.constantFrom(0, 100, 1_000, 3_152, 11_300),
      memory: fc.constantFrom(64, 900, 5_600),
      gpu,
      slots: fc.constantFrom(1, 1, 2),
      camera: fc.constantFrom(0, 0, 0, 1),
      selector: fc.constantFrom({}, {}, { model: ['T4'] }, { line: ['L1'] }, { node: ['N0', 'N2'] }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('end' as const), at: fc.nat(99) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constantFrom('cordon' as const, 'open' as const, 'leave' as const),
      at: fc.nat(99),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('join' as const), node }) },
);
type Step = ReturnType<typeof step.generate>['value'];
type PlannedNode = ReturnType<typeof node.generate>['value'];
type Placed = Extract<Event, { kind: 'attempt_placed' }>;

const plans = fc.record({
  plant: fc.array(node, { minLength: 1, maxLength: 12 }),
  steps: fc.array(step, { minLength: 1, maxLength: 60 }),
});

describe.each(Object.values(policies))('placement of GPU asks by $name', (policy) => {
  test('takes a node exactly where a scan finds one, and sells nothing twice', () => {
    fc.assert(
      fc.property(plans, ({ plant, steps }) => {
        const run = new Run(policy);
        for (const planned of plant) run.join(planned);
        for (const next of steps) run.take(next);
        expect(brokenInvariants(run.core.state)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test('the same commands give the same events', () => {
    fc.assert(
      fc.property(plans, ({ plant, steps }) => {
        const [first, second] = [new Run(policy), new Run(policy)];
        for (const run of [first, second]) {
          for (const planned of plant) run.join(planned);
          for (const next of steps) run.take(next);
        }
        expect(second.events).toEqual(first.events);
      }),
      { numRuns: 30 },
    );
  });
});

class Run {
  readonly core: Core;
  readonly events: Event[] = [];
  readonly #give: ReturnType<typeof startedCore>['give'];
  #joined = 0;

  constructor(policy: (typeof policies)[keyof typeof policies]) {
    const { core, give } = startedCore(policy);
    this.core = core;
    this.#give = give;
  }

  join({ camera, model, ...amounts }: PlannedNode): void {
    const at = this.#joined;
    this.#joined += 1;
    const spec = nodeSpec({
      place: { line: at % 2 === 0 ? 'L1' : 'L2' },
      resources: { ...amounts, custom: camera > 0 ? { camera } : {} },
      labels: { model },
    });
    this.#turn({ kind: 'JoinNode', nodeId: nodeId(`N${String(at)}`), spec, held: [] });
  }

  take(next: Step): void {
    if (next.what === 'submit') this.#submit(next);
    else if (next.what === 'join') this.join(next.node);
    else if (next.what === 'end') this.#end(next.at);
    else {
      const id = nodeId(`N${String(next.at % this.#joined)}`);
      if (next.what === 'leave') this.#turn({ kind: 'DisconnectNode', nodeId: id });
      else this.#turn({ kind: 'SetCordon', nodeId: id, isCordoned: next.what === 'cordon', actor: 'test' });
    }
  }

  #submit(step: Extract<Step, { what: 'submit' }>): void {
    const { cpu, memory, gpu, slots, camera, selector } = step;
    const ask = { cpu, memory, gpu, slots };
    const spec = taskSpec({ ask: { ...ask, custom: camera > 0 ? { camera } : {} }, selector });
    const fitting = fittingNodes(this.core, spec);
    const freeBefore = this.core.state.nodes.gpuFree.slice();
    const [placed] = this.#turn({ kind: 'SubmitTasks', specs: [spec], actor: 'test' });
    expect(placed !== undefined).toBe(fitting.length > 0);
    if (!placed) {
      const [taskId] = [...this.core.state.tasks.all()]
        .filter((t) => t.state === 'ready')
        .map((t) => t.taskId);
      if (taskId !== undefined) this.#turn({ kind: 'CancelTask', taskId, actor: 'test', reason: '' });
      return;
    }
    const row = this.core.state.nodes.indexOf(placed.nodeId);
    expect(fitting).toContain(row);
    const { devices, thousandths } = spec.ask.gpu ?? { devices: 0, thousandths: 0 };
    const given = Array.from({ length: gpuDevicesMax }, (_, d) => d).filter((d) => (placed.gpuMask >> d) & 1);
    expect(given).toHaveLength(devices);
    for (const device of given)
      expect(freeBefore[(row ?? 0) * gpuDevicesMax + device]).toBeGreaterThanOrEqual(thousandths);
  }

  /** Ends one of the attempts that run. */
  #end(at: number): void {
    const live = [...this.core.state.tasks.all()].filter((task) => task.live);
    const task = live[at % Math.max(1, live.length)];
    if (!task?.live) return;
    const results = [{ token: task.live.token, taskId: task.taskId, end: success }];
    this.#turn({ kind: 'ReportResults', nodeId: task.live.nodeId, results });
  }

  #turn(command: Command): Placed[] {
    const { events } = this.#give(command);
    this.events.push(...events);
    return events.filter((event) => event.kind === 'attempt_placed');
  }
}

/** The model: every node looked at, every rule asked. */
function fittingNodes(core: Core, spec: ReturnType<typeof taskSpec>): NodeIndex[] {
  const { classes, nodes: fleet } = core.state;
  const ask = classes.useAskClass(spec);
  if (!ask) throw new Error('no room for the ask');
  const fitting = [...fleet.occupied()].filter((row) => {
    const nodeClass = classes.nodeClasses[fleet.nodeClass[row] ?? -1];
    if (!nodeClass || classRefusal(nodeClass, ask) !== undefined) return false;
    return filters.every((filter) => !filter.refuses(row, ask, fleet));
  });
  classes.releaseAskClass(ask);
  return fitting;
}
