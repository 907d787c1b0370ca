// How many sockets this process may hold: a plant that needs more is split over child processes.
import { readFileSync } from 'node:fs';
import { nodesMax } from '../../scheduler/protocol/limits.ts';

/** Files that are no sockets of agents: the program, timers, the console connection. */
const reserve = 200;

export function socketsMax(): number {
  const soft = /^Max open files\s+(\d+)/m.exec(readLimits())?.[1];
  return soft === undefined ? nodesMax : Math.max(1, Math.min(nodesMax, Number(soft) - reserve));
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return ''; // not Linux: no such limit on Windows
  }
}
