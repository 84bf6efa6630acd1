// Opens report pages in headless Chromium and checks what a reader relies on: no error in the console, no request that
// leaves the page, the answer visible without scrolling on a desk and on a phone, sorting, filters, languages, themes,
// copying, printing. Usage: node check.mjs [--shots FOLDER] PAGE.html...
// Needs the package playwright-core (NODE_PATH or beside this file) and Chromium (CHROMIUM, else /usr/bin/chromium).
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.env.PLAYWRIGHT_FROM ? join(process.env.PLAYWRIGHT_FROM, 'x.js') : import.meta.url);
const { chromium } = require('playwright-core');

const args = process.argv.slice(2);
const shots = args[0] === '--shots' ? args.splice(0, 2)[1] : null;
const failures = [];
const expect = (condition, what) => { if (!condition) failures.push(what); };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});

for (const file of args) {
  const name = basename(file).replace(/\.html$/, '');
  const url = pathToFileURL(resolve(file)).href;
  for (const [width, height] of [[1280, 800], [390, 844]]) {
    for (const colorScheme of ['light', 'dark']) {
      const where = `${name} ${width} ${colorScheme}`;
      const context = await browser.newContext({ viewport: { width, height }, colorScheme });
      const page = await context.newPage();
      page.on('console', (m) => { if (['error', 'warning'].includes(m.type())) failures.push(`${where}: console: ${m.text()}`); });
      page.on('pageerror', (e) => failures.push(`${where}: script error: ${e.message}`));
      page.on('request', (r) => { if (!r.url().startsWith(url) && !r.url().startsWith('data:')) failures.push(`${where}: request ${r.url()}`); });
      page.on('dialog', (d) => { failures.push(`${where}: dialog ${d.message()}`); d.dismiss(); });
      await page.goto(url);
      await page.waitForTimeout(100);

      const fold = await page.evaluate(() => document.querySelector('#answer h1').getBoundingClientRect().bottom);
      expect(fold > 0 && fold < height, `${where}: the answer ends at ${fold}, below the fold`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide <= width, `${where}: the page is ${wide} wide`);
      const text = await page.evaluate(() => document.body.innerText);
      expect(text.length > 100, `${where}: hardly any text`);
      if (shots) {
        await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`) });
        await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}-full.png`), fullPage: true });
      }
      if (colorScheme === 'light') await interactions(page, where, width);
      await context.close();
    }
  }
}
await browser.close();

async function interactions(page, where, width) {
  // Languages: one is shown at a time, codes stay.
  const codes = () => page.evaluate(() => Array.from(document.querySelectorAll('section code'), (c) => c.textContent).join());
  const before = await codes();
  await page.click('[data-lang=ja]');
  expect(await page.evaluate(() => document.documentElement.lang) === 'ja', `${where}: no Japanese`);
  expect(await page.evaluate(() => !Array.from(document.querySelectorAll('[lang=en]')).some((e) => e.offsetParent)), `${where}: English left over`);
  expect(/[぀-ヿ一-鿿]/.test(await page.innerText('#answer')), `${where}: the answer has no Japanese`);
  expect(await codes() === before, `${where}: codes change with the language`);
  if (shots) await page.screenshot({ path: join(shots, `${where.split(' ')[0]}-${width}-ja.png`), fullPage: true });
  await page.click('[data-lang=en]');
  expect(await page.evaluate(() => document.documentElement.lang) === 'en', `${where}: no English`);

  // Themes.
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.click('[data-theme-to=dark]');
  expect(await ground() !== light, `${where}: the dark theme changes nothing`);
  await page.click('[data-theme-to=light]');
  expect(await ground() === light, `${where}: no way back to the light theme`);

  // Sorting (headings are hidden on a phone, where records are cards).
  if (width > 720) {
    for (const id of await page.$$eval('table:has([data-sort])', (t) => t.map((x) => x.id))) {
      // What a cell is sorted by: its key, else its text.
      const first = () => page.$$eval(`#${id} tbody`, (bodies) =>
        bodies.map((b) => b.rows[0].cells[0]).map((c) => c.dataset.key ?? c.textContent.trim()).join('|'));
      const button = `#${id} thead th:first-child button`;
      await page.click(button);
      const up = await first();
      await page.click(button);
      const down = await first();
      const several = new Set(up.split('|')).size > 1;
      expect(!several || up !== down, `${where}: ${id} does not sort`);
    }
  }

  // Word filters.
  for (const input of await page.$$('input[data-filters]')) {
    const id = await input.getAttribute('data-filters');
    const visible = () => page.$$eval(`#${id} tbody`, (b) => b.filter((x) => !x.hidden).length);
    const all = await visible();
    await input.fill('no such thing anywhere');
    expect(await visible() === 0, `${where}: the filter of ${id} hides nothing`);
    await input.fill('');
    expect(await visible() === all, `${where}: the filter of ${id} does not let go`);
    const only = await page.$(`input[data-only="${id}"]`);
    if (only) {
      await only.check();
      expect(await page.$$eval(`#${id} tbody`, (b) => b.every((x) => x.hidden === (x.dataset.bad !== '1'))), `${where}: ${id} shows more than faults`);
      await only.uncheck();
      expect(await visible() === all, `${where}: ${id} does not show all again`);
    }
  }

  // Places in the page: each is there.
  for (const target of await page.$$eval('.jump a', (a) => a.map((x) => x.getAttribute('href')))) {
    expect(await page.$(target), `${where}: no ${target} to go to`);
  }

  // Timeline: chart, filters, zoom, keyboard.
  if (await page.$('#chart')) {
    const bars = () => page.$$eval('#chart rect.e', (e) => e.length);
    const rows = () => page.$$eval('#events tbody tr', (r) => r.filter((x) => !x.hidden).length);
    const allRows = await rows();
    expect(await bars() > 0, `${where}: an empty chart`);
    const lane = await page.$('[data-lane-on]');
    await lane.uncheck();
    expect(await rows() < allRows || allRows === 0, `${where}: a layer cannot be switched off`);
    await lane.check();
    await page.check('#tl-bad');
    expect(await page.$$eval('#events tbody tr', (r) => r.filter((x) => !x.hidden).every((x) => x.dataset.good === 'bad')), `${where}: more than failures`);
    await page.uncheck('#tl-bad');
    expect(await rows() === allRows, `${where}: filters of the timeline do not let go`);
    await page.selectOption('#tl-group', 'lane');
    expect(await bars() > 0, `${where}: nothing by layer`);
    await page.selectOption('#tl-group', 'host');
    const ticks = () => page.$$eval('#chart .tick', (t) => t.map((x) => x.textContent).join());
    const fit = await ticks();
    await page.click('#tl-in');
    expect(await ticks() !== fit, `${where}: zoom does nothing`);
    await page.focus('#chart');
    await page.keyboard.press('0');
    expect(await ticks() === fit, `${where}: the key 0 does not show all`);
    await page.keyboard.press('ArrowDown');
    expect(await page.$$eval('#events tr.on', (r) => r.length) === 1, `${where}: arrows pick nothing`);
  }

  // Copying: with the clipboard, and without it.
  const button = await page.$('[data-copy]');
  if (button) {
    await page.evaluate((b) => b.closest('details') && (b.closest('details').open = true), button);
    const want = await button.getAttribute('data-copy');
    await button.click();
    await page.waitForSelector('.toast');
    expect((await page.innerText('.toast')).includes(want.slice(0, 40)), `${where}: copying says nothing`);
    await page.evaluate(() => { Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true }); window.took = ''; document.addEventListener('copy', () => { window.took = document.activeElement.value; }); });
    await button.click();
    await page.waitForTimeout(50);
    expect(await page.evaluate(() => window.took) === want, `${where}: no copy without the clipboard interface`);
  }

  // Keyboard: everything that can be used can be reached, first the way to the answer.
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement !== document.body), `${where}: Tab reaches nothing`);
  // Every control has a name, every id is there once.
  const nameless = await page.$$eval('button,select,input', (all) => all.filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label')?.innerText.trim() || !e.offsetParent)).map((e) => e.outerHTML.slice(0, 90)));
  expect(nameless.length === 0, `${where}: controls without a name: ${nameless}`);
  const twice = await page.$$eval('[id]', (all) => { const ids = all.map((e) => e.id); return ids.filter((x, i) => ids.indexOf(x) !== i); });
  expect(twice.length === 0, `${where}: ids used twice: ${twice}`);

  // Print: dark on white, whatever the theme.
  await page.click('[data-theme-to=dark]');
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  const ink = await page.evaluate(() => [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor].join());
  expect(ink === 'rgb(0, 0, 0),rgb(255, 255, 255)', `${where}: print is ${ink}`);
  expect((await page.innerText('#answer h1')).length > 3, `${where}: print has no answer`);
  if (shots && width === 1280) await page.pdf({ path: join(shots, `${where.split(' ')[0]}.pdf`), format: 'A4' });
  await page.emulateMedia({ media: 'screen', colorScheme: 'light' });
}

for (const f of failures) console.error(f);
console.log(`${args.length} pages, ${failures.length} failures`);
process.exit(failures.length ? 1 : 0);
