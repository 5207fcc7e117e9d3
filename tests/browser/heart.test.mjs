// The heart against the sandbox: the scope picker, the redirect doctor, a whole test, secrets in rotation, scope reviews, the end.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, enter, registerApp } from './lib/dashboard.mjs';
import { startKeybearer } from './lib/keybearer.mjs';
import { cli } from './lib/world.mjs';
import { clean, fits, shot } from './lib/pages.mjs';

const CANARY = 'cnry-secret-that-no-page-shows-0123';

/** A draft of postcards on its set-up page. */
const draft = async (page, url, name) => {
  await page.goto(`${url}/connections/new/postcards`);
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('heading', { name: 'Add a Postcards connection' }).waitFor();
  if (name) await page.getByLabel('Connection name').fill(name);
  return page.locator('#uri').innerText();
};

const fill = async (page, sandbox, app) => {
  await page.getByLabel('Client ID').fill(app.id);
  await page.getByLabel('Client secret').fill(app.secret);
  await page.getByLabel('Sandbox address').fill(sandbox);
};

const step = (page, title) => page.locator('.step').filter({ hasText: title });

/** The page in both widths, clean and fitting, with a picture of each. */
const looks = async (page, name) => {
  for (const [width, dark] of [[1280, false], [390, true]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    await clean(page);
    await fits(page);
    await shot(page, `heart-${name}-${width}-${dark ? 'dark' : 'light'}`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
};

export default {
  'scopes: one line filters and takes lists and addresses, counted aloud; arrows inside; presets; remove': async ({ pages, keybearer }) => {
    const { url } = await keybearer();
    const page = await enter(pages, keybearer);
    await draft(page, url);
    const line = page.getByRole('textbox', { name: /Filter, or type a scope/ });
    const told = page.locator('#told');
    await line.fill('delete');
    assert.equal(await page.locator('[data-scope]:visible').count(), 1);
    await line.fill('own:one');
    await line.press('Enter');
    await page.getByLabel('own:one').waitFor();
    await page.evaluate(() => {
      const text = 'https://p.example/authorize?client_id=x&scope=postcards.read%20postcards.delete%20own:two';
      const data = new DataTransfer();
      data.setData('text', text);
      document.getElementById('custom_scopes').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, cancelable: true, bubbles: true }));
    });
    assert.match(await told.textContent(), /Added 2; 1 already there; 1 not in our list \(kept\)/);
    assert.ok(await page.getByLabel('postcards.delete').isChecked());
    await page.getByText(/Draft saved \d/).waitFor();
    await page.getByLabel('postcards.read').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    assert.match(await told.textContent(), /^postcards\.write, not checked, \d of \d chosen$/);
    assert.equal(await page.locator('#scopes input[tabindex="0"]').count(), 1, 'one stop for Tab');
    await page.getByRole('button', { name: 'Remove own:one' }).click();
    assert.equal(await page.getByLabel('own:one').count(), 0);
    await page.getByRole('button', { name: 'Read only' }).click();
    assert.equal(await page.locator('#all-scopes').textContent(), 'profile.read postcards.read');
    assert.equal(await page.getByRole('button', { name: /all/i }).filter({ hasNotText: 'Copy' }).count(), 0, 'nothing selects everything');
    await page.getByText(/Draft saved \d/).waitFor();
    await looks(page, 'setup');
    await page.getByText('Copy steps for a colleague').click();
    const steps = await page.locator('#colleague').innerText();
    assert.ok(steps.includes('/sso/v1/oauth/conn_') && steps.includes('profile.read'));
    // a scope that includes another one takes it along
    await page.goto(`${url}/connections/new/github`);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('#scopes').waitFor();
    // ids and secrets that changed places are noticed, and change back
    const [id, secret] = ['Ov23liExampleExample', '0123456789abcdef0123456789abcdef01234567'];
    await page.getByLabel('Client ID').fill(secret);
    await page.getByLabel('Client secret').fill(id);
    await page.getByRole('button', { name: 'Show what is typed' }).click();
    assert.equal(await page.locator('#f-client_secret').getAttribute('type'), 'text');
    await page.getByLabel('Label').focus();
    await page.getByText('look as if they were swapped').waitFor();
    await page.getByRole('button', { name: 'Swap' }).click();
    assert.equal(await page.getByLabel('Client ID').inputValue(), id);
    assert.equal(await page.locator('#f-client_secret').inputValue(), secret);
    await page.getByText('look as if they were swapped').waitFor({ state: 'detached' });
    const status = page.locator('[data-scope="repo:status"]');
    if (await status.count() > 0) {
      await page.locator('[data-scope="repo"] input[type=checkbox]').setChecked(true);
      assert.ok(await status.locator('input').isDisabled());
      await status.getByText('Included in repo').waitFor();
    }
  },

  'the redirect doctor: what differs is named and marked before anybody goes there; then ten steps are good': async ({ pages, keybearer }) => {
    const { url, sandbox_url } = await keybearer();
    const page = await enter(pages, keybearer);
    const redirect = await draft(page, url, 'doctor');
    await page.getByText('Answers as itself').waitFor();
    const wrong = await registerApp(pages, page, sandbox_url, `${redirect.replace('http:', 'https:')}/`);
    await fill(page, sandbox_url, { ...wrong, secret: 'pc_secret_of_another_app_0000' });
    await page.getByText(/Draft saved \d/).waitFor();
    await page.getByRole('button', { name: 'Check credentials' }).click();
    await page.getByText('does not accept this client ID and secret together').waitFor();
    await page.getByLabel('Client secret').fill(wrong.secret);
    await page.getByRole('button', { name: 'Check credentials' }).click();
    await page.getByText(/accepts client ID and secret/).waitFor();
    await page.getByRole('button', { name: 'Save and test' }).click();
    await step(page, 'refused the redirect URI').waitFor({ timeout: 15_000 });
    const told = step(page, 'refused the redirect URI');
    assert.match(await told.innerText(), /the scheme and the slash at the end differ/);
    assert.deepEqual(await told.locator('mark').allInnerTexts(), ['http://', 'https://', '/']);
    await told.getByRole('button', { name: 'Copy redirect URI' }).waitFor();
    await step(page, 'Client accepted').filter({ hasText: / ms/ }).waitFor();
    await looks(page, 'doctor');
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('status').getByText('Test stopped').waitFor();
    // the app is put right at the provider, and pasted here
    const right = await registerApp(pages, page, sandbox_url, redirect);
    await page.getByRole('link', { name: 'Replace' }).click();
    await page.getByLabel('New client ID').fill(right.id);
    await page.getByLabel('Its client secret').fill(right.secret);
    await page.getByRole('button', { name: 'Replace client' }).click();
    await page.getByRole('status').getByText('Client replaced').waitFor();
    await page.getByRole('button', { name: 'Test as myself' }).click();
    const link = await page.getByRole('link', { name: /Open the connect page/ }).getAttribute('href');
    const tab = await pages.open(`${url}${link}`, { share: page, origins: [sandbox_url] });
    await connect(tab);
    await page.getByRole('status').getByText('It works.').waitFor({ timeout: 20_000 });
    const verdicts = await page.locator('.step .verdict').allInnerTexts();
    assert.ok(verdicts.length >= 10 && verdicts.every((text) => text.trim() === 'ok:'), verdicts.join());
    for (const title of ['Postcards answers', 'Client accepted', 'You approved', 'Code exchanged', 'Refreshed once', 'Test call']) {
      assert.match(await step(page, title).locator('.took').innerText(), / ms| UTC/, title);
    }
    await looks(page, 'tested');
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('status').getByText('Account deleted').waitFor();
    await page.getByText(/Tested by .*, (\d+) of \1/).waitFor();
    await looks(page, 'connection');
  },

  'what a provider says instead of a code leads to the one fix': async ({ pages, keybearer }) => {
    const server = await keybearer();
    const { url, sandbox_url } = server;
    const run = cli(server);
    const page = await enter(pages, keybearer);
    const redirect = await draft(page, url, 'says-no');
    const app = await registerApp(pages, page, sandbox_url, redirect);
    await fill(page, sandbox_url, app);
    const line = page.getByRole('textbox', { name: /Filter, or type a scope/ });
    await line.fill('no.such.scope');
    await line.press('Enter');
    await page.getByRole('button', { name: 'Save and test' }).click();
    await step(page, 'does not know or allow').waitFor({ timeout: 15_000 });
    await page.getByRole('link', { name: 'Remove scope no.such.scope' }).click();
    await page.getByRole('button', { name: 'Save change' }).click();
    await page.getByRole('status').getByText('Scopes saved').waitFor();
    for (const [how, says, button] of [
      ['test_mode', 'is in test mode', null], ['wrong_tenant', 'another tenant', 'Check the tenant'], ['redirect_mismatch', 'refused the redirect URI', null],
    ]) {
      await page.getByRole('button', { name: /Test as myself|Run again/ }).click();
      const link = await page.getByRole('link', { name: /Open the connect page/ }).getAttribute('href');
      await run('sandbox', 'set', `consent=${how}*1`);
      const tab = await pages.open(`${url}${link}`, { share: page, origins: [sandbox_url], errors: true });
      await tab.getByRole('link', { name: /Continue to/ }).click();
      await tab.getByRole('heading').first().waitFor();
      await step(page, says).waitFor({ timeout: 15_000 });
      assert.match(await step(page, says).innerText(), /Ref [0-9A-Z]{4}-[0-9A-Z]{4}/);
      if (button) await page.getByRole('link', { name: button }).waitFor();
      await tab.close();
    }
    await run('sandbox', 'set', 'consent=works');
  },

  'a secret is replaced without a gap, and no page shows it': async ({ pages, keybearer }) => {
    const server = await keybearer();
    const { url, sandbox_url } = server;
    const page = await enter(pages, keybearer, { errors: true });
    const redirect = await draft(page, url, 'rotates');
    const app = await registerApp(pages, page, sandbox_url, redirect);
    await fill(page, sandbox_url, app);
    await page.getByRole('button', { name: 'Save', exact: true }).last().click();
    await page.getByRole('status').getByText('in use').waitFor();
    await page.getByRole('link', { name: 'Replace' }).click();
    await page.getByLabel('New client secret').fill(CANARY);
    await page.getByRole('button', { name: 'Replace secret' }).click();
    await page.getByRole('alert').getByText('does not accept').waitFor();
    assert.equal(await page.locator(':focus').getAttribute('role'), 'alert');
    assert.ok(!(await page.content()).includes(CANARY));
    await looks(page, 'credentials');
    await page.getByLabel('New client secret').fill(CANARY);
    await page.getByLabel(/Save it even though/).first().check();
    await page.getByLabel('Until I remove it').check();
    await page.getByLabel('It ends at').fill(new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10));
    await page.getByRole('button', { name: 'Replace secret' }).click();
    await page.getByRole('status').getByText('replaced').waitFor();
    await page.getByText(/The client secret ends in \d days/).waitFor();
    await page.getByText(/The earlier one still works: until you remove it/).waitFor();
    await page.getByRole('link', { name: 'Replace', exact: true }).click();
    await page.getByRole('button', { name: 'Remove the earlier one now' }).click();
    await page.getByRole('status').getByText('destroyed').waitFor();
    await page.getByRole('link', { name: 'Node' }).click();
    await page.getByText("'keybearer-connection': \"rotates\"").waitFor();
    await page.goto(`${url}/connections`);
    await page.getByRole('link', { name: 'rotates', exact: true }).click();
    await page.getByText("'keybearer-connection': \"rotates\"").waitFor();
    assert.ok(!(await page.content()).includes(CANARY));
    await page.getByRole('button', { name: 'Duplicate' }).click();
    await page.getByRole('heading', { name: 'Add a Postcards connection' }).waitFor();
    assert.equal(await page.getByLabel('Client ID').inputValue(), '');
    assert.notEqual(await page.locator('#uri').innerText(), redirect);
    await page.goto(`${url}/connections`);
    await looks(page, 'connections');
  },

  'other scopes: who is touched, links for them, and how many are done': async ({ pages, keybearer }) => {
    const server = await keybearer();
    const { url, sandbox_url } = server;
    const run = cli(server);
    const page = await enter(pages, keybearer, { errors: true });
    const redirect = await draft(page, url, 'reviewed');
    const app = await registerApp(pages, page, sandbox_url, redirect);
    await fill(page, sandbox_url, app);
    await page.getByRole('button', { name: 'Save', exact: true }).last().click();
    await page.getByRole('status').getByText('in use').waitFor();
    const connection = page.url();
    for (const user of ['u-1', 'u-2']) {
      const { link } = await run('link', 'reviewed', '--user', user);
      await run('sandbox', 'approve', link, '--as', 'ada');
    }
    await page.goto(`${connection}/setup`);
    await page.getByLabel('postcards.delete').check();
    await page.getByRole('button', { name: 'Save', exact: true }).last().click();
    await page.getByText('2 accounts must sign in again').waitFor();
    await page.getByText('Show the accounts').click();
    await page.getByText('lacks postcards.delete').first().waitFor();
    await looks(page, 'review');
    await page.getByLabel(/Make 2 links now/).check();
    await page.getByRole('button', { name: 'Save change' }).click();
    await page.getByRole('heading', { name: '2 links for reviewed' }).waitFor();
    const links = await page.locator('td code').allInnerTexts();
    assert.equal((await page.locator('#csv').innerText()).trim().split('\n').length, 3);
    await looks(page, 'links');
    await run('sandbox', 'approve', links[0], '--as', 'ada');
    await page.goto(connection);
    await page.getByText('1 of 2 done.').waitFor();
    await page.getByRole('link', { name: 'Delete reviewed' }).click();
    await page.getByText('2 accounts will stop working').waitFor();
    await page.getByText(/Also tell Postcards to revoke them/).waitFor();
    await page.getByText(/1 connect link that is out/).waitFor();
    await looks(page, 'delete');
    await page.getByLabel(/Type reviewed/).fill('reviewed');
    await page.getByRole('button', { name: 'Delete reviewed' }).click();
    await page.getByRole('status').getByText('2 accounts ended with it: 2 revoked at the provider, 0 refused there.').waitFor();
  },

  'without a refresh token the test says until when, and how access goes on; other causes have their own words': async ({ pages }) => {
    // a connector of the sandbox in which one scope brings the refresh token, as with many providers
    const folder = await mkdtemp(join(tmpdir(), 'keybearer-heart-'));
    const plain = await readFile(new URL('../../connectors/postcards/connector.yaml', import.meta.url), 'utf8');
    await mkdir(join(folder, 'offline-cards'));
    await writeFile(join(folder, 'offline-cards', 'connector.yaml'), plain.replace('slug: postcards', 'slug: offline-cards')
      .replace('display_name: Postcards', 'display_name: Offline cards')
      .replace('plain: Write postcards in your name\n        default: true', 'plain: Write postcards in your name\n        grants_refresh_token: true'));
    const server = await startKeybearer(process.env.KEYBEARER_BIN, ['--connectors', folder]);
    try {
      const { url, sandbox_url, dashboard_url } = server;
      const run = cli(server);
      const page = await pages.open(dashboard_url, { origins: [sandbox_url] });
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      await page.goto(`${url}/connections/new/offline-cards`);
      await page.getByRole('button', { name: 'Start' }).click();
      const offline = page.getByRole('checkbox', { name: /Keep working after the user leaves/ });
      assert.equal(await offline.isChecked(), false);
      assert.equal(await page.locator('[data-scope="postcards.write"]').count(), 0, 'it is no row of the list');
      const app = await registerApp(pages, page, sandbox_url, await page.locator('#uri').innerText());
      await fill(page, sandbox_url, app);
      await page.getByLabel('Connection name').fill('offline');
      await run('sandbox', 'set', 'exchange=no_refresh_token', 'api=unauthorized');
      await page.getByRole('button', { name: 'Save and test' }).click();
      const link = await page.getByRole('link', { name: /Open the connect page/ }).getAttribute('href');
      await step(page, 'Client accepted').filter({ hasText: / ms/ }).waitFor({ timeout: 15_000 });
      const tab = await pages.open(`${url}${link}`, { share: page, origins: [sandbox_url] });
      await connect(tab);
      await step(page, 'No refresh token').filter({ hasText: 'Connected, but only until' }).waitFor({ timeout: 15_000 });
      await step(page, 'Test call refused').waitFor({ timeout: 15_000 });
      await page.getByRole('link', { name: 'Turn on offline access' }).click();
      await page.getByText('+ added').waitFor();
      await page.getByText('postcards.write').first().waitFor();
      await page.getByRole('button', { name: 'Save change' }).click();
      await page.getByRole('status').getByText(/Scopes saved/).waitFor();
      await run('sandbox', 'set', 'exchange=works', 'api=works');
    } finally {
      await server.stop();
    }
  },

  'a field that is the same for all is not asked; the catalogue finds by slips of the finger, by keyboard': async ({ pages, keybearer }) => {
    const server = await keybearer();
    const { url } = server;
    const page = await enter(pages, keybearer);
    await page.goto(`${url}/connections/new`);
    await page.keyboard.type('dtadog');
    await page.getByRole('link', { name: /^Dd ?Datadog|Datadog/ }).first().waitFor();
    assert.equal(await page.locator('.links > li:visible').count(), 1);
    await looks(page, 'catalogue');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('heading', { name: /Add a Datadog connection/ }).waitFor();
    await page.getByLabel('Connection name').fill('fixed-site');
    const asked = page.getByRole('group', { name: /site/i }).first();
    await asked.getByRole('radio', { name: /The same for all/ }).check();
    const value = asked.locator('select, input.in').first();
    const site = await value.evaluate((node) => node.options?.[1]?.value ?? 'datadoghq.eu');
    if (await value.evaluate((node) => node.tagName) === 'SELECT') await value.selectOption(site); else await value.fill(site);
    const preview = page.getByRole('group', { name: 'What users read' });
    assert.equal(await preview.getByText('Site', { exact: true }).isVisible(), false, 'the preview follows');
    await page.getByLabel('A sentence on the connect page').fill('Fieldnote reads your monitors.');
    await preview.getByText('Fieldnote reads your monitors.').waitFor();
    await looks(page, 'keys');
    await page.getByRole('button', { name: 'Save', exact: true }).last().click();
    await page.getByRole('status').getByText('in use').waitFor();
    const { link } = await cli(server)('link', 'fixed-site', '--user', 'u-1');
    const user = await pages.open(link);
    await user.getByRole('heading').first().waitFor();
    assert.equal(await user.getByLabel(/^Site/i).count(), 0, 'nobody is asked for it');
    await page.goto(`${url}/connections/new?q=nothing-of-that-name`);
    assert.equal(await page.getByRole('link', { name: 'Describe it yourself' }).first().getAttribute('href'), '/connectors/new?name=nothing-of-that-name');
  },
};
