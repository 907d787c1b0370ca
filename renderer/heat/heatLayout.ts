// Where each node lies on the heat map: blocks area > line > cell in index order, one texel per node, as large a whole
// number of pixels as fits. Pure sums over the plant's shape.
import { childrenOf, type Group, type PlantShape } from '../fleet/plantShape.ts';

/** Device pixels of a line's name above it. */
export const nameHeight = 13;
/** In texels. */
const gap = { cell: 1, line: 2, area: 3 } as const;
const stretchMax = { line: 4, area: 10 } as const;
/** Device pixels: a plant of three nodes is no chessboard. */
const texelMax = 48;

export interface Block {
  readonly group: Group;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface HeatLayout {
  readonly shape: PlantShape;
  /** Size in texels. */
  readonly columns: number;
  readonly rows: number;
  /** Device pixels of one texel at fit. */
  readonly texel: number;
  /** Nodes that share a texel: 1, or more where there are more nodes than pixels. */
  readonly pool: number;
  /** Node at a texel, the first of those that share it; -1 for a gap. */
  readonly nodeAt: Int32Array;
  /** Texel of a node: its place in `nodeAt`. */
  readonly texelOf: Uint32Array;
  readonly areas: readonly Block[];
  readonly lines: readonly Block[];
}

/** How many texels wide a cell is, how many cells a line has beside each other, how many lines an area. */
interface Packing {
  readonly cellColumns: number;
  readonly cellsAcross: number;
  readonly linesAcross: number;
  readonly pool: number;
}
interface AreaSize {
  readonly area: Group;
  readonly lines: readonly Group[];
  /** Cells of each line. */
  readonly cells: readonly (readonly Group[])[];
  readonly cellMax: number;
}
interface Size {
  readonly width: number;
  readonly height: number;
}

const times = (count: number, size: number, between: number): number =>
  count * size + Math.max(0, count - 1) * between;
const cellRows = ({ cellMax }: AreaSize, { cellColumns, pool }: Packing): number =>
  Math.ceil(Math.ceil(cellMax / pool) / cellColumns);
const lineWidth = ({ cellColumns, cellsAcross }: Packing): number =>
  times(cellsAcross, cellColumns, gap.cell);

/** 1, 2, ... 12, then ever larger steps up to `max`, and what splits `max` evenly. */
function candidates(max: number): readonly number[] {
  const steps = new Set<number>([1, max]);
  for (let value = 1; value < max; value = Math.ceil(value * 1.15)) steps.add(value);
  for (let parts = 2; parts <= 8; parts += 1) steps.add(Math.ceil(max / parts));
  return [...steps].sort((a, b) => a - b);
}

function rowHeights(size: AreaSize, packing: Packing): readonly number[] {
  const cellHeight = cellRows(size, packing);
  const heights: number[] = [];
  for (let at = 0; at < size.cells.length; at += packing.linesAcross) {
    const across = size.cells.slice(at, at + packing.linesAcross);
    const deepest = Math.max(...across.map((cells) => Math.ceil(cells.length / packing.cellsAcross)));
    heights.push(times(deepest, cellHeight, gap.cell));
  }
  return heights;
}

function sizeOf(sizes: readonly AreaSize[], packing: Packing): Size {
  const heights = sizes.map((size) => {
    const rows = rowHeights(size, packing);
    return rows.reduce((sum, height) => sum + height, 0) + (rows.length - 1) * gap.line;
  });
  return {
    width: times(packing.linesAcross, lineWidth(packing), gap.line),
    height: heights.reduce((sum, height) => sum + height, 0) + Math.max(0, heights.length - 1) * gap.area,
  };
}

/** Cells that are nearly square read best: this many times as wide as high. */
const cellAspect = 1.6;

/** 0 to 1: how free of ragged ends cells and lines are, and how near their shape is to a good one. */
function shapeliness(cellMax: number, cellsMax: number, { cellColumns, cellsAcross }: Packing): number {
  const down = Math.ceil(cellMax / cellColumns);
  const evenness =
    (cellMax / (cellColumns * down)) * (cellsMax / (cellsAcross * Math.ceil(cellsMax / cellsAcross)));
  const aspect = 1 / (1 + Math.abs(Math.log(cellColumns / down / cellAspect)));
  return evenness * 0.6 + aspect * 0.4;
}

/** Largest texel first, then even blocks, areas in few rows, and ground that is used. */
function bestPacking(sizes: readonly AreaSize[], ground: Size, pool: number): Packing & { texel: number } {
  const cellMax = Math.ceil(Math.max(1, ...sizes.map((size) => size.cellMax)) / pool);
  const cellsMax = Math.max(1, ...sizes.flatMap((size) => size.cells.map((cells) => cells.length)));
  const linesMax = Math.max(1, ...sizes.map((size) => size.lines.length));
  let best = { cellColumns: 1, cellsAcross: 1, linesAcross: 1, pool, texel: 0, score: -Infinity };
  const across = candidates(cellsMax);
  const blocks = candidates(cellMax).flatMap((cellColumns) =>
    across.map((cellsAcross) => ({ cellColumns, cellsAcross })),
  );
  for (const linesAcross of candidates(linesMax))
    for (const block of blocks) {
      const packing = { ...block, linesAcross, pool };
      if (times(linesAcross, lineWidth(packing), gap.line) > ground.width) continue;
      const { width, height } = sizeOf(sizes, packing);
      const texel = Math.min(Math.floor(Math.min(ground.width / width, ground.height / height)), texelMax);
      const fill = (width * height * texel ** 2) / (ground.width * ground.height);
      const score =
        // By its logarithm: one pixel more means much to a small texel and little to a large one.
        Math.log2(Math.max(texel, 0.01)) * 150 +
        shapeliness(cellMax, cellsMax, packing) * 80 +
        (linesAcross / linesMax) * 20 +
        Math.min(1, fill) * 20;
      if (score > best.score) best = { ...packing, texel, score };
    }
  return best;
}

export function layOut(shape: PlantShape, ground: Size): HeatLayout {
  const sizes = shape.areas.map((area) => {
    const lines = childrenOf(shape, area);
    const cells = lines.map((line) => childrenOf(shape, line));
    return { area, lines, cells, cellMax: Math.max(1, ...cells.flat().map((cell) => cell.count)) };
  });
  let packing = bestPacking(sizes, ground, 1);
  while (packing.texel < 1 && packing.pool < shape.count)
    packing = bestPacking(sizes, ground, packing.pool * 2);
  return place(shape, sizes, { ...packing, texel: Math.max(1, packing.texel) }, ground);
}

/** What is left of the ground goes between lines and areas. */
function stretch(sizes: readonly AreaSize[], packing: Packing & { texel: number }, ground: Size) {
  const { width, height } = sizeOf(sizes, packing);
  const spare = (size: number, used: number, parts: number, max: number) =>
    parts < 1 ? 0 : Math.max(0, Math.min(max, Math.floor((Math.floor(size / packing.texel) - used) / parts)));
  const areaGap = (room: number) => gap.area + spare(room, height, sizes.length - 1, stretchMax.area);
  // Where the gaps have room for the names of lines, the first area gets some too.
  const names = Math.ceil(nameHeight / packing.texel);
  const named = areaGap(ground.height - names * packing.texel);
  const used = height + (named - gap.area) * (sizes.length - 1) + names;
  const hasNames = named >= names && used * packing.texel <= ground.height;
  return {
    line: gap.line + spare(ground.width, width, packing.linesAcross - 1, stretchMax.line),
    area: hasNames ? named : areaGap(ground.height),
    top: hasNames ? names : 0,
  };
}

function place(
  shape: PlantShape,
  sizes: readonly AreaSize[],
  packing: Packing & { texel: number },
  ground: Size,
): HeatLayout {
  const between = stretch(sizes, packing, ground);
  const areas: Block[] = [];
  const lines: Block[] = [];
  const width = lineWidth(packing);
  const columns = times(packing.linesAcross, width, between.line);
  let y = between.top;
  for (const size of sizes) {
    const top = y;
    for (const [row, height] of rowHeights(size, packing).entries()) {
      if (row > 0) y += gap.line;
      const from = row * packing.linesAcross;
      for (const [at, group] of size.lines.slice(from, from + packing.linesAcross).entries())
        lines.push({ group, x: at * (width + between.line), y, width, height });
      y += height;
    }
    areas.push({ group: size.area, x: 0, y: top, width: columns, height: y - top });
    y += between.area;
  }
  const rows = Math.max(1, y - between.area);
  const nodeAt = new Int32Array(columns * rows).fill(-1);
  const texelOf = new Uint32Array(shape.count);
  for (const block of lines) {
    const size = sizes.find(({ area }) => area.at === shape.areaOf[block.group.first]);
    if (!size) continue;
    const cellHeight = cellRows(size, packing);
    for (const [at, cell] of childrenOf(shape, block.group).entries()) {
      const x = block.x + (at % packing.cellsAcross) * (packing.cellColumns + gap.cell);
      const down = block.y + Math.floor(at / packing.cellsAcross) * (cellHeight + gap.cell);
      fillCell(cell, { x, y: down, columns, packing }, nodeAt, texelOf);
    }
  }
  const { texel, pool } = packing;
  return { shape, columns, rows, texel, pool, nodeAt, texelOf, areas, lines };
}

interface Seat {
  readonly x: number;
  readonly y: number;
  readonly columns: number;
  readonly packing: Packing;
}
function fillCell(cell: Group, seat: Seat, nodeAt: Int32Array, texelOf: Uint32Array): void {
  const { cellColumns, pool } = seat.packing;
  for (let at = 0; at < cell.count; at += 1) {
    const slot = Math.floor(at / pool);
    const texel = (seat.y + Math.floor(slot / cellColumns)) * seat.columns + seat.x + (slot % cellColumns);
    texelOf[cell.first + at] = texel;
    if (at % pool === 0) nodeAt[texel] = cell.first + at;
  }
}
