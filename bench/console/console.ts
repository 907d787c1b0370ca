// The console under a living plant: real host, real wire, Chromium without a GPU. Frames per second while it updates
// and while it is moved, script time of an update, time from input to paint, age of what is seen, memory.
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { type Bench, type Measured, quantile, rounded, wholeOption } from '../bench.ts';
import { type BenchPlant, pause, startPlant } from './plant.ts';
import { fillRectScript, forgetScript, type PageSamples, probeScript, readScript } from './probe.ts';
import { startReplay } from './replay.ts';

const size = { width: 1680, height: 1000 };
const settleMs = 4_000;
const firstMapMaxMs = 20_000;
/** Frames sent again before the window's answer is awaited. */
const replayBatch = 20;
/** Updates before memory is looked at: caches fill, code is compiled. */
const warmUpMin = 1_000;
const mebibyte = 1_048_576;

/** Options: `nodes` (50,000), `seconds` of each phase (15), `updates` of the memory phase (10,000). */
export const consoleBench: Bench = async (options): Promise<Measured> => {
  const nodes = wholeOption(options, 'nodes', 50_000);
  const seconds = wholeOption(options, 'seconds', 15);
  const updates = wholeOption(options, 'updates', 10_000);
  if (!existsSync(join(import.meta.dirname, '../../dist/renderer/index.html')))
    throw new Error('dist/renderer is not there: run `npm run build` first');
  const folder = mkdtempSync(join(tmpdir(), 'millrace-console-'));
  const processes: ChildProcess[] = [];
  const killAll = () => {
    for (const child of processes) child.kill('SIGKILL');
  };
  process.once('exit', killAll);
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--enable-precise-memory-info'],
  });
  try {
    const plant = await startPlant(folder, nodes, processes);
    const live = await measureLive(browser, plant, seconds);
    const leakMiBPer10k = await measureLeak(browser, plant, updates);
    const params = {
      nodes,
      inFrames: plant.nodes,
      online: plant.online,
      source: 'host',
      seconds,
      updates,
      rendering: 'software',
      ...size,
    };
    return { params, figures: { ...live.figures, leakMiBPer10k }, peers: live.peers };
  } finally {
    await browser.close();
    killAll();
    await pause(500);
    rmSync(folder, { recursive: true, force: true });
  }
};

async function measureLive(browser: Browser, plant: BenchPlant, seconds: number) {
  const { page, cdp } = await openHeatMap(browser, plant.url, plant.token);
  const rendererMiB = await rendererMemory(browser, page);
  await pause(settleMs);
  const first = await samplesOf(cdp);
  await evaluate(cdp, forgetScript);
  await pause(seconds * 1_000);
  const live = await samplesOf(cdp);
  await evaluate(cdp, forgetScript);
  await pan(page, seconds);
  const panned = await samplesOf(cdp);
  await evaluate(cdp, forgetScript);
  await pointAndType(page, seconds);
  const used = await samplesOf(cdp);
  const fillRectMs = Number(await evaluate(cdp, fillRectScript(plant.nodes)));
  await page.context().close();
  const at = (values: readonly number[], share: number) => rounded(quantile(values, share));
  return {
    figures: {
      liveFrameP50Ms: at(live.frameMs, 0.5),
      liveFrameP99Ms: at(live.frameMs, 0.99),
      framesPerS: rounded(live.frameMs.length / seconds),
      panFrameP99Ms: at(panned.frameMs, 0.99),
      updateMainMs: at(live.updateMs, 0.5),
      updateMainP99Ms: at(live.updateMs, 0.99),
      updatesPerS: rounded(live.updateMs.length / seconds),
      inputP99Ms: at(used.inputMs, 0.99),
      firstPaintMs: rounded(first.firstPaintMs),
      firstMapMs: rounded(first.firstMapMs),
      dataAgeP99Ms: at(live.ageMs, 0.99),
      rendererMiB: rounded(rendererMiB),
    },
    peers: { fillRectUpdateMs: rounded(fillRectMs) },
  };
}

async function openHeatMap(browser: Browser, url: string, token: string) {
  const context = await browser.newContext({ viewport: size });
  const page = await context.newPage();
  await page.addInitScript({ content: probeScript });
  // Where this window was last, so that the heat map is the first thing that it paints.
  const place = JSON.stringify({ screen: 'heat', queries: {} });
  await page.addInitScript({
    content: `localStorage.setItem('millrace.lastPlace', '${place}'); localStorage.setItem('millrace.firstRun', 'aside');`,
  });
  await page.goto(`${url}/#token=${token}`);
  const cdp = await context.newCDPSession(page);
  const untilMs = performance.now() + firstMapMaxMs;
  while ((await samplesOf(cdp)).firstMapMs === 0) {
    if (performance.now() > untilMs) throw new Error('the heat map did not draw a frame of the host');
    await pause(100);
  }
  return { page, cdp };
}

async function evaluate(cdp: CDPSession, expression: string): Promise<unknown> {
  const { result, exceptionDetails } = await cdp.send('Runtime.evaluate', { expression });
  if (exceptionDetails) throw new Error(`in the page: ${exceptionDetails.text}`);
  return result.value;
}
const samplesOf = async (cdp: CDPSession): Promise<PageSamples> =>
  JSON.parse(String(await evaluate(cdp, readScript))) as PageSamples;

/** Zooms in and drags the map about, as a hand would. */
async function pan(page: Page, seconds: number): Promise<void> {
  const middle = { x: size.width / 2, y: 400 };
  await page.mouse.move(middle.x, middle.y);
  for (let step = 0; step < 4; step += 1) await page.mouse.wheel(0, -100);
  const untilMs = performance.now() + seconds * 1_000;
  for (let turn = 0; performance.now() < untilMs; turn += 1) {
    await page.mouse.down();
    const angle = turn * 1.3;
    const to = { x: middle.x + Math.cos(angle) * 380, y: middle.y + Math.sin(angle) * 220 };
    await page.mouse.move(to.x, to.y, { steps: 24 });
    await page.mouse.up();
    await page.mouse.move(middle.x, middle.y);
  }
  await page.mouse.dblclick(middle.x, middle.y);
}

/** Moves over nodes and presses keys while frames keep coming. */
async function pointAndType(page: Page, seconds: number): Promise<void> {
  await page.goto(`${page.url().split('#')[0] ?? ''}#/heat`);
  await page.locator('canvas').first().focus();
  const untilMs = performance.now() + seconds * 1_000;
  for (let turn = 0; performance.now() < untilMs; turn += 1) {
    await page.mouse.move(240 + ((turn * 97) % 1_300), 180 + ((turn * 61) % 480));
    await pause(20);
    await page.keyboard.press(['ArrowRight', 'ArrowDown', 'e', 'ArrowLeft'][turn % 4] ?? 'e');
    await pause(20);
  }
}

/** Resident memory of the page's own process. */
async function rendererMemory(browser: Browser, page: Page): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await page.evaluate('1');
  const sizes = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${String(id)}/status`, 'utf8'))?.[1] ?? 0),
    );
  return Math.max(...sizes) / 1_024;
}

/** Growth of all that the page holds, after collections, over `updates` frames of the host sent again and again. */
async function measureLeak(browser: Browser, plant: BenchPlant, updates: number): Promise<number> {
  const replay = await startReplay(plant.url);
  try {
    const { page, cdp } = await openHeatMap(browser, replay.url, plant.token);
    await runUpdates(cdp, replay.again, Math.max(warmUpMin, Math.ceil(updates / 4)));
    const before = await heldBytes(cdp);
    const ran = await runUpdates(cdp, replay.again, updates);
    const after = await heldBytes(cdp);
    await page.context().close();
    return rounded((((after - before) / mebibyte) * 10_000) / ran);
  } finally {
    replay.close();
  }
}

async function runUpdates(cdp: CDPSession, again: () => void, wanted: number): Promise<number> {
  const start = (await samplesOf(cdp)).updates;
  let done = 0;
  for (let idle = 0; done < wanted;) {
    for (let at = 0; at < replayBatch; at += 1) again();
    await pause(20);
    const now = Number(await evaluate(cdp, 'window.__bench.updates')) - start;
    idle = now > done ? 0 : idle + 1;
    if (idle > 250) throw new Error(`the window stopped to update after ${String(now)}`);
    // The window's own pace: no more on the way than it has drawn.
    for (let seen = now; seen - done < replayBatch / 2 && idle === 0;) {
      await pause(10);
      const next = Number(await evaluate(cdp, 'window.__bench.updates')) - start;
      if (next === seen) break;
      seen = next;
    }
    done = now;
  }
  return done;
}

async function heldBytes(cdp: CDPSession): Promise<number> {
  await evaluate(cdp, forgetScript);
  for (let round = 0; round < 3; round += 1) {
    await cdp.send('HeapProfiler.collectGarbage');
    await pause(200);
  }
  const usage = await cdp.send('Runtime.getHeapUsage');
  return usage.usedSize + usage.embedderHeapUsedSize + usage.backingStorageSize;
}
