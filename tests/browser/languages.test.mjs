// The hosted pages in other languages, from right to left, at length, and inside other apps; and what the script saves.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { clean, fits, shot } from './lib/pages.mjs';
import { NAMES, site } from './lib/preview.mjs';

const TAGS = ['en', 'de', 'es', 'fr', 'it', 'nl', 'pl', 'pt-BR', 'ar', 'ja', 'ko', 'zh-Hans'];
const address = (name, tag) => `${site}/_hosted/${name}?lang=${tag}`;
const errors = true;

/**
 * Every page in a language: axe at 1280, then as narrow as a phone. Every second one is dark; in the next language, the
 * others. Arabic and the long one are seen whole by axe; in the others, whose pages have the same structure, every second.
 */
const everyPage = (tag, shift) => async ({ pages }) => {
  const page = await pages.open('about:blank', { origins: [site], errors });
  for (const [index, name] of [...NAMES, 'no-such-page'].entries()) {
    const dark = (index + shift) % 2 === 1;
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(address(name, tag));
    assert.equal(await page.locator('html').getAttribute('lang'), tag);
    if (['ar', 'en-x-long'].includes(tag) || index % 2 === shift % 2 || name === 'embedded') await clean(page);
    await page.setViewportSize({ width: 320, height: 700 });
    await fits(page);
    const cut = await page.locator('main *, footer *').evaluateAll((all) => all
      .filter((one) => !one.closest('.vh, svg') && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline' && !one.matches('input, textarea, select'))
      .map((one) => one.outerHTML.slice(0, 80)));
    assert.deepEqual(cut, [], `${name} in ${tag} at 320 px`);
    if (['start', 'keys-wrong', 'embedded', 'done-partial'].includes(name)) {
      await page.setViewportSize({ width: 390, height: 800 });
      await shot(page, `lang-${tag}-${name}-${dark ? 'dark' : 'light'}`);
    }
  }
};

const looks = Object.fromEntries(['de', 'ja', 'ar', 'en-x-long', 'en-x-mirror'].map((tag, index) => [
  `${tag}: every page is clean and fits`, everyPage(tag, index),
]));

export default {
  ...looks,

  'in every language a page is at most 12 KB of HTML and style, and the script at most 8 KB': async () => {
    const style = gzipSync(await (await fetch(`${site}/static/x/hosted.css`)).text()).length;
    for (const tag of TAGS) {
      for (const name of NAMES) {
        const html = await (await fetch(address(name, tag))).text();
        assert.match(html, new RegExp(`<html lang="${tag}"`));
        const sum = style + gzipSync(html).length;
        assert.ok(sum <= 12 * 1024, `${name} in ${tag}: ${sum} bytes`);
      }
    }
    const script = gzipSync(await (await fetch(`${site}/static/x/hosted.js`)).text()).length;
    assert.ok(script <= 8 * 1024, `${script} bytes of script`);
  },

  'the browser decides, then the person, who is remembered; without scripts': async ({ pages }) => {
    const page = await pages.open('about:blank', { origins: [site], js: false });
    await page.setExtraHTTPHeaders({ 'accept-language': 'fr-CA,fr;q=0.9,en;q=0.5' });
    await page.goto(`${site}/c/start`);
    await page.getByRole('heading', { name: 'Fieldnote souhaite se connecter' }).waitFor();
    await page.locator('summary').press('Enter');
    await page.getByRole('link', { name: '日本語' }).click();
    await page.getByRole('heading', { name: 'CodeHarbor アカウント' }).waitFor();
    await page.goto(`${site}/c/keys`);
    assert.equal(await page.locator('html').getAttribute('lang'), 'ja');
  },

  'what the connector says is marked as English, names and addresses keep their direction': async ({ pages }) => {
    const page = await pages.open(address('start-fields', 'ar'), { errors });
    assert.equal(await page.locator('html').getAttribute('dir'), 'rtl');
    assert.equal(await page.locator('label bdi').first().getAttribute('lang'), 'en');
    assert.equal(await page.locator('.perm li bdi').first().getAttribute('lang'), 'en');
    const [before, input, after] = await Promise.all(['#f0p', '#f0', '#f0s'].map((id) => page.locator(id).boundingBox()));
    assert.ok(before.x < input.x && input.x < after.x, 'https:// stands left of the field, the ending right of it');
    const line = await page.locator('.perm li').first().evaluate((item) => [item.querySelector('svg'), item.querySelector('span')].map((one) => one.getBoundingClientRect().x));
    assert.ok(line[0] > line[1], 'the mark stands at the right of the line');
  },

  'inside another app a strict service is told how to get out, and one may try all the same': async ({ pages }) => {
    const page = await pages.open('about:blank', { origins: [site, 'https://codeharbor.example'], js: 'blocked' });
    await page.setExtraHTTPHeaders({ 'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Instagram 350.0' });
    await page.goto(`${site}/c/embedded`);
    await page.getByRole('heading', { name: 'Open this page in your browser' }).waitFor();
    await page.getByText('You are in Instagram.').waitFor();
    assert.equal(await page.getByLabel('Or copy this address').inputValue(), `${site}/c/embedded`);
    assert.equal(await page.getByRole('button', { name: 'Copy link' }).count(), 0, 'no button that does nothing');
    await clean(page);
    await page.getByRole('link', { name: 'Try here anyway' }).click();
    await page.getByRole('link', { name: 'Continue to CodeHarbor' }).waitFor();
    await page.goto(`${site}/c/start`);
    await page.getByRole('link', { name: 'Continue to CodeHarbor' }).waitFor();
  },

  'with the script a secret can be shown, an address copied, a key read from a file': async ({ pages }) => {
    const page = await pages.open(address('keys-kinds', 'en'), { errors });
    const chooser = page.waitForEvent('filechooser');
    await page.getByText('Choose a file').click();
    await (await chooser).setFiles({ name: 'key.pem', mimeType: 'text/plain', buffer: Buffer.from('-----BEGIN X-----') });
    await page.waitForFunction(() => document.querySelector('textarea').value === '-----BEGIN X-----');
    await clean(page);
    await page.goto(address('keys', 'de'));
    const odd = page.getByText('Das sieht nicht richtig aus.');
    assert.equal(await odd.isVisible(), false);
    await page.getByLabel('API key').fill('abcd');
    await page.getByLabel('Application key').focus();
    await odd.waitFor();
    assert.match(await page.getByLabel('API key').getAttribute('aria-describedby'), /^f1o /);
    await clean(page);
    await page.getByLabel('API key').fill(` Bearer "${'a1'.repeat(16)}" `);
    await page.getByLabel('Application key').focus();
    await odd.waitFor({ state: 'hidden' });
    await page.goto(address('keys', 'en'));
    const key = page.getByLabel('API key');
    await key.fill('s3cret');
    await page.getByRole('button', { name: 'Show' }).first().click();
    assert.equal(await key.getAttribute('type'), 'text');
    await clean(page);
    await page.getByRole('button', { name: 'Hide' }).click();
    assert.equal(await key.getAttribute('type'), 'password');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(address('embedded', 'en'));
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${site}/c/embedded`);
    assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  },

  'a wait counts down in the plural forms of its language, and ends': async ({ pages }) => {
    const page = await pages.open('about:blank', { origins: [site], errors });
    await page.clock.install();
    await page.goto(address('tries', 'pl'));
    const wait = page.locator('[data-wait]');
    const told = async () => (await wait.innerText()).match(/\d+ \S+/)?.[0];
    assert.equal(await told(), '8 minut.');
    await page.clock.runFor(4 * 60_000 + 1_000);
    assert.equal(await told(), '4 minuty.');
    await page.clock.runFor(4 * 60_000);
    await wait.waitFor({ state: 'hidden' });
  },

  'a slow provider: a page that goes on by itself, without scripts, also after a reload': async ({ pages, keybearer }) => {
    const { cli } = await import('./lib/world.mjs');
    const server = await keybearer();
    const run = cli(server);
    const { link } = await run('link', 'postcards', '--user', 'slow@fieldnote.example', '--locale', 'fr');
    await run('sandbox', 'set', 'exchange=slow:4000*1');
    try {
      const page = await pages.open(link, { js: false, errors, origins: [server.sandbox_url] });
      await page.getByRole('link', { name: /Postcards/ }).click();
      await page.getByRole('button', { name: /Ada/ }).first().click();
      const [allow, finishing] = [page.getByRole('button', { name: 'Allow' }), page.getByRole('heading', { name: 'On termine avec Postcards…' })];
      await allow.or(finishing).waitFor(); // who agreed before is not asked again
      if (await allow.count() > 0) await allow.click();
      await finishing.waitFor();
      await page.reload();
      await page.getByRole('heading', { name: 'Postcards est connecté' }).waitFor();
    } finally {
      await run('sandbox', 'set', 'exchange=works');
    }
  },

  'a link in a language, made on the dashboard, opens in it': async ({ pages, keybearer }) => {
    const { enter } = await import('./lib/dashboard.mjs');
    const { url } = await keybearer();
    const page = await enter(pages, keybearer);
    await page.goto(`${url}/links`);
    await page.getByLabel('User').fill('mei');
    await page.getByLabel('Language').selectOption('zh-Hans');
    await page.getByRole('button', { name: 'Create link' }).click();
    const link = (await page.locator('main').innerText()).match(/https?:\S+\/c\/\w+/)[0];
    const user = await pages.open(link, { errors });
    assert.equal(await user.locator('html').getAttribute('lang'), 'zh-Hans');
    await user.goto(`${url}/nothing-here`);
    await user.getByRole('heading', { name: 'There is nothing at this address' }).waitFor();
    await clean(user);
  },
};
