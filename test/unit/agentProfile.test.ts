// The profile of a machine: eBPF beside what the kernel itself tells of the same work, and what stands in for it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { BpfOutput } from '../../agent/profile/bpfOutput.ts';
import { FallbackProbe } from '../../agent/profile/fallback.ts';
import { bucketBoundsUs, type Profile } from '../../agent/profile/figure.ts';
import { ebpfMissing, Profiler } from '../../agent/profile/profiler.ts';

if (process.getuid?.() === 0) spawnSync('mount', ['-t', 'tracefs', 'tracefs', '/sys/kernel/tracing']);
const missing = ebpfMissing();
const skipped = missing === undefined ? '' : ` (skipped: ${missing})`;
const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

test.skipIf(missing)(
  `waiting for the processor is seen within 20 % of /proc/PID/schedstat${skipped}`,
  async () => {
    const rivals = Array.from({ length: 4 }, () => busyOnOneCore());
    const waitedUs = (): number =>
      rivals.reduce((sum, { pid }) => {
        const [, waitedNs] = readFileSync(`/proc/${String(pid)}/schedstat`, 'utf8').split(' ');
        return sum + Number(waitedNs) / 1_000;
      }, 0);
    const { profile, before, now } = await secondProfile(waitedUs);
    const seen = rivals.reduce((sum, { pid }) => sum + (profile.waiters?.get(pid ?? 0) ?? 0), 0);
    const ratio = seen / (now - before);
    console.log(`run queue: eBPF / schedstat = ${ratio.toFixed(3)}`);
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.2);
    const { value, buckets = [], count } = profile.figures.runQueue ?? {};
    expect(value).toBeGreaterThanOrEqual(seen);
    expect(buckets.reduce((sum, events) => sum + events, 0)).toBe(count);
  },
);

test.skipIf(missing)(`time of block I/O is seen within 20 % of /proc/diskstats${skipped}`, async () => {
  writeDirectly();
  const diskUs = (): number => {
    const rows = readFileSync('/proc/diskstats', 'utf8').trim().split('\n');
    return rows
      .map((row) => row.trim().split(/\s+/).map(Number))
      .filter(([major = 0]) => major !== 7 && major !== 253)
      .reduce((sum, row) => sum + 1_000 * ((row[6] ?? 0) + (row[10] ?? 0)), 0);
  };
  const { profile, before, now } = await secondProfile(diskUs);
  const ratio = (profile.figures.blockIo?.value ?? 0) / (now - before);
  console.log(`block I/O: eBPF / diskstats = ${ratio.toFixed(3)}`);
  expect(ratio).toBeGreaterThan(0.8);
  expect(ratio).toBeLessThan(1.2);
});

test.skipIf(process.platform !== 'linux')(
  'without bpftrace on PATH the next source is used, and says why',
  () => {
    const profile = profileOnce([process.execPath], '/nowhere');
    expect(profile.why).toMatch(/bpftrace|root/);
    expect(profile.figures.pageFaults).toMatchObject({ source: 'proc', unit: 'count' });
    expect(profile.figures.runQueue?.source).not.toBe('ebpf');
  },
);

test.skipIf(process.getuid?.() !== 0)('without root the next source is used, and says why', () => {
  const words = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath];
  const profile = profileOnce(words, process.env['PATH'] ?? '');
  expect(profile.why).toContain('root');
  expect(Object.values(profile.figures).map(({ source }) => source)).not.toContain('ebpf');
});

test('the sources go from pressure to /proc to Node, and what none of them tells is absent', () => {
  const files = new Map([
    ['/proc/pressure/cpu', 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1000\n'],
    ['/proc/schedstat', 'version 17\ncpu0 0 0 0 0 0 0 5000 3000000 7\n'],
    ['/proc/diskstats', '8 0 sda 10 0 0 100 20 0 0 300 0 0 0\n8 1 sda1 10 0 0 100 20 0 0 300 0 0 0\n'],
    ['/proc/net/snmp', 'Tcp: InSegs RetransSegs\nTcp: 9 40\n'],
  ]);
  const probe = new FallbackProbe((path) => files.get(path));
  files.set('/proc/pressure/cpu', 'some avg10=0.00 avg60=0.00 avg300=0.00 total=4000\n');
  files.set('/proc/diskstats', '8 0 sda 12 0 0 105 21 0 0 307 0 0 0\n');
  files.set('/proc/net/snmp', 'Tcp: InSegs RetransSegs\nTcp: 9 46\n');
  expect(probe.read().figures).toEqual({
    runQueue: { source: 'psi', unit: 'stallUs', value: 3_000 },
    blockIo: { source: 'proc', unit: 'us', value: 12_000, count: 3 },
    retransmits: { source: 'proc', unit: 'count', value: 6 },
  });
  files.delete('/proc/pressure/cpu');
  // Another source counts something else: its first reading has nothing to be compared with.
  probe.read();
  files.set('/proc/schedstat', 'version 17\ncpu0 0 0 0 0 0 0 5000 3500000 9\n');
  expect(probe.read().figures.runQueue).toEqual({ source: 'proc', unit: 'us', value: 500, count: 2 });
  files.clear();
  const last = probe.read().figures;
  expect(Object.keys(last)).toEqual(process.platform === 'win32' ? [] : ['runQueue']);
  if (last.runQueue) expect(last.runQueue).toMatchObject({ source: 'os', unit: 'load' });
});

test('output of bpftrace in any pieces makes the same profile, and lines that are none are left', () => {
  const lines = [
    'ERROR: memlock',
    '{"type": "attached_probes", "data": {"probes": 8}}',
    '{"type": "hist", "data": {"@runQueue": [{"max": 0, "count": 2}, {"min": 2, "max": 3, "count": 5}]}}',
    '{"type": "map", "data": {"@runQueueUs": 13}}',
    '{"type": "map", "data": {"@waiters": {"77": 13}}}',
    '{"type": "map", "data": {"@faults": 3}}',
    '{"type": "printf", "data": "end\\n"}',
    '',
  ].join('\n');
  const whole = new BpfOutput(10_000).take(lines);
  const output = new BpfOutput(10_000);
  expect(Array.from(lines).flatMap((letter) => output.take(letter))).toEqual(whole);
  const [{ figures, waiters } = { figures: {}, waiters: undefined }] = whole;
  expect(figures.runQueue).toMatchObject({ source: 'ebpf', unit: 'us', value: 13, count: 7 });
  expect(figures.runQueue?.buckets?.slice(0, 4)).toEqual([2, 0, 5, 0]);
  expect(figures.runQueue?.buckets).toHaveLength(bucketBoundsUs.length + 1);
  expect(figures.pageFaults?.value).toBe(300);
  expect(waiters?.get(77)).toBe(13);
});

/** The second, since the first may begin while probes are still attached; and a counter at both its ends. */
function secondProfile(
  counter: () => number,
): Promise<{ readonly profile: Profile; readonly before: number; readonly now: number }> {
  return new Promise((resolve, reject) => {
    let before: number | undefined;
    const profiler = new Profiler((profile) => {
      if (profile.why !== undefined) reject(new Error(profile.why));
      else if (before === undefined) before = counter();
      else resolve({ profile, before, now: counter() });
    }, 4);
    ended.push(() => {
      profiler.stop();
    });
    profiler.start();
  });
}

function busyOnOneCore(): ChildProcess {
  const rival = spawn('taskset', ['-c', '0', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' });
  ended.push(() => rival.kill('SIGKILL'));
  return rival;
}

/** Past the page cache, so that each write is one of the disk's. */
function writeDirectly(): void {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-profile-'));
  const file = openSync(join(folder, 'file'), constants.O_CREAT | constants.O_WRONLY | constants.O_DSYNC);
  const block = Buffer.alloc(64 * 1024, 1);
  const timer = setInterval(() => writeSync(file, block, 0, block.length, 0), 5);
  ended.push(() => {
    clearInterval(timer);
    closeSync(file);
    rmSync(folder, { recursive: true });
  });
}

function profileOnce(words: readonly string[], PATH: string): Profile {
  const script = join(import.meta.dirname, 'support/profileOnce.ts');
  const [program = '', ...rest]: readonly string[] = [...words, script];
  const done = spawnSync(program, rest, { encoding: 'utf8', env: { ...process.env, PATH }, timeout: 50_000 });
  if (done.stdout === '') throw new Error(done.stderr || String(done.error));
  return JSON.parse(done.stdout) as Profile;
}
