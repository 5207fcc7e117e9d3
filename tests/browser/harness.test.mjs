// The harness on pages of its own: it finds what is planted, and nothing on a page that is right.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { stat } from 'node:fs/promises';
import { clean, fits, launch, looks, Pages, picture } from './lib/pages.mjs';

const CSP = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const page = (body, head = '') => `<!doctype html><html lang="en"><head><title>A page</title>
<meta name="viewport" content="width=device-width"><style>:root{color-scheme:light dark}</style>${head}</head>
<body><main><h1>A page</h1>${body}</main></body></html>`;

const PAGES = {
  '/good': page('<form><label>Name <input name="name"></label> <button>Send</button></form>'),
  '/unlabelled': page('<form><input name="name"></form><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'),
  '/wide': page('<div style="width:2000px">wide</div>'),
  '/script': page('<p id="seen">without</p>', '<script>addEventListener("load",()=>{seen.textContent="with"})</script>'),
  '/loaded': page('<p id="seen">without</p><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', '<script src="/seen.js" defer></script>'),
  '/seen.js': 'seen.textContent = "with";',
  '/broken': page('<p>text</p>', '<script>nothing.here()</script>'),
};

/** Serves PAGES; the scripts of two of them are why those go without the policy. */
const withPages = async (work) => {
  const server = createServer((request, response) => {
    const html = PAGES[request.url] ?? (request.url.startsWith('/foreign') ? page(`<img alt="" src="http://127.0.0.1:${request.url.split('?')[1]}/x.png">`) : undefined);
    if (request.url === '/favicon.ico') { response.writeHead(204).end(); return; }
    const headers = { 'content-type': request.url.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8' };
    if (['/good', '/unlabelled', '/wide'].includes(request.url)) headers['content-security-policy'] = CSP;
    response.writeHead(html ? 200 : 404, headers).end(html ?? '');
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  // it stays until the process ends: a page may still ask for its icon, and a connection cut then counts as its fault
  server.unref();
  return work(`http://127.0.0.1:${server.address().port}`, server.address().port);
};

/** What `pages.close()` reports after the work, with pages that this test may spoil. */
const faultsOf = async (work) => {
  const browser = await launch();
  const pages = new Pages(browser);
  await work(pages);
  const faults = await pages.close();
  await browser.close();
  return faults;
};

export default {
  'a page that is right is clean in every size and colour, under a strict policy': ({ pages }) => withPages(async (origin) => {
    await looks(await pages.open(`${origin}/good`), 'harness-good');
  }),

  'a planted accessibility fault is found': ({ pages }) => withPages(async (origin) => {
    const opened = await pages.open(`${origin}/unlabelled`, { errors: true });
    await assert.rejects(clean(opened), /axe found 2 faults[\s\S]*(image-alt|label)[\s\S]*(image-alt|label)/);
  }),

  'a planted fault is found where no script loads, and axe says that it needs scripts': ({ pages }) => withPages(async (origin) => {
    const blocked = await pages.open(`${origin}/loaded`, { js: 'blocked' });
    assert.equal(await blocked.locator('#seen').textContent(), 'without');
    await assert.rejects(clean(blocked), /axe found 1 faults[\s\S]*image-alt/);
    await assert.rejects(clean(await pages.open(`${origin}/loaded`, { js: false })), /axe cannot run/);
  }),

  'a page that sticks out is found': ({ pages }) => withPages(async (origin) => {
    await assert.rejects(fits(await pages.open(`${origin}/wide`, { width: 390 })), /2\d\d\d px wide in a window of 390 px/);
  }),

  'a page without scripts runs none': ({ pages }) => withPages(async (origin) => {
    const text = async (options, path = '/script') => (await pages.open(`${origin}${path}`, options)).locator('#seen').textContent();
    assert.equal(await text({}), 'with');
    assert.equal(await text({}, '/loaded'), 'with');
    assert.equal(await text({ js: false }), 'without');
  }),

  'a request to another origin is found, unless it is expected': () => withPages((origin) => withPages(async (_, other) => {
    const open = (options) => faultsOf((pages) => pages.open(`${origin}/foreign?${other}`, { errors: true, ...options }));
    const faults = await open({});
    assert.equal(faults.length, 1, faults.join());
    assert.match(faults[0], /asked another origin: GET http:\/\/127\.0\.0\.1:/);
    assert.deepEqual(await open({ origins: [`http://127.0.0.1:${other}`] }), []);
  })),

  'a script error is found': () => withPages(async (origin) => {
    const faults = await faultsOf((pages) => pages.open(`${origin}/broken`));
    assert.ok(faults.some((fault) => fault.includes('nothing is not defined')), faults.join());
  }),

  'a picture is kept': ({ pages }) => withPages(async (origin) => {
    const path = await picture(await pages.open(`${origin}/good`, { width: 390, dark: true }), 'harness-picture');
    assert.ok((await stat(path)).size > 1000);
  }),
};
