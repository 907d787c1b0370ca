// What the agent measures of its machine, against recorded /proc files and against the machine itself.
import { cpus, totalmem } from 'node:os';
import { expect, test } from 'vitest';
import { parseCpuLine, parseMemoryUsedMiB, ResourceProbe } from '../../agent/resourceProbe.ts';

test('busy time is all but idle and waiting for disks; guest time is not counted twice', () => {
  expect(parseCpuLine('cpu  100 20 30 800 50 5 5 10 70 0')).toEqual({ busy: 170, total: 1020 });
});

test('a line that is not the sum of all processors is not read', () => {
  expect(parseCpuLine('cpu0 1 2 3 4 5 6 7 8')).toBeUndefined();
  expect(parseCpuLine('')).toBeUndefined();
});

test('memory in use is what cannot be given back', () => {
  const text = 'MemTotal:       2048000 kB\nMemFree:          10000 kB\nMemAvailable:    1024000 kB\n';
  expect(parseMemoryUsedMiB(text)).toBe(1000);
  expect(parseMemoryUsedMiB('MemTotal: 5 kB\n')).toBeUndefined();
});

test('on this machine, a busy loop shows as CPU use and no figure leaves its range', () => {
  const probe = new ResourceProbe();
  const endMs = performance.now() + 150;
  while (performance.now() < endMs);
  const { cpuMillicores, memoryMiB } = probe.read();
  expect(cpuMillicores).toBeGreaterThan(300);
  expect(cpuMillicores).toBeLessThanOrEqual(cpus().length * 1000);
  expect(memoryMiB).toBeGreaterThan(0);
  expect(memoryMiB).toBeLessThan(totalmem() / 1_048_576);
});
