// Takes pictures of the console's screens, in themes and languages, and tells policy violations and errors.
// node test/ui/look.ts http://127.0.0.1:7999 /tmp/looks [screen ...]
import { mkdirSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';

const [base = 'http://127.0.0.1:7999', folder = '/tmp/looks', ...wanted] = process.argv.slice(2);
const token = process.env['TOKEN'] ?? 'dev';
const size = { width: Number(process.env['W'] ?? 1680), height: Number(process.env['H'] ?? 1000) };
const looks = (process.env['LOOKS'] ?? 'night-en,day-zh-CN').split(',').map((look) => {
  const [theme = 'night', ...language] = look.split('-');
  return { theme, language: language.join('-') };
});
mkdirSync(folder, { recursive: true });

const screens: Record<string, (page: Page) => Promise<void>> = {
  overview: (page) => go(page, '/overview'),
  first: (page) => go(page, '/overview'),
  heat: async (page) => {
    await go(page, '/heat');
    await page.waitForTimeout(600);
    const box = await page.locator('canvas').boundingBox();
    if (!box) return;
    await page.keyboard.down('Shift');
    await page.mouse.move(box.x + box.width * 0.62, box.y + box.height * 0.22);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.68, box.y + box.height * 0.34, { steps: 4 });
    await page.mouse.up();
    await page.keyboard.up('Shift');
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.45);
  },
  zoomed: async (page) => {
    await go(page, '/heat?metric=memoryUsed&scale=cividis');
    await page.waitForTimeout(600);
    const box = await page.locator('canvas').boundingBox();
    if (!box) return;
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.3);
    for (let step = 0; step < 8; step += 1) await page.mouse.wheel(0, -120);
  },
  topology: (page) => go(page, '/topology'),
  line: async (page) => {
    await go(page, '/topology?at=line:17');
    await page.waitForTimeout(800);
    await page.locator('canvas').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
  },
  queues: (page) => go(page, '/queues'),
  queue: (page) => go(page, '/queues?queue=vision'),
  palette: async (page) => {
    await go(page, '/overview');
    await page.keyboard.press('Control+k');
    await page.waitForTimeout(200);
    await page.keyboard.type('bod l8 c3');
  },
  tasks: (page) => go(page, '/tasks'),
  why: async (page) => {
    await go(page, '/tasks?state=waiting');
    await page.locator('[role=gridcell]').first().click();
  },
  log: async (page) => {
    await go(page, '/tasks?state=running');
    await page.locator('[role=gridcell]').nth(40).click();
  },
  input: async (page) => {
    await go(page, '/tasks?state=failed');
    await page.locator('[role=gridcell]').first().click();
    await page.locator('[role=tab]').nth(3).click();
  },
  attempts: async (page) => {
    await go(page, '/tasks?state=failed');
    await page.locator('[role=gridcell]').first().click();
    await page.locator('[role=tab]').nth(2).click();
  },
  nodes: (page) => go(page, '/nodes'),
  node: async (page) => {
    await go(page, '/nodes');
    await page.locator('[role=row] [role=gridcell]').first().click();
  },
  submit: async (page) => {
    await go(page, '/tasks');
    await page.locator('[role=grid]').focus();
    await page.keyboard.press('n');
    await page
      .locator('[role=dialog] input')
      .first()
      .fill(`/usr/bin/python3 -c 'print(6 * 7)' "two words" | tee`);
  },
  add: async (page) => {
    await go(page, '/nodes');
    await page.locator('.tools .primary').click();
  },
  settings: (page) => go(page, '/settings'),
  storage: (page) => go(page, '/settings?page=storage'),
  jobs: async (page) => {
    await go(page, '/settings?page=storage');
    await page.locator('form').nth(1).locator('button').nth(1).click();
    await page.waitForTimeout(3_000);
  },
  loss: async (page) => {
    await go(page, '/settings?page=storage');
    await page.locator('form').first().locator('input').last().fill('3');
    await page.locator('form').first().locator('.primary').click();
  },
  groups: async (page) => {
    await go(page, '/tasks?by=queue&tenant=paint&label=line%3D4');
    await page.locator('.tools .quiet').click();
  },
  groupsOpen: async (page) => {
    await go(page, '/tasks?by=state');
    await page.locator('[role=gridcell]').first().click();
  },
  search: (page) => go(page, '/tasks?text=zzz&since=all'),
  range: (page) => go(page, `/tasks?since=custom&from=${String(Date.now() - 3_600_000)}`),
  export: async (page) => {
    await go(page, '/tasks');
    await page.locator('.tools .button').nth(-2).click();
  },
  exporting: async (page) => {
    await go(page, '/tasks');
    await page.locator('.tools .button').nth(-2).click();
    await page.locator('[role=dialog] .primary').click();
    await page.waitForTimeout(2_500);
  },
};
async function go(page: Page, path: string): Promise<void> {
  await page.goto(`${base}/#${path}`);
  await page.waitForTimeout(300);
}

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb'],
});
for (const { theme, language } of looks) {
  const page = await browser.newPage({ viewport: size });
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) console.log(`${theme} console:`, message.text());
  });
  page.on('pageerror', (error) => {
    console.log(`${theme} error:`, error.message);
  });
  await page.addInitScript(
    ([chosen, spoken]) => {
      localStorage.setItem('millrace.appearance', JSON.stringify({ theme: chosen, language: spoken }));
    },
    [theme, language],
  );
  await page.goto(`${base}/#token=${token}`);
  await page.waitForTimeout(700);
  for (const [name, show] of Object.entries(screens)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    try {
      await show(page);
    } catch (error) {
      console.log(`${name}: ${String(error).slice(0, 300)}`);
    }
    await page.waitForTimeout(900);
    await page.screenshot({ path: `${folder}/${name}-${theme}-${language}.png` });
    await page.keyboard.press('Escape');
  }
  await page.close();
}
await browser.close();
