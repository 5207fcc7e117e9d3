// The pages of a builder in a real browser: the sandbox's switches and its own pages, API keys, webhooks, custom
// connectors, and Try it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect, enter, tabTo } from './lib/dashboard.mjs';
import { clean, looks, shot } from './lib/pages.mjs';

/** Waits until something is so: a page that follows something under way, or a counter. */
const until = async (so) => {
  for (let tries = 0; tries < 60; tries += 1) {
    if (await so()) return;
    await new Promise((resolve) => { setTimeout(resolve, 250); });
  }
  throw new Error('it never came to be so');
};

export default {
  'sandbox: a switch breaks it, every page says so, and reset heals it': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer);
    const { url } = await keybearer();
    await page.getByRole('link', { name: 'Sandbox', exact: true }).click();
    await page.getByText('Everything works as it should').waitFor();
    assert.equal(await page.locator('.ribbon').count(), 0);
    await page.getByLabel('At a refresh').selectOption('invalid_grant');
    await page.locator('#k-refresh-s').getByText('an event about the account').waitFor();
    await page.getByLabel('form-encoded answer').check();
    await page.getByRole('button', { name: 'Set the switches' }).click();
    await page.getByRole('status').getByText('Switches set.').waitFor();
    assert.equal(await page.getByLabel('At a refresh').inputValue(), 'invalid_grant');
    await page.getByRole('button', { name: '+61 s' }).click();
    await page.getByText(/\+61 s from/).waitFor();
    await page.goto(`${url}/connections`);
    await page.locator('.ribbon').getByText('refresh=invalid_grant and 2 more').waitFor();
    await page.locator('.ribbon').getByRole('link').click();
    await looks(page, 'build-sandbox');
    await page.getByRole('button', { name: 'Reset everything' }).click();
    await page.getByRole('status').getByText('as it started').waitFor();
    assert.equal(await page.locator('.ribbon').count(), 0);
  },

  'the sandbox\'s own pages: people, ticks, an administrator, apps with access; without scripts too': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer);
    const { url, sandbox_url } = await keybearer();
    const link = async (user) => {
      await page.goto(`${url}/links`);
      await page.getByLabel('Connection').selectOption({ label: 'postcards (Postcards)' });
      await page.getByLabel('User').fill(user);
      await page.getByRole('button', { name: 'Create link' }).click();
      return page.locator('#url').innerText();
    };
    const begin = async (user, person, options = {}) => {
      const tab = await pages.open(await link(user), { origins: [sandbox_url], errors: true, ...options });
      await tab.getByRole('link', { name: /Continue to/ }).click();
      await tab.getByText('SANDBOX', { exact: true }).waitFor();
      if (person === 'Ada') await looks(tab, 'build-postcards-sign-in');
      await tab.getByRole('button', { name: new RegExp(`^\\W*\\w?\\s*${person}`) }).first().click();
      return tab;
    };
    const ada = await begin('h8-ada', 'Ada');
    await looks(ada, 'build-postcards-consent');
    await ada.getByLabel('read your postcards').uncheck();
    await ada.getByLabel('Stay signed in as Ada Obi').check();
    await tabTo(ada, /^Allow$/);
    await ada.keyboard.press('Enter');
    await ada.waitForURL(`${url}/**`);
    await ada.goto(`${sandbox_url}/apps`);
    await ada.getByRole('heading', { name: 'Apps with access' }).waitFor();
    await ada.getByText('no real data').waitFor();
    await looks(ada, 'build-postcards-apps');
    await ada.getByRole('button', { name: /Revoke access/ }).first().click();
    await ada.getByText('No application may use').waitFor();
    const ben = await begin('h8-ben', 'Ben');
    await ben.getByText('reads the list and says no').waitFor();
    assert.equal(await ben.getByRole('button', { name: 'Allow' }).count(), 0);
    await ben.getByRole('button', { name: 'Deny' }).click();
    await ben.getByRole('heading', { name: 'Not connected' }).waitFor();
    const cy = await begin('h8-cy', 'Cy', { js: false });
    await cy.getByRole('heading', { name: /An administrator must approve/ }).waitFor();
    await cy.getByRole('button', { name: 'Ask the administrator and go back' }).click();
    await cy.getByRole('heading', { name: /administrator|organisation/ }).waitFor();
    const dee = await begin('h8-dee', 'Dee', { js: false });
    assert.ok(await dee.getByRole('checkbox', { name: /profile|postcards/ }).count() >= 3);
    assert.ok(await dee.getByRole('checkbox', { checked: false }).count() >= 1, 'Dee leaves one out');
  },

  'API keys: a secret is shown once, rotated with an overlap, and deletion says who used it': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer);
    const { url } = await keybearer();
    await page.getByRole('link', { name: 'API keys' }).click();
    await looks(page, 'build-keys');
    await page.getByRole('link', { name: 'New API client' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('agent <b>in</b> production');
    await page.getByLabel('Where it may call from').fill('127.0.0.1\n::1');
    assert.equal(await page.getByLabel(/plain text/).isChecked(), false, 'reading credentials is never given unasked');
    await looks(page, 'build-key-new');
    await page.getByRole('button', { name: 'Create client' }).click();
    await page.getByRole('heading', { name: /Store the secret/ }).waitFor();
    const secret = await page.locator('#secret').innerText();
    const id = await page.locator('#client').innerText();
    assert.match(secret, /^kbs_\w{20,}$/);
    await looks(page, 'build-key-secret');
    const asked = page.waitForEvent('dialog', { timeout: 10_000 });
    const left = page.getByRole('link', { name: 'Overview' }).click().catch(() => {});
    const dialog = await asked;
    assert.equal(dialog.type(), 'beforeunload', 'leaving without storing asks');
    await dialog.dismiss();
    await left;
    await page.getByRole('link', { name: 'I have stored it' }).click();
    await page.getByText('never used').first().waitFor();
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, document.title]));
    assert.ok(!stored.includes(secret) && !(await page.content()).includes(secret));
    const token = await fetch(`${url}/oauth/token`, {
      method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret }),
    });
    assert.equal(token.status, 200);
    await page.getByRole('button', { name: /Rotate/ }).click();
    await page.getByRole('heading', { name: /Store the secret/ }).waitFor();
    assert.notEqual(await page.locator('#secret').innerText(), secret);
    await page.getByRole('link', { name: 'I have stored it' }).click();
    assert.equal(await page.getByText('Ends', { exact: true }).count(), 1);
    await looks(page, 'build-key');
    await page.getByRole('link', { name: /^Delete/ }).click();
    await page.getByText(/It was used .* by/).waitFor();
    await page.getByText('127.0.0.1').waitFor();
    await clean(page);
    await shot(page, 'build-key-delete');
    await page.getByRole('button', { name: /^Delete/ }).click();
    await page.getByRole('status').getByText('API client deleted').waitFor();
  },

  'webhooks: an endpoint is checked, made, tested, replayed and deleted, without scripts': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer, { js: 'blocked', errors: true });
    const got = [];
    let status = 500;
    const receiver = createServer((request, response) => {
      if (request.method === 'POST') got.push(request.headers['webhook-id']);
      request.resume().on('end', () => { response.statusCode = request.method === 'HEAD' ? 405 : status; response.end(); });
    });
    await new Promise((resolve) => { receiver.listen(0, '127.0.0.1', resolve); });
    const address = `http://127.0.0.1:${receiver.address().port}/in?token=<script>`;
    try {
      await page.getByRole('link', { name: 'Webhooks' }).click();
      await page.getByText('No endpoint yet.').waitFor();
      await page.getByRole('link', { name: 'Add an endpoint' }).first().click();
      await page.getByLabel('Address').fill('https://nobody.invalid/');
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByText('It does not answer').waitFor();
      await page.getByLabel('Address').fill(address);
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByText('It answers: 405').waitFor();
      await looks(page, 'build-webhook-new');
      await page.getByRole('button', { name: 'Add endpoint' }).click();
      await page.getByRole('heading', { name: 'Store the signing secret' }).waitFor();
      const secret = await page.locator('#secret').innerText();
      assert.match(secret, /^whsec_/);
      await looks(page, 'build-webhook-secret');
      await page.getByRole('link', { name: 'I have stored it' }).click();
      await page.getByRole('button', { name: 'Send test event' }).click();
      await page.getByRole('status').getByText('Test event queued').waitFor();
      await until(async () => { await page.reload(); return page.getByText('Try 1').count(); });
      await page.getByText('it answers with an error of its own (5xx)').first().waitFor();
      await looks(page, 'build-webhook-delivery');
      status = 200;
      await page.getByRole('link', { name: 'All deliveries' }).click();
      await page.getByText('Trying again').first().waitFor();
      await page.getByRole('button', { name: 'Send test event' }).click();
      await page.getByRole('status').getByText('Test event queued').waitFor();
      await until(async () => { await page.reload(); return page.getByText('Delivered', { exact: true }).count(); });
      await page.getByRole('button', { name: 'Send it again' }).click();
      await page.getByRole('status').getByText('To be sent again: 1').waitFor();
      await until(() => got.length >= 3);
      assert.equal(got[1], got[2], 'the same event keeps its id');
      await page.getByRole('link', { name: 'All deliveries' }).click();
      await looks(page, 'build-webhook');
      await page.getByRole('link', { name: 'Webhooks' }).first().click();
      await looks(page, 'build-webhooks');
      await page.getByRole('link', { name: /127\.0\.0\.1/ }).click();
      await page.getByRole('link', { name: 'Delete the endpoint' }).click();
      await page.getByRole('button', { name: 'Delete the endpoint' }).click();
      await page.getByRole('status').getByText('Endpoint deleted').waitFor();
    } finally {
      receiver.close();
    }
  },

  'Try it: a call through the proxy, what was added, the answer as text, and the same call as code': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer);
    const { url, sandbox_url } = await keybearer();
    await page.goto(`${url}/links`);
    await page.getByLabel('Connection').selectOption({ label: 'postcards (Postcards)' });
    await page.getByLabel('User').fill('try-user');
    await page.getByRole('button', { name: 'Create link' }).click();
    await connect(await pages.open(await page.locator('#url').innerText(), { origins: [sandbox_url] }));
    await page.getByRole('link', { name: 'Try it', exact: true }).click();
    const label = await page.locator('#account option', { hasText: 'try-user on postcards' }).innerText();
    await page.getByLabel('Account', { exact: true }).selectOption({ label });
    await page.getByRole('button', { name: 'Choose' }).click();
    await page.getByRole('link', { name: 'GET /postcards' }).click();
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('200 OK').waitFor();
    await page.getByText('header authorization').waitFor();
    assert.match(await page.locator('pre.tall').innerText(), /"postcards"|\[/);
    assert.ok(!/pc_at_|Bearer pc/.test(await page.content()), 'no token on the page');
    await page.locator('summary', { hasText: 'curl' }).click();
    assert.match(await page.locator('#c-curl').innerText(), /Bearer \$TOKEN/);
    await looks(page, 'build-try');
    const sent = async (path) => {
      await page.getByLabel('Path and query').fill(path);
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByRole('heading', { name: 'Answer' }).waitFor();
    };
    await sent('/echo?x=<img src=x onerror=alert(1)>%1b[31m');
    assert.equal(await page.locator('main img').count(), 0);
    assert.ok(!/pc_at_/.test(await page.content()), 'an echoed credential is taken out');
    await sent('/stream?chunks=400&bytes=1000');
    await page.getByText('The answer is longer; this is its beginning.').waitFor();
    await page.getByText('Reference').first().waitFor();
    await page.goto(`${url}/sandbox`);
    await page.getByText('/api/stream').waitFor();
    await page.getByRole('region', { name: 'Requests' }).getByRole('link').first().click();
    await page.getByText('/stream').first().waitFor();
  },
};
