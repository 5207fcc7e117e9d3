// Only people of the dashboard may connect: the sign-in on the way, the right person, somebody else, nobody.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EMAIL, enter, PASSWORD } from './lib/dashboard.mjs';
import { startKeybearer } from './lib/keybearer.mjs';
import { clean, fits, shot } from './lib/pages.mjs';

const run = promisify(execFile);

/** A server of its own with that setting, an owner, links for users, and what the API says of an account. */
const stage = async (pages) => {
  const server = await startKeybearer(process.env.KEYBEARER_BIN);
  const settings = await run(process.env.KEYBEARER_BIN, ['environments', 'settings', 'default', '--verification', 'dashboard', '--data', server.data]);
  assert.match(settings.stdout, /signed in to the dashboard/);
  const owner = await enter(pages, async () => server, { errors: true });
  const token = await fetch(`${server.url}/oauth/token`, {
    method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: server.client_id, client_secret: server.client_secret }),
  }).then((answer) => answer.json());
  const headers = { authorization: `Bearer ${token.access_token}`, 'content-type': 'application/json' };
  const link = async (identifier) => {
    const body = JSON.stringify({ connector: 'postcards', identifier });
    const made = await fetch(`${server.url}/api/v1/connected_accounts/magic_link`, { method: 'POST', headers, body }).then((answer) => answer.json());
    return made.link;
  };
  const status = async (identifier) => {
    const query = new URLSearchParams({ connection: 'postcards', identifier });
    const found = await fetch(`${server.url}/api/v1/accounts?${query}`, { headers }).then((answer) => answer.json());
    return found.accounts[0].status;
  };
  return { server, owner, link, status };
};

/** Consents at the sandbox. */
const consent = async (page) => {
  await page.getByRole('link', { name: /Continue to/ }).click();
  await page.getByRole('button', { name: /Ada/ }).first().click();
  await page.getByRole('button', { name: 'Allow' }).click();
};

export default {
  'the sign-in comes on the way, and the flow goes on after it': async ({ pages }) => {
    const { server, owner, link, status } = await stage(pages);
    try {
      const origins = [server.sandbox_url];
      const page = await pages.open(await link(EMAIL), { errors: true, origins });
      await consent(page);
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      assert.equal(await status(EMAIL), 'PENDING_VERIFICATION');
      const request = new URL(page.url()).searchParams.get('next');
      assert.match(request, /^\/connect\/confirm\?request=/);
      // the owner is signed in elsewhere: the address alone confirms nothing
      await owner.goto(`${server.url}${request}`);
      await owner.getByText('There is nothing to confirm in this browser.').waitFor();
      assert.equal(await status(EMAIL), 'PENDING_VERIFICATION');
      await page.getByLabel('E-mail').fill(EMAIL);
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('heading', { name: /is connected/ }).waitFor();
      assert.equal(await status(EMAIL), 'ACTIVE');

      // the same browser, still signed in, with a link for somebody else
      await page.goto(await link('ben@fieldnote.example'));
      await page.getByRole('link', { name: /Continue to/ }).click();
      const allow = page.getByRole('button', { name: 'Allow' });
      const refused = page.getByText(`The link was made for somebody else than ${EMAIL}`);
      const ada = page.getByRole('button', { name: /Ada/ }).first();
      await ada.or(allow).or(refused).waitFor();
      if (await ada.count() > 0) { await ada.click(); await allow.or(refused).waitFor(); }
      if (await allow.count() > 0) await allow.click();
      await refused.waitFor();
      await clean(page);
      await fits(page);
      await shot(page, 'dashboardusers-refused-1280-light');
      assert.equal(await status('ben@fieldnote.example'), 'PENDING_AUTH');
    } finally {
      await server.stop();
    }
  },
};
