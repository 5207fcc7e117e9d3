// The pictures of README and docs: made from this run's server, so that they show the program as it is.
import { access, readFile, readdir } from 'node:fs/promises';
import { shot } from '../lib/pages.mjs';

const ROOT = new URL('../../../', import.meta.url);

/** Name of the picture, where it is taken, by whom it is seen, how wide. */
const all = (w, server) => [
  ['overview', `${server.url}/`, true, 1280],
  ['configure', `${server.url}/connections/${w.github}/setup`, true, 1280],
  ['accounts', `${server.url}/accounts`, true, 1280],
  ['connect', w.open, false, 390],
];

/** Takes them into target/browser/docs-NAME.png; throws where a document shows a picture that is not among them. */
export const pictures = async (pages, owner, server, w) => {
  const taken = [];
  for (const [name, url, inside, width] of all(w, server)) {
    const page = await pages.open(url, inside ? { share: owner, width } : { width });
    await page.setViewportSize({ width, height: 860 });
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await page.evaluate(() => document.fonts.ready);
    await shot(page, `docs-${name}`);
    taken.push(`docs/pictures/${name}.png`);
    await page.close();
  }
  const documents = ['README.md', ...(await readdir(new URL('docs/', ROOT))).filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`)];
  for (const document of documents) {
    const text = await readFile(new URL(document, ROOT), 'utf8');
    for (const [, shown] of text.matchAll(/\]\(([^)]*pictures\/[^)]+\.png)\)/g)) {
      const path = shown.startsWith('docs/') ? shown : `docs/${shown}`;
      if (!taken.includes(path)) throw new Error(`${document} shows ${path}, which no run takes`);
      await access(new URL(path, ROOT));
    }
  }
  return `${taken.length} taken`;
};
