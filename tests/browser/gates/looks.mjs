// Q1, Q7, Q14: axe over every screen, theme and width; nothing sticks out at 320 px; nothing is asked of another origin.
import { faultsOf, shot } from '../lib/pages.mjs';

const sticksOut = (page) => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

/** A page that loads again by itself until it knows more would do so in the middle of a look: it gets the time it needs. */
const settled = (page) => page.waitForFunction(() => !document.querySelector('meta[http-equiv=refresh]'), null, { timeout: 8000 }).catch(() => {});

/** Looks at one screen in every theme and width. */
const look = async (page, name, url, found) => {
  await page.goto(url);
  await settled(page);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 900 });
      found.runs += 1;
      for (const fault of await faultsOf(page)) found.axe.push(`${name} ${colorScheme} ${width}: ${fault}`);
      if (found.shots) await shot(page, `${name.replaceAll(/\W+/g, '-')}-${width}-${colorScheme}`);
    }
  }
  await page.setViewportSize({ width: 320, height: 900 });
  if (await sticksOut(page)) found.wide.push(name);
};

/** Looks at all `screens` (name to address) with `lanes` pages side by side; `open` makes a page. */
export const looks = async (open, base, screens, found, lanes = 2) => {
  const queue = Object.entries(screens);
  const lane = async () => {
    const page = await open();
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, path] = next;
      await look(page, name, new URL(path, base).href, found).catch((error) => found.axe.push(`${name}: ${error.message}`));
    }
    await page.close();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
};
