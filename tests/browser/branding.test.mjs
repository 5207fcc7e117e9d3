// The brand of the hosted pages: chosen by keyboard with a preview, seen on a connect link in both themes.
import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enter } from './lib/dashboard.mjs';
import { Keys } from './lib/keys.mjs';
import { startKeybearer } from './lib/keybearer.mjs';
import { clean, fits, looks, shot } from './lib/pages.mjs';
import { cli } from './lib/world.mjs';

const LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><script>alert(1)</script><rect width="40" height="40" rx="10" fill="#00b2e3"/><path d="M12 28V12h16M12 20h12" stroke="#fff" stroke-width="4" fill="none"/><path d="M54 12v16M54 12h12M54 20h9M72 18v10M72 12v1M80 28V18h8v10M96 20h8v8h-8zM112 12v16" stroke="#123" stroke-width="3" fill="none"/></svg>';
/** Colours that fail where nobody computes: too light, of middle grey, the worst of all, another product's own. */
const NASTY = ['#ffcc00', '#777777', '#4b7d87', '#00b2e3'];

let started;
/** A server of this file's own: its brand is nothing for other tests. */
const server = () => { started ??= startKeybearer(process.env.KEYBEARER_BIN); return started; };

const logo = async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'keybearer-logo-')), 'logo.svg');
  await writeFile(file, LOGO);
  return file;
};

const inBoth = async (page, look) => {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await look(colorScheme);
  }
  await page.emulateMedia({ colorScheme: 'light' });
};

export default {
  '12 branding by keyboard: name, colour, logo, preview, save': async ({ pages }) => {
    const { url } = await server();
    const page = await enter(pages, server);
    await page.goto(url);
    const keys = new Keys(page);
    await keys.go(/^Hosted pages/);
    await page.getByRole('heading', { name: 'Hosted pages', level: 1 }).waitFor();
    await keys.fill(/^App name/, 'Fieldnote');
    await keys.fill(/^Brand colour/, '#00b2e3');
    await page.locator('#contrast').getByText('As a link on white: #067ea1, 4.66:1. Good.').waitFor();
    await page.frameLocator('#preview').getByRole('heading', { name: /^Fieldnote wants to connect/ }).waitFor();
    const phone = new URL(await page.locator('#preview-phone').getAttribute('href'), url);
    assert.equal(phone.searchParams.get('colour'), '#00b2e3', 'the code follows what is typed');
    await page.locator('#logo').setInputFiles(await logo()); // the file chooser itself is the system's
    await keys.to(/^Page/);
    await page.keyboard.type('Done');
    await page.frameLocator('#preview').getByRole('heading', { name: 'CodeHarbor is connected' }).waitFor();
    await keys.to(/^Language$/);
    await page.keyboard.type('Deutsch');
    await page.frameLocator('#preview').getByRole('link', { name: 'Zurück zu Fieldnote' }).waitFor();
    await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
    await keys.go(/^Save$/, 120);
    await page.getByRole('status').getByText('Parts of the logo that could run or load something were left out').waitFor();
    assert.equal(await page.getByLabel('Brand colour', { exact: true }).inputValue(), '#00b2e3');
    assert.equal(await page.locator('#screen').inputValue(), 'done', 'the preview stays where it was');
    await page.frameLocator('#preview').locator('.logo img').evaluate((image) => image.decode());
    for (const width of [1280, 390, 320]) {
      await page.setViewportSize({ width, height: 900 });
      await inBoth(page, async (theme) => { await clean(page); await fits(page); await shot(page, `branding-${width}-${theme}`); });
    }
  },

  'without scripts the preview follows a button, and a wrong answer stands at its field': async ({ pages }) => {
    const { url } = await server();
    const page = await enter(pages, server, { js: 'blocked', errors: true });
    await page.goto(`${url}/branding`);
    await page.getByLabel('App name').fill('Postcards & <b>more</b>');
    await page.getByLabel('Page', { exact: true }).selectOption('denied');
    await page.getByRole('button', { name: 'Show in the preview' }).click();
    await page.frameLocator('#preview').getByText('go back to Postcards & <b>more</b>').waitFor();
    await page.getByRole('link', { name: 'Send to my phone' }).click();
    await page.getByRole('img', { name: 'The preview as a QR code' }).waitFor();
    await page.getByText('only this machine reaches that').waitFor();
    await looks(page, 'branding-phone', [1280, 390]);
    const phone = await pages.open(await page.locator('#url').innerText(), { width: 390, dark: true });
    await phone.getByText('go back to Postcards & <b>more</b>').waitFor();
    await clean(phone);
    await fits(phone);
    await shot(phone, 'branding-on-phone');
    await page.getByRole('link', { name: 'Back to Hosted pages' }).click();
    await page.getByLabel('Brand colour', { exact: true }).fill('blue');
    await page.getByLabel('Support link').fill('javascript:alert(1)');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').getByText('2 answers need a change').waitFor();
    assert.equal(await page.getByLabel('Brand colour', { exact: true }).getAttribute('aria-invalid'), 'true');
    await clean(page);
    await shot(page, 'branding-wrong');
  },

  'wording: found by a word of it, a place that is lost is told, then it stands on the page': async ({ pages }) => {
    const { url } = await server();
    const page = await enter(pages, server, { errors: true });
    await page.goto(`${url}/branding`);
    await page.getByRole('link', { name: 'Change wording' }).click();
    await page.getByLabel('Language').selectOption('de');
    await page.getByLabel('Or search all of it').fill('fährt fort');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByLabel('Language').selectOption('de');
    await page.getByLabel('Or search all of it').fill('start.heading');
    await page.getByRole('button', { name: 'Show' }).click();
    const heading = page.getByLabel('start.heading', { exact: true });
    await heading.fill('Bitte {provider} verbinden');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('This must keep {app}: a value stands there.').waitFor();
    await clean(page);
    await shot(page, 'branding-words-wrong');
    await heading.fill('{app} bittet um Ihr Konto bei {provider}');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').getByText('Saved.').waitFor();
    for (const width of [1280, 320]) {
      await page.setViewportSize({ width, height: 900 });
      await inBoth(page, async (theme) => { await clean(page); await fits(page); await shot(page, `branding-words-${width}-${theme}`); });
    }
    await page.goto(`${url}/branding/preview/start?lang=de`);
    await page.getByRole('heading', { name: /bittet um Ihr Konto bei CodeHarbor$/ }).waitFor();
  },

  'a connect page in colours that are hard to read is clean in both themes, with its logo and links': async ({ pages }) => {
    const dev = await server();
    const keybearer = cli(dev);
    const { link } = await keybearer('link', 'postcards', '--user', 'brand@fieldnote.example');
    await keybearer('branding', 'set', '--app-name', 'Fieldnote', '--logo', await logo(), '--support-url', 'https://fieldnote.example/help', '--privacy-url', 'https://fieldnote.example/privacy', '--corners', 'round');
    for (const colour of NASTY) {
      await keybearer('branding', 'set', '--colour', colour);
      const page = await pages.open(link);
      const shown = await page.locator('.btn.main').evaluate((button) => getComputedStyle(button).backgroundColor);
      const [red, green, blue] = colour.match(/\w\w/g).map((digits) => Number.parseInt(digits, 16));
      assert.equal(shown, `rgb(${red}, ${green}, ${blue})`);
      await inBoth(page, async (theme) => { await clean(page); await fits(page); await shot(page, `branded-${colour.slice(1)}-${theme}`); });
      assert.ok(await page.locator('.logo img').evaluate((image) => image.decode().then(() => image.naturalWidth > 0)));
      await page.getByRole('link', { name: 'Help' }).waitFor();
      await page.getByRole('link', { name: 'Privacy' }).waitFor();
      await page.close();
    }
    const small = await pages.open(link, { width: 320, dark: true });
    await clean(small);
    await fits(small);
    await shot(small, 'branded-320-dark');
  },

  'languages that are off are neither shown nor offered, and the usual one is read by who reads none': async ({ pages }) => {
    const dev = await server();
    const keybearer = cli(dev);
    await keybearer('branding', 'set', '--language-off', 'ja', '--language-off', 'en', '--default-language', 'nl');
    const { link } = await keybearer('link', 'postcards', '--user', 'words@fieldnote.example');
    const page = await pages.open(link);
    assert.equal(await page.locator('html').getAttribute('lang'), 'nl');
    await page.locator('details.languages summary').click();
    const offered = await page.locator('details.languages a').evaluateAll((links) => links.map(({ hreflang }) => hreflang));
    assert.deepEqual(offered, ['de', 'es', 'fr', 'it', 'pl', 'pt-BR', 'ar', 'ko', 'zh-Hans']);
    await keybearer('branding', 'set', '--language-off', 'none', '--default-language', '', '--theme', 'dark');
    await page.reload();
    assert.equal(await page.locator('html').getAttribute('lang'), 'en');
    const surface = () => page.locator('.card').first().evaluate((card) => getComputedStyle(card).backgroundColor);
    assert.equal(await surface(), 'rgb(21, 29, 32)', 'dark for everybody');
    await clean(page);
    await shot(page, 'branded-forced-dark');
    await (await server()).stop();
  },
};
