// The dashboard in a real browser, against the sandbox: the way in, the heart, links, keyboard, no scripts, looks.
import assert from 'node:assert/strict';
import { connect, draft, EMAIL, enter, PASSWORD, registerApp, serve, tabTo } from './lib/dashboard.mjs';
import { clean, shot } from './lib/pages.mjs';

export default {
  'first run: the link that the server prints makes the owner, and only once': async ({ pages }) => {
    const server = await serve();
    try {
      const stranger = await pages.open(server.url);
      await stranger.getByRole('heading', { name: 'This server has no owner yet' }).waitFor();
      await clean(stranger);
      const page = await pages.open(server.link);
      await page.getByLabel('E-mail').fill('ada@fieldnote.example');
      await page.getByLabel('Your name').fill('Ada Obi');
      await page.getByRole('radio', { name: 'Password' }).check();
      await page.locator('#password').fill('correct horse battery staple');
      await clean(page);
      await shot(page, 'dashboard-setup');
      await page.getByRole('button', { name: 'Create owner' }).click();
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      await page.getByText('Ada Obi').waitFor();
      const second = await pages.open(server.link, { errors: true });
      await second.getByRole('heading', { name: /Sign in|ended/ }).waitFor();
    } finally {
      server.stop();
    }
  },

  'signing in: a wrong password is told, the right one leads back to the page asked for': async ({ pages, keybearer }) => {
    const first = await enter(pages, keybearer);
    const { url } = await keybearer();
    await first.getByRole('button', { name: 'Sign out' }).click();
    await first.getByRole('status').getByText('Signed out.').waitFor();
    const page = await pages.open(`${url}/accounts?state=EXPIRED`, { errors: true });
    await page.getByLabel('E-mail').fill(EMAIL);
    await page.getByLabel('Password').fill('not the right one');
    await page.getByRole('button', { name: 'Sign in' }).click();
    const alert = page.getByRole('alert');
    assert.match(await alert.innerText(), /e-mail address or the password is wrong/);
    assert.equal(await page.locator(':focus').getAttribute('role'), 'alert');
    await clean(page);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${url}/accounts?state=EXPIRED`);
  },

  'the heart: a connection of one\'s own app, saved, tested as oneself, with a verdict on each step': async ({ pages, keybearer }) => {
    const { sandbox_url, url } = await keybearer();
    const page = await enter(pages, keybearer);
    await draft(page);
    const redirect = await page.locator('#uri').innerText();
    assert.match(redirect, new RegExp(`^${url}/sso/v1/oauth/conn_\\d+/callback$`));
    const app = await registerApp(pages, page, sandbox_url, redirect);
    await page.getByLabel('Connection name').fill('cards');
    await page.getByLabel('Client ID').fill(app.id);
    await page.getByLabel('Client secret').fill(app.secret);
    await page.getByLabel('Sandbox address').fill(sandbox_url);
    await page.getByLabel('postcards.delete').check();
    await page.getByText(/Draft saved \d/).waitFor();
    await page.reload();
    assert.equal(await page.getByLabel('Client ID').inputValue(), app.id, 'the draft came through the reload');
    assert.equal(await page.getByLabel('Client secret').inputValue(), '');
    await page.getByText(`ends in ${app.secret.slice(-4)}`).waitFor();
    assert.ok(!(await page.content()).includes(app.secret));
    await clean(page);
    await shot(page, 'dashboard-draft');
    await page.getByRole('button', { name: 'Save and test' }).click();
    await page.getByRole('heading', { name: 'Test cards' }).waitFor();
    await clean(page);
    await shot(page, 'dashboard-test-waiting');
    const link = await page.getByRole('link', { name: /Open the connect page/ }).getAttribute('href');
    const tab = await pages.open(`${url}${link}`, { share: page, origins: [sandbox_url] });
    await tab.getByText(/test/i).first().waitFor();
    await connect(tab);
    await page.getByRole('status').getByText('It works.').waitFor({ timeout: 15_000 });
    for (const step of ['Settings complete', 'You approved', 'Code exchanged', 'Scopes granted', 'Refresh token', 'Connected as']) {
      assert.ok(await page.getByRole('listitem').filter({ hasText: step }).filter({ hasText: /^ok/ }).count(), step);
    }
    await clean(page);
    await shot(page, 'dashboard-test-done');
    await page.getByRole('link', { name: 'Keep as test account' }).click();
    await page.getByText(/It works: connected as/).waitFor();
  },

  'a test that fails says which step, why, and what to do': async ({ pages, keybearer }) => {
    const { sandbox_url, url } = await keybearer();
    const page = await enter(pages, keybearer, { errors: true });
    await draft(page);
    const app = await registerApp(pages, page, sandbox_url, await page.locator('#uri').innerText());
    await page.getByLabel('Client ID').fill(app.id);
    await page.getByLabel('Client secret').fill('pc_secret_of_another_app_0000');
    await page.getByLabel('Sandbox address').fill(sandbox_url);
    await page.getByRole('button', { name: 'Save and test' }).click();
    const link = await page.getByRole('link', { name: /Open the connect page/ }).getAttribute('href');
    const tab = await pages.open(`${url}${link}`, { share: page, origins: [sandbox_url], errors: true });
    await tab.getByRole('link', { name: /Continue to/ }).click();
    await tab.getByRole('button', { name: /Ada/ }).first().click();
    await tab.getByRole('button', { name: 'Allow' }).click();
    await tab.getByRole('heading', { name: /would not accept/ }).waitFor();
    await page.getByText('does not accept this client ID and secret together').waitFor({ timeout: 15_000 });
    await page.getByRole('link', { name: 'Replace secret' }).waitFor();
    await clean(page);
    await shot(page, 'dashboard-test-failed');
  },

  'a link is made and a user connects with it': async ({ pages, keybearer }) => {
    const { url, sandbox_url } = await keybearer();
    const page = await enter(pages, keybearer);
    await page.goto(`${url}/links`);
    await page.getByLabel('Connection').selectOption({ label: 'postcards (Postcards)' });
    await page.getByLabel('User').fill('user-1');
    await page.locator('[name=return_url]').fill(`${sandbox_url}/apps`);
    await page.getByRole('button', { name: 'Create link' }).click();
    await page.getByRole('img', { name: 'The link as a QR code' }).waitFor();
    await clean(page);
    await shot(page, 'dashboard-link');
    const link = await page.locator('#url').innerText();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy the link' }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);
    const user = await pages.open(link, { origins: [sandbox_url] });
    await connect(user, 'Ben|Ada');
    const stays = user.getByRole('link', { name: 'Stay on this page' });
    await user.getByRole('status').getByText(/^You go back to .* in 3 seconds\./).waitFor();
    assert.match(await user.locator('meta[http-equiv=refresh]').getAttribute('content'), /^3;url=http/);
    await stays.click();
    await user.getByText('You are signed in there as').waitFor();
    assert.equal(await user.locator('meta[http-equiv=refresh]').count() + await stays.count(), 0);
    await clean(user);
    await user.goBack(); // the page that goes by itself, again
    await user.waitForURL(`${sandbox_url}/apps`);
    await page.goto(`${url}/accounts?q=user-1`);
    await page.getByRole('cell', { name: 'Active' }).waitFor();
    await page.getByRole('link', { name: 'user-1', exact: true }).click();
    await page.getByText('granted', { exact: true }).first().waitFor();
    await clean(page);
    await shot(page, 'dashboard-account');
  },

  'by keyboard alone: sign in, find a connector, start a draft, save it': async ({ pages, keybearer }) => {
    await enter(pages, keybearer);
    const { url } = await keybearer();
    const page = await pages.open(`${url}/login?next=/connections/new`, { errors: true });
    await tabTo(page, /^E-mail$/);
    await page.keyboard.type(EMAIL);
    await tabTo(page, /^Password$/);
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Add a connection' }).waitFor();
    assert.equal(await page.locator(':focus').getAttribute('name'), 'q', 'the search has the focus');
    await page.keyboard.type('postcards');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=postcards/);
    await tabTo(page, /^Pc|^P.*Postcards/);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Start' }).waitFor();
    await tabTo(page, /^Start$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Add a Postcards connection' }).waitFor();
    await tabTo(page, /^Client ID/);
    await page.keyboard.type('id-by-keyboard');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    assert.equal(await page.locator(':focus').getAttribute('role'), 'alert', 'what is missing has the focus');
    await tabTo(page, /Client secret must be given/, 3);
    await page.keyboard.press('Enter');
    assert.equal(await page.locator(':focus').getAttribute('name'), 'client_secret');
  },

  'without scripts: sign in, draft, save, pause, resume, delete with the typed name': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer, { js: false, errors: true });
    const { sandbox_url } = await keybearer();
    await draft(page);
    await page.getByLabel('Connection name').fill('plain');
    await page.getByLabel('Client ID').fill('id-1');
    await page.getByLabel('Client secret').fill('secret-of-plain');
    await page.getByLabel('Sandbox address').fill(sandbox_url);
    await page.getByRole('button', { name: 'Save', exact: true }).last().click();
    await page.getByRole('status').getByText('The connection is in use.').waitFor();
    assert.equal(await page.getByRole('button', { name: /^Copy/ }).count(), 0, 'no button that could do nothing');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('status').getByText('Paused.').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('status').getByText('Resumed.').waitFor();
    await page.getByRole('button', { name: 'dark' }).click();
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
    await page.getByRole('link', { name: 'Delete plain' }).click();
    await page.getByRole('button', { name: 'Delete plain' }).click();
    await page.getByRole('status').getByText('Deleted.').waitFor();
  },
};
