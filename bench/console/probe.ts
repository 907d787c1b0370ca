// What is measured inside the page: time between screen frames, script time of an update, age of what is painted,
// and the time from an input to the frame that shows it. As text, since a page is no Node program.
export interface PageSamples {
  readonly frameMs: readonly number[];
  readonly updateMs: readonly number[];
  readonly ageMs: readonly number[];
  readonly inputMs: readonly number[];
  readonly updates: number;
  readonly firstMapMs: number;
  readonly firstPaintMs: number;
}

export const probeScript = `(() => {
  const samples = { frameMs: [], updateMs: [], ageMs: [], inputMs: [], updates: 0, firstMapMs: 0, firstPaintMs: 0 };
  window.__bench = samples;
  let before;
  const onFrame = (now) => {
    if (before !== undefined && samples.frameMs.length < 20000) samples.frameMs.push(now - before);
    before = now;
    requestAnimationFrame(onFrame);
  };
  requestAnimationFrame(onFrame);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.name !== 'heat-update') continue;
      samples.updates += 1;
      if (!entry.detail || entry.detail.atMs === 0) continue;
      if (samples.firstMapMs === 0) samples.firstMapMs = entry.startTime + entry.duration;
      if (samples.updateMs.length > 20000) continue;
      samples.updateMs.push(entry.duration);
      samples.ageMs.push(performance.timeOrigin + entry.startTime + entry.duration - entry.detail.atMs);
    }
  }).observe({ type: 'measure' });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName('first-contentful-paint')) samples.firstPaintMs = entry.startTime;
  }).observe({ type: 'paint', buffered: true });
  const channel = new MessageChannel();
  const waiting = [];
  channel.port1.onmessage = () => {
    const now = performance.now();
    for (const startedAt of waiting.splice(0)) samples.inputMs.push(now - startedAt);
  };
  const onInput = (event) => {
    const startedAt = event.timeStamp;
    // The frame that shows it, and then the first moment after that frame was made.
    requestAnimationFrame(() => {
      waiting.push(startedAt);
      channel.port2.postMessage(0);
    });
  };
  for (const kind of ['pointermove', 'keydown', 'pointerdown'])
    window.addEventListener(kind, onInput, { capture: true, passive: true });
})();`;

/** Forgets the samples of a phase, not how many updates there were. */
export const forgetScript =
  'for (const name of ["frameMs", "updateMs", "ageMs", "inputMs"]) window.__bench[name].length = 0;';
export const readScript = 'JSON.stringify(window.__bench)';

/** The plain way, for comparison: 50,000 rectangles, each with its own colour. */
export const fillRectScript = (nodes: number): string => `(() => {
  const canvas = document.createElement('canvas');
  canvas.width = 1200;
  canvas.height = 700;
  const context = canvas.getContext('2d');
  const took = [];
  for (let round = 0; round < 7; round += 1) {
    const startedAt = performance.now();
    for (let at = 0; at < ${String(nodes)}; at += 1) {
      context.fillStyle = 'rgb(' + ((at * 7 + round) % 256) + ' 90 90)';
      context.fillRect((at % 300) * 4, Math.floor(at / 300) * 4, 3, 3);
    }
    context.getImageData(0, 0, 1, 1);
    took.push(performance.now() - startedAt);
  }
  return took.sort((a, b) => a - b)[3];
})()`;
