// The pages of the settings, by keyboard: address, verification, environments, keys, retention, the trail.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { enter, tabTo } from './lib/dashboard.mjs';
import { clean, looks } from './lib/pages.mjs';
import { cli, world } from './lib/world.mjs';

const PAGES = ['general', 'verification', 'environments', 'encryption', 'retention', 'audit', 'transfer'];

/** Presses the button of that name, reached by Tab. */
const press = async (page, name) => {
  await tabTo(page, name);
  await page.keyboard.press('Enter');
};

export default {
  'the address is asked again, people are confirmed, calls are kept for days: by keyboard': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer, { errors: true });
    const { url } = await keybearer();
    await press(page, /^Nobody confirms users$/);
    await page.getByRole('heading', { name: 'User verification' }).waitFor();
    await page.getByLabel(/Nobody confirms/).focus();
    await page.keyboard.press('ArrowUp'); // past the people of the dashboard
    await page.keyboard.press('ArrowUp');
    await press(page, /^Save$/);
    await page.getByRole('status').getByText('Saved.').waitFor();
    assert.ok(await page.getByLabel(/Your app confirms/).isChecked());
    await page.getByText('Nobody waits.').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Nobody confirms users' }).count(), 0);
    await page.getByLabel(/Nobody confirms/).check();
    await press(page, /^Save$/);
    await page.getByRole('link', { name: 'Nobody confirms users' }).waitFor();
    await press(page, /^General$/);
    await page.getByText(/^Answers as itself in/).waitFor();
    await press(page, /^Check again$/);
    await page.getByText(/^Answers as itself in/).waitFor();
    await press(page, /^Retention$/);
    await page.getByRole('heading', { name: 'Retention', level: 1 }).waitFor();
    await tabTo(page, /^Keep calls for days/);
    await page.keyboard.type('soon');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('Days must be a number').waitFor();
    await clean(page);
    await page.getByLabel(/^Keep calls for days/).fill('30');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('Saved.').waitFor();
    await page.goto(`${url}/settings/audit?action=environment.`);
    await page.getByText('— → 30').waitFor();
    await page.getByText('custom → none').waitFor();
  },

  'who waits for the app is confirmed as the app would do it, and another user is refused': async ({ pages, keybearer }) => {
    const server = await keybearer();
    await world(server);
    const app = createServer((_, response) => response.end('The app')).unref();
    await new Promise((resolve) => { app.listen(0, '127.0.0.1', resolve); });
    const home = `http://127.0.0.1:${app.address().port}`;
    const page = await enter(pages, keybearer, { errors: true });
    const mode = async (label) => {
      await page.goto(`${server.url}/settings/verification`);
      await page.getByLabel(label).check();
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('status').getByText('Saved.').waitFor();
    };
    await mode(/Your app confirms/);
    const waits = async () => {
      const { link } = await cli(server)('link', 'postcards', '--user', 'waits', '--verify-url', `${home}/confirm`);
      const person = await pages.open(link, { origins: [server.sandbox_url, home], errors: true });
      await person.getByRole('link', { name: /Continue to/ }).click();
      await person.getByRole('button', { name: /Ada/ }).first().click();
      const allow = person.getByRole('button', { name: 'Allow' });
      await allow.or(person.getByText('The app')).waitFor(); // who agreed before is not asked again
      if (await allow.count() > 0) await allow.click();
      await person.waitForURL(/\/confirm\?.*auth_request_id=/);
      await page.goto(`${server.url}/settings/verification`);
      await page.getByRole('link', { name: 'waits', exact: true }).waitFor();
    };
    const confirm = async (user) => {
      await page.getByLabel('Who is signed in at your app').fill(user);
      await press(page, /^Confirm as this user$/);
    };
    await waits();
    await looks(page, 'settings-simulator');
    await confirm('somebody-else');
    await page.getByRole('alert').filter({ hasText: /\S/ }).waitFor();
    await page.getByText('Nobody waits.').waitFor();
    await clean(page);
    await page.goto(`${server.url}/accounts?q=waits`);
    assert.equal(await page.locator('tbody').getByText('Active', { exact: true }).count(), 0);
    await waits();
    await confirm('waits');
    await page.getByRole('status').filter({ hasText: 'Your app would now send the person to' }).waitFor();
    await page.goto(`${server.url}/accounts?q=waits`);
    await page.locator('tbody').getByText('Active', { exact: true }).waitFor();
    await mode(/Nobody confirms/);
  },

  'an environment is made, entered and left; keys rotate, move and ask for their name': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer, { errors: true });
    const { url } = await keybearer();
    await page.goto(`${url}/settings/environments`);
    await tabTo(page, /^Name$/);
    await page.keyboard.type('shop <b>live</b>');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowUp');
    await press(page, /^Make it$/);
    await page.getByRole('status').getByText('with keys of its own').waitFor();
    await clean(page);
    await page.getByRole('link', { name: 'shop <b>live</b>' }).click();
    await page.getByRole('heading', { name: 'shop <b>live</b>' }).waitFor();
    await looks(page, 'settings-one-environment');
    await press(page, /^Go there and change its settings$/);
    await page.getByRole('heading', { name: 'User verification' }).waitFor();
    assert.match(await page.title(), /shop <b>live<\/b>/);
    await page.goto(`${url}/settings/encryption`);
    await press(page, /^Rotate$/);
    await page.getByRole('status').getByText('Rotated.').waitFor();
    await page.getByText(/Moved to key 2/).waitFor({ timeout: 20_000 });
    await looks(page, 'settings-encryption');
    await press(page, /^Destroy key 1$/);
    await page.getByRole('heading', { name: 'Destroy data key 1?' }).waitFor();
    await looks(page, 'settings-destroy-key');
    const id = await page.locator('label[for=typed] code').innerText();
    await tabTo(page, /^Type /);
    await page.keyboard.type(`${id}x`);
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText(`Type ${id} to confirm.`).waitFor();
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.goto(`${url}/settings/audit`);
    await page.getByText('data_key.activated').waitFor();
    await page.getByText('data_keys.reencryption_finished').waitFor();
    await page.getByLabel('Environment').selectOption({ index: 0 });
    await page.getByRole('button', { name: /^Switch/ }).click();
    await page.getByRole('heading', { name: 'Audit' }).waitFor();
    assert.equal(await page.getByText('data_key.activated').count(), 0, 'the trail of another environment');
  },

  'the trail is filtered by keyboard and downloaded': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer);
    const { url } = await keybearer();
    await page.goto(`${url}/settings/audit`);
    await page.getByText('member.signed_in').first().waitFor();
    await tabTo(page, /^Who/);
    await page.keyboard.press('Tab');
    await page.keyboard.type('Env');
    await page.getByLabel('From').fill('2020-01-01');
    await page.keyboard.press('Enter');
    await page.waitForURL(/action=environment\..*from=2020-01-01/);
    assert.equal(await page.getByText('member.signed_in').count(), 0);
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download as CSV' }).click()]);
    assert.equal(file.suggestedFilename(), 'keybearer-audit.csv');
    await page.goto(`${url}/settings/audit?target=nothing-of-that-id`);
    await page.getByText('Nothing fits.').waitFor();
    await clean(page);
  },

  'every page of the settings is clean, fits, and works without scripts': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer);
    const { url } = await keybearer();
    for (const name of PAGES) {
      await page.goto(`${url}/settings/${name}`);
      await looks(page, `settings-${name}`);
    }
    const cookies = await page.context().cookies();
    const plain = await pages.open(`${url}/login`, { js: false });
    await plain.context().addCookies(cookies);
    await plain.goto(`${url}/settings/verification`);
    await plain.getByRole('button', { name: 'Save' }).click();
    await plain.getByRole('status').getByText('Saved.').waitFor();
    await plain.goto(`${url}/settings/encryption`);
    await plain.getByRole('button', { name: 'Stage one' }).click();
    await plain.getByText('Staged, not used yet').waitFor();
  },
};
