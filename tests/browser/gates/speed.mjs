// Q8 to Q10: first paint, what moves, and how fast a search answers. Each is compared with something bare in the same run.
import { createServer } from 'node:http';

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** First contentful paint of a cold page, in milliseconds: the median of `times`. */
export const firstPaint = async (pages, url, options, times = 7) => {
  const found = [];
  for (let turn = 0; turn < times; turn += 1) {
    const page = await pages.open(url, options);
    found.push(await page.evaluate(() => new Promise((resolve) => {
      new PerformanceObserver((list) => {
        const paint = list.getEntriesByName('first-contentful-paint')[0];
        if (paint) resolve(paint.startTime);
      }).observe({ type: 'paint', buffered: true });
    })));
    await page.close();
  }
  return median(found);
};

/** The layout shift of a page from the start until nothing has moved for a while. */
export const shift = (page) => page.evaluate(() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => { sum += value; })).observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => resolve(sum), 100);
}));

/** How long the server takes for each letter of a search beyond what any answer takes, in milliseconds: the median. */
export const keystrokes = async (request, base, word) => {
  const timed = async (path) => {
    const begun = performance.now();
    await (await request.get(base + path)).body();
    return performance.now() - begun;
  };
  const [searches, plain] = [[], []];
  for (let length = 1; length <= word.length; length += 1) {
    plain.push(await timed('/login'));
    searches.push(await timed(`/connections/new?q=${word.slice(0, length)}`));
  }
  return median(searches) - median(plain);
};

/** How long the page takes to answer a key, in milliseconds at a quarter of the speed: the slowest but one in fifty. */
export const delay = async (page, label, text) => {
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  await page.evaluate(() => {
    window.delays = [];
    new PerformanceObserver((list) => window.delays.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: 'event', durationThreshold: 16, buffered: true });
  });
  await page.getByLabel(label).pressSequentially(text);
  const delays = await page.evaluate(() => new Promise((resolve) => { setTimeout(() => resolve(window.delays), 200); }));
  await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  return delays.sort((a, b) => a - b)[Math.floor(delays.length * 0.98)] ?? 0;
};

/** Gives `work` the address of a page with nothing on it: what the machine and the browser take by themselves. */
export const bare = async (work) => {
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>bare</title><label>Bare <input></label>'));
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    return await work(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
};
