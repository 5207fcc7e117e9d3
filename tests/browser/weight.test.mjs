// What the hosted pages weigh, and that they stand still when their font comes late. It runs alone: a busy machine moves things.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { NAMES, site } from './lib/preview.mjs';

const preview = (name) => `${site}/_hosted/${name}`;
/** Pages that answer 400 and more: Chromium writes that to the console. */
const errors = true;
/** How far a page may move, by its width: on a phone a line more or less pushes what is below it. */
const MOVES = { 1280: 0.02, 390: 0.05 };

/** Opens a page whose fonts come only after it was painted without them. */
const late = async (page, name) => {
  let come;
  const painted = new Promise((resolve) => { come = resolve; });
  await page.route('**/*.woff2', async (route) => { await painted; await route.continue(); });
  await page.goto(preview(name), { waitUntil: 'commit' });
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  come();
  await page.waitForLoadState();
  await page.evaluate(() => document.fonts.ready);
};

/** The sum of its layout shifts, when the page has been painted as it is now. */
const moved = (page) => page.evaluate(() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => { sum += entry.value; })).observe({ type: 'layout-shift', buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(sum), 50)));
}));

export default {
  'a page is at most 12 KB of HTML, style and script, 70 KB with fonts, and needs 5 requests': async ({ pages }) => {
    for (const name of NAMES) {
      const page = await pages.open('about:blank', { origins: [site], errors });
      const answers = [];
      page.on('response', (response) => { answers.push(response); });
      await page.goto(preview(name));
      await page.evaluate(() => document.fonts.ready);
      const bodies = await Promise.all(answers.map(async (answer) => [answer.url(), await answer.body()]));
      const text = bodies.filter(([url]) => !url.endsWith('.woff2')).reduce((sum, [, body]) => sum + gzipSync(body).length, 0);
      const fonts = bodies.filter(([url]) => url.endsWith('.woff2')).reduce((sum, [, body]) => sum + body.length, 0);
      assert.ok(text <= 12 * 1024, `${name}: ${text} bytes`);
      const needed = bodies.filter(([url]) => !url.endsWith('/hosted.js')).length;
      assert.ok(text + fonts <= 70 * 1024 && needed <= 5 && bodies.length <= 6, `${name}: ${text + fonts} bytes in ${needed} requests`);
      await page.close();
    }
  },

  'a font that comes after the first paint moves nothing': async ({ pages }) => {
    const too = [];
    for (const [width, most] of Object.entries(MOVES)) {
      for (const name of NAMES) {
        const page = await pages.open('about:blank', { origins: [site], errors, width: Number(width) });
        await late(page, name);
        const sum = await moved(page);
        if (sum > most) too.push(`${name} at ${width} px: ${sum.toFixed(3)}`);
        await page.close();
      }
    }
    assert.deepEqual(too, []);
  },
};
