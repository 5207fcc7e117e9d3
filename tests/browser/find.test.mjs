// The find box, the keys, and what a refused page says beyond the refusal.
import assert from 'node:assert/strict';
import { enter, tabTo } from './lib/dashboard.mjs';
import { Keys } from './lib/keys.mjs';
import { startKeybearer } from './lib/keybearer.mjs';
import { clean, fits, shot } from './lib/pages.mjs';
import { world } from './lib/world.mjs';

const at = async ({ pages, keybearer }, path, options) => {
  const server = await keybearer();
  const filled = await world(server);
  const page = await enter(pages, keybearer, options);
  await page.goto(server.url + path);
  return { server, filled, page };
};
const dialog = (page) => page.getByRole('dialog', { name: 'Find' });

export default {
  'Ctrl K finds a connection, a user, a page, a reference, and Enter goes there': async (context) => {
    const { server, filled, page } = await at(context, '/logs');
    for (const [text, path] of [
      ['postc', `/connections/${filled.postcards}`], ['ada@field', `/users/${encodeURIComponent(filled.user).replaceAll('%40', '@').replaceAll('.', '%2E')}`],
      ['team', '/settings/people'], [filled.reference.toLowerCase(), `/logs/${filled.reference}`], ['gcal', '/connections/new/google-calendar'],
    ]) {
      await page.keyboard.press('Control+k');
      await dialog(page).waitFor();
      await page.keyboard.type(text);
      await page.waitForFunction((path) => document.querySelector('dialog #hits a')?.getAttribute('href') === path, path).catch(async () => {
        throw new Error(`${text} first finds ${await page.locator('dialog #hits a').first().getAttribute('href')}, not ${path}`);
      });
      await page.keyboard.press('Enter');
      await page.waitForURL(server.url + path);
    }
    await page.keyboard.press('Meta+k');
    await dialog(page).waitFor();
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.locator(':focus').getAttribute('href'), '/');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.type('nothing of that kind');
    await dialog(page).getByText('Nothing is called so.').waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('dialog[open]').count(), 0);
  },

  'keys of one letter act outside fields, and can be switched off': async (context) => {
    const { server, filled, page } = await at(context, '/connections');
    await page.keyboard.press('?');
    await dialog(page).getByRole('heading', { name: 'Keys' }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'keys');
    await page.keyboard.press('Escape');
    await page.keyboard.press('l');
    await page.waitForURL(`${server.url}/links`);
    await page.getByLabel('User').focus();
    await page.keyboard.type('l?');
    assert.equal(await page.getByLabel('User').inputValue(), 'l?');
    await page.goto(`${server.url}/connections/${filled.github}`);
    await page.goto(`${server.url}/find`);
    const keys = new Keys(page);
    await keys.go(/Keys of one letter/);
    assert.equal(await page.getByRole('button', { name: 'Keys of one letter' }).getAttribute('aria-pressed'), 'false');
    await page.goto(`${server.url}/connections`);
    await page.keyboard.press('l');
    await page.keyboard.press('?');
    await page.keyboard.press('Control+k');
    await dialog(page).waitFor();
    assert.equal(new URL(page.url()).pathname, '/connections');
  },

  'find works without scripts': async ({ pages, keybearer }) => {
    const server = await keybearer();
    const filled = await world(server);
    const page = await enter(pages, keybearer, { js: false });
    await page.goto(server.url);
    await tabTo(page, /^Find/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Find', exact: true }).waitFor();
    await page.getByRole('searchbox').fill('postcarsd');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: /^postcards/ }).first().waitFor();
    assert.equal(await page.getByRole('link', { name: /^postcards/ }).first().getAttribute('href'), `/connections/${filled.postcards}`);
  },

  'a page that is not there says what is near': async (context) => {
    const { filled, server, page } = await at(context, '/connections/postcarsd', { errors: true });
    await page.getByText('Looked for: postcarsd').waitFor();
    assert.equal(await page.getByRole('link', { name: /^postcards/ }).first().getAttribute('href'), `/connections/${filled.postcards}`);
    await page.getByRole('link', { name: 'Search everything for postcarsd' }).click();
    await page.waitForURL(`${server.url}/find?q=postcarsd`);
  },

  'who may not is told which role it takes, and whom to ask': async ({ pages, keybearer }) => {
    const server = await keybearer();
    const owner = await enter(pages, keybearer);
    await owner.goto(`${server.url}/settings/people`);
    await owner.getByLabel('E-mail').fill('vera@fieldnote.example');
    await owner.getByLabel(/viewer/).check();
    await owner.getByRole('button', { name: 'Invite' }).click();
    const page = await pages.open(await owner.locator('#link').innerText(), { errors: true });
    await page.getByRole('radio', { name: 'Password' }).check();
    await page.getByRole('textbox', { name: 'Password' }).fill('a long pass phrase of vera');
    await page.locator('main form button').last().click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.goto(`${server.url}/logs`);
    await page.getByRole('heading', { name: 'Your role does not allow that.' }).waitFor();
    await page.getByText('It takes the role owner, developer or auditor; you have viewer.').waitFor();
    await page.getByText(/Ask one of them: .*You/).waitFor();
    await page.goto(`${server.url}/settings/people`);
    await page.getByText('It takes the role owner, developer or auditor; you have viewer.').waitFor();
    await clean(page);
    await shot(page, 'no-access');
  },

  'a server that is away leaves the old page standing, and says since when': async ({ pages }) => {
    const server = await startKeybearer(process.env.KEYBEARER_BIN);
    const page = await pages.open(server.dashboard_url, { errors: true, origins: [server.sandbox_url] });
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.goto(`${server.url}/logs?live=1`);
    await page.clock.install();
    await page.reload();
    await page.getByRole('heading', { name: 'Logs' }).waitFor();
    await server.stop();
    await page.clock.runFor(5_500);
    await page.getByText(/The server has not answered since .* again in 10 seconds/).first().waitFor();
    await page.clock.runFor(10_500);
    await page.getByText(/again in 20 seconds/).first().waitFor();
    assert.ok(await page.locator('.steps.old').count() > 0 || await page.locator('.steps').count() === 0);
    await clean(page);
  },

  'looks: find and the dialog fit and are clean': async (context) => {
    const { server, page } = await at(context, '/find?q=p');
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme });
      for (const width of [1280, 390, 320]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(`${server.url}/find?q=p`);
        await clean(page);
        await fits(page);
        await shot(page, `find-${scheme}-${width}`);
        await page.goto(server.url);
        await page.keyboard.press('Control+k');
        await dialog(page).waitFor();
        await page.keyboard.type('a');
        await dialog(page).getByRole('heading', { name: 'Users' }).waitFor();
        await clean(page);
        await fits(page);
        await shot(page, `find-dialog-${scheme}-${width}`);
      }
    }
  },
};
