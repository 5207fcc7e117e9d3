// What the hosted pages weigh, and that nothing on them moves while they load. It runs alone: a busy machine moves things.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { NAMES, site } from './lib/preview.mjs';

const preview = (name) => `${site}/_hosted/${name}`;
/** Pages that answer 400 and more: Chromium writes that to the console. */
const errors = true;

export default {
  'a page is at most 12 KB of HTML, style and script, 70 KB with fonts, needs 5 requests, and moves nothing': async ({ pages }) => {
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
      const moved = await page.evaluate(() => new Promise((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => { sum += entry.value; })).observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => resolve(sum), 50);
      }));
      assert.ok(moved <= 0.02, `${name}: layout shift ${moved}`);
      await page.close();
    }
  },
};
