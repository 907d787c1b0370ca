// Texts of one row of the node table, by column.
import type { NodeRow } from '../../scheduler/protocol/node.ts';
import { formatAge } from '../format/duration.ts';
import { formatCores, formatMemory } from '../format/quantity.ts';
import type { Translate } from '../i18n/i18n.ts';
import { nodeStateWord } from './nodeWords.ts';

export function nodeCellTexts(node: NodeRow, nowMs: number, t: Translate): Readonly<Record<string, string>> {
  const used = (value: number | undefined, text: (value: number) => string) =>
    value === undefined ? '–' : text(value);
  // In the unit of the total, so that three numbers of one cell compare.
  const inUnit = (mebibytes: number) =>
    node.memoryTotal < 1_024 ? String(mebibytes) : String(Number((mebibytes / 1_024).toFixed(1)));
  const cpuTexts = `${formatCores(node.cpuAllocated)} · ${used(node.cpuUsed, formatCores)}`;
  const memoryTexts = `${inUnit(node.memoryAllocated)} · ${used(node.memoryUsed, inUnit)}`;
  return {
    node: node.nodeId,
    state: nodeStateWord(node, t),
    place: [node.area, node.line, node.cell].join(' / '),
    cpu: `${cpuTexts} / ${formatCores(node.cpuTotal)}`,
    memory: `${memoryTexts} / ${formatMemory(node.memoryTotal)}`,
    tasks: String(node.attempts),
    slots: `${node.slotsAllocated}/${node.slotsTotal}`,
    seen: formatAge(nowMs - node.lastSeenMs),
    version: node.agentVersion,
    platform: node.platform,
  };
}
