// Opens pages in Debian's Chromium, and looks at them: accessibility, overflow, foreign requests, errors, pictures.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const packages = new URL('../../../.peers/node/', import.meta.url);
export const { load } = await import(new URL('load.mjs', packages)).catch(() => {
  throw new Error('the browser packages are missing: cargo xtask peers install');
});
const { chromium } = await load('playwright-core');
const { source: axe } = await load('axe-core');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const { KEYBEARER_SHOTS: chosen } = process.env;
const SHOTS = chosen && chosen !== 'no' ? chosen : new URL('../../../target/browser', import.meta.url).pathname;

export const launch = () => chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });

const withoutScripts = new WeakSet();
const withoutScript = (route) => (route.request().resourceType() === 'script'
  ? route.fulfill({ contentType: 'text/javascript', body: '' }) : route.fallback());

/** What one test sees of the browser. `close` ends its contexts and gives what was wrong. */
export class Pages {
  #browser;

  #contexts = [];

  #faults = [];

  constructor(browser) { this.#browser = browser; }

  /**
   * A page on `url` in a browser of its own (no cookies).
   * width, height: of the window. dark: the colour scheme. js: false switches scripts off (axe cannot run then);
   * 'blocked' lets none load, and axe still can.
   * origins: other origins that may be asked besides the page's own. errors: true allows console errors and answers
   * of 400 and more. cookies of another page: `share: thatPage`.
   */
  async open(url, { width = 1280, height = 900, dark = false, js = true, origins = [], errors = false, share } = {}) {
    const context = share?.context() ?? await this.#browser.newContext({
      viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', javaScriptEnabled: js !== false, reducedMotion: 'reduce',
      ignoreHTTPSErrors: true,
    });
    if (!share) this.#contexts.push(context);
    const page = await context.newPage();
    if (js === false) withoutScripts.add(page);
    if (js === 'blocked') await page.route('**/*', withoutScript);
    this.#watch(page, new Set([new URL(url).origin, ...origins]), errors);
    await page.goto(url);
    return page;
  }

  #watch(page, allowed, errors) {
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (['data:', 'blob:', 'about:'].includes(protocol) || allowed.has(origin)) return;
      this.#faults.push(`${page.url()} asked another origin: ${request.method()} ${origin}`);
    });
    page.on('pageerror', (error) => this.#faults.push(`${page.url()}: script error: ${error.message}`));
    if (!errors) {
      page.on('console', (message) => {
        if (message.type() === 'error') this.#faults.push(`${page.url()}: console: ${message.text()}`);
      });
    }
  }

  async close() {
    await Promise.all(this.#contexts.map((context) => context.close()));
    return this.#faults;
  }
}

/** What axe finds on the page as it is now: WCAG 2.2 A and AA, and its best practices; a text for each fault. */
export const faultsOf = async (page) => {
  assert.ok(!withoutScripts.has(page), "axe cannot run where scripts are off: open the page with js: 'blocked'");
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(axe);
  return page.evaluate(async (rules) => {
    const { violations } = await window.axe.run(document, { runOnly: rules, resultTypes: ['violations'] });
    return violations.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.map(({ html }) => html).join('\n    ')}`);
  }, RULES);
};

/** The page has no accessibility fault that axe can find. */
export const clean = async (page) => {
  const faults = await faultsOf(page);
  assert.equal(faults.length, 0, `axe found ${faults.length} faults on ${page.url()}\n  ${faults.join('\n  ')}`);
};

/** Nothing sticks out to the right. */
export const fits = async (page) => {
  const { inner, wide } = await page.evaluate(() => ({
    inner: document.documentElement.clientWidth, wide: document.documentElement.scrollWidth,
  }));
  assert.ok(wide <= inner, `${page.url()} is ${wide} px wide in a window of ${inner} px`);
};

/** Keeps a picture of the whole page as target/browser/NAME.png. */
export const picture = async (page, name) => {
  await mkdir(SHOTS, { recursive: true });
  const path = join(SHOTS, `${name}.png`);
  await page.screenshot({ path, fullPage: true, animations: 'disabled' });
  return path;
};

/** The same for who wants to look at it: none is taken where KEYBEARER_SHOTS is `no`. */
export const shot = async (page, name) => { if (chosen !== 'no') await picture(page, name); };

/** This page, as it stands, in the sizes and colours we promise: clean, fitting, and a picture of each. Its size comes back. */
export const looks = async (page, name, widths = [1280, 390, 320]) => {
  const { width, height } = page.viewportSize();
  for (const dark of [false, true]) {
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    for (const wide of widths) {
      await page.setViewportSize({ width: wide, height });
      if (wide !== 320) await clean(page);
      await fits(page);
      await shot(page, `${name}-${wide}-${dark ? 'dark' : 'light'}`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width, height });
};
