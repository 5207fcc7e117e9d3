// Q3 to Q6: what a page needs, as the browser would fetch it: itself, its styles, scripts and fonts.
import { gzipSync } from 'node:zlib';

const KB = 1024;
const links = (html, pattern) => [...html.matchAll(pattern)].map(([, href]) => href);

/** Sizes of the page at `url`, in bytes; text is gzipped, fonts are as they are. */
export const weigh = async (request, url) => {
  const html = await (await request.get(url)).text();
  const fetched = async (href) => (await request.get(new URL(href, url).href)).body();
  const zipped = (body) => gzipSync(body).length;
  const sheets = links(html, /<link rel="stylesheet" href="([^"]+)"/g);
  const styles = await Promise.all(sheets.map(fetched));
  const scripts = await Promise.all(links(html, /<script[^>]* src="([^"]+)"/g).map(fetched));
  const faces = styles.flatMap((style, number) => links(style.toString(), /url\(([^)]+\.woff2)\)/g)
    .map((face) => new URL(face, new URL(sheets[number], url)).href));
  const fonts = await Promise.all([...new Set(faces)].map(fetched));
  const sum = (bodies, size) => bodies.reduce((all, body) => all + size(body), 0);
  return {
    text: zipped(Buffer.from(html)) + sum(styles, zipped),
    fonts: sum(fonts, (body) => body.length),
    scripts: sum(scripts, zipped),
    inline: /<script(?![^>]* src=)/.test(html) || /\son\w+=/.test(html.replaceAll(/"[^"]*"/g, '""')),
  };
};

/** The heaviest of the pages: name and bytes of each kind. */
export const heaviest = async (request, base, screens) => {
  const worst = { text: 0, fonts: 0, scripts: 0, inline: [] };
  for (const [name, path] of Object.entries(screens)) {
    const weight = await weigh(request, new URL(path, base).href);
    for (const kind of ['text', 'fonts', 'scripts']) worst[kind] = Math.max(worst[kind], weight[kind]);
    if (weight.inline) worst.inline.push(name);
  }
  return worst;
};

export const kilobytes = (bytes) => `${(bytes / KB).toFixed(1)} KB`;
