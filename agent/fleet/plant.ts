// The layout of the virtual plant: areas, lines, cells, and which machine stands where. Same numbers, same plant.
import { nodeId, type NodeId } from '../../scheduler/protocol/brands.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import { type NodeSpec, nodeSpecSchema } from '../../scheduler/protocol/node.ts';

export interface PlantShape {
  readonly nodes: number;
  readonly areas: number;
  /** Lines of each area. */
  readonly lines: number;
  /** Cells of each line. */
  readonly cells: number;
}
export type MachineClass = 'plc' | 'vision' | 'edge';
export interface Machine {
  /** 0 to nodes - 1, area by area, line by line, cell by cell. */
  readonly index: number;
  readonly nodeId: NodeId;
  readonly class: MachineClass;
  /** Number of its line in the whole plant, and of its cell. */
  readonly line: number;
  readonly cell: number;
  readonly lineName: string;
  readonly spec: NodeSpec;
}

const knownAreas = [
  ['Stamping', 'STA'],
  ['Body', 'BOD'],
  ['Paint', 'PAI'],
  ['Assembly', 'ASS'],
  ['Powertrain', 'POW'],
] as const;
/** Capacity of each class, as such machines are sold. CPU in millicores, memory in MiB. */
const capacities = {
  plc: { cpu: 2_000, memory: 2_048, slots: 8, gpuDevices: 0 },
  vision: { cpu: 8_000, memory: 16_384, slots: 16, gpuDevices: 1 },
  edge: { cpu: 16_000, memory: 65_536, slots: 64, gpuDevices: 0 },
} as const;

/** 5 areas; lines and cells grow with the number of nodes, up to 10 lines of 25 cells of 40 nodes. */
export function shapeOf(nodes: number, asked: Partial<PlantShape> = {}): PlantShape {
  const areas = asked.areas ?? Math.min(knownAreas.length, nodes);
  const perArea = Math.ceil(nodes / areas);
  const lines = asked.lines ?? clamp(Math.round(Math.sqrt(perArea / 15)), 1, 10);
  const cells = asked.cells ?? clamp(Math.round(perArea / lines / 10), 1, 25);
  return { nodes, areas, lines, cells };
}

export function machineAt(index: number, shape: PlantShape): Machine {
  const cellsInAll = shape.areas * shape.lines * shape.cells;
  // Cells differ by one node at most.
  const cell = Math.floor((index * cellsInAll) / shape.nodes);
  const seat = index - Math.ceil((cell * shape.nodes) / cellsInAll);
  const line = Math.floor(cell / shape.cells);
  const { name, code } = areaAt(Math.floor(line / shape.lines));
  const lineName = `${code}-L${twoDigits((line % shape.lines) + 1)}`;
  const cellName = `${lineName}-C${twoDigits((cell % shape.cells) + 1)}`;
  const machineClass = classOf(seat);
  return {
    index,
    nodeId: nodeId(`${cellName}-N${twoDigits(seat + 1)}`),
    class: machineClass,
    line,
    cell,
    lineName,
    spec: specOf(machineClass, { area: name, line: lineName, cell: cellName }),
  };
}

/** Names of all lines of the plant, in order. */
export function lineNames(shape: PlantShape): string[] {
  return Array.from({ length: shape.areas * shape.lines }, (_, line) => {
    const { code } = areaAt(Math.floor(line / shape.lines));
    return `${code}-L${twoDigits((line % shape.lines) + 1)}`;
  });
}

/** Each cell: an edge server, a camera box for every four gateways. */
function classOf(seat: number): MachineClass {
  if (seat % 10 === 0) return 'edge';
  return seat % 5 === 2 ? 'vision' : 'plc';
}

function areaAt(area: number): { readonly name: string; readonly code: string } {
  const known = knownAreas[area];
  if (known) return { name: known[0], code: known[1] };
  const number = twoDigits(area + 1);
  return { name: `Area${number}`, code: `A${number}` };
}

/** Shared by all machines of a cell and class: thousands of agents live in one process. */
const specs = new Map<string, NodeSpec>();
function specOf(machineClass: MachineClass, place: NodeSpec['place']): NodeSpec {
  const key = `${machineClass} ${place.cell}`;
  const known = specs.get(key);
  if (known) return known;
  const input = {
    place,
    resources: capacities[machineClass],
    labels: { class: machineClass },
    kinds: ['simulated'],
    agentVersion: 'virtual',
    platform: `simulated ${machineClass}`,
  };
  const spec = decode(nodeSpecSchema, input, 'node');
  if (!spec.ok) throw new Error(spec.reason.message);
  specs.set(key, spec.value);
  return spec.value;
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');
const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
