// Signing in at an issuer that others wrote (oidc-provider), in a real browser: the way there and back under our policy,
// what a viewer sees, a refusal in words, a proof; and nothing of it in the log.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PASSWORD, serve, tabTo } from './lib/dashboard.mjs';
import { looks } from './lib/pages.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The issuer; it ends with this process. */
const startPeer = async () => {
  const child = spawn('node', [`${root}/tests/peers/oidc-provider/op.mjs`], { stdio: ['pipe', 'pipe', 'ignore'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const ready = JSON.parse(await new Promise((resolve, reject) => { lines.once('line', resolve); child.once('exit', () => reject(new Error('the peer ended'))); }));
  const allow = (uri) => fetch(`${ready.origin}/_peer/redirect-uri`, { method: 'POST', body: uri });
  return { ...ready, allow, stop: () => child.kill('SIGTERM') };
};

/** A server whose people may come from that issuer, and its owner signed in. */
const stage = async (pages, more) => {
  const peer = await startPeer();
  const server = await serve({
    log: 'info,keybearer_app=trace,keybearer_server=trace,keybearer_egress=trace,keybearer_oauth=trace',
    more: async (url) => {
      await peer.allow(`${url}/login/sso/callback`);
      return [
        '[egress]', 'allow = ["127.0.0.1"]', '[sso]', 'name = "Acme"', `issuer = "${peer.issuer}"`, `client_id = "${peer.client_id}"`,
        `client_secret = "${peer.client_secret}"`, ...more,
      ];
    },
  });
  // the peer's own pages ask for a font elsewhere
  const origins = [peer.origin, 'https://fonts.googleapis.com'];
  const stop = () => { server.stop(); peer.stop(); };
  const owner = await pages.open(server.link, { errors: true, origins });
  return { peer, server, owner, origins, stop };
};

const claimed = async (owner) => {
  await owner.getByLabel('E-mail').fill('ada@example.com');
  const word = owner.getByText('Password', { exact: true }).first();
  await word.click();
  await owner.getByLabel('Password', { exact: true }).last().fill(PASSWORD);
  await owner.getByRole('button', { name: 'Create owner' }).click();
  await owner.getByRole('heading', { name: 'Overview' }).waitFor();
};

/** Acts at the issuer as somebody. */
const be = async (page, who, back) => {
  await page.locator('input[name="login"]').waitFor();
  await page.locator('input[name="login"]').fill(who);
  await page.locator('input[name="password"]').fill('any');
  await page.locator('button[type="submit"]').click();
  const agree = page.getByRole('button', { name: 'Continue' });
  await Promise.race([agree.waitFor(), page.waitForURL((url) => url.href.startsWith(back))]);
  if (!page.url().startsWith(back)) { await agree.click(); await page.waitForURL((url) => url.href.startsWith(back)); }
};

/** Nothing that lets anybody in is in the log, at its loudest. */
const quiet = (server, peer, seen) => {
  const log = server.told();
  assert.ok(log.length > 200, 'the log was read');
  assert.ok(!log.includes(peer.client_secret), 'the client secret is in the log');
  assert.ok(!log.includes(Buffer.from(`${peer.client_id}:${peer.client_secret}`).toString('base64')), 'the Basic header is in the log');
  assert.ok(!/eyJ[\w-]{10,}\.eyJ/.test(log), 'a token is in the log');
  assert.ok(seen.length > 0);
  for (const value of seen) assert.ok(!log.includes(value), 'a code or a state is in the log');
};

/** Codes and states that the browser brings back. */
const listen = (page) => {
  const seen = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.pathname === '/login/sso/callback') seen.push(...['code', 'state'].map((name) => url.searchParams.get(name)).filter(Boolean));
  });
  return seen;
};

export default {
  'a viewer comes in by keyboard, goes where they wanted, and is told what the role does not allow': async ({ pages }) => {
    const { peer, server, owner, origins, stop } = await stage(pages, ['default_role = "viewer"', 'allowed_domains = ["example.com"]']);
    try {
      await looks(owner, 'sso-setup');
      await claimed(owner);
      const page = await pages.open(`${server.url}/accounts`, { errors: true, origins });
      const seen = listen(page);
      await looks(page, 'sso-login');
      await tabTo(page, /^Continue with Acme$/);
      await page.keyboard.press('Enter');
      await be(page, 'vi', server.url);
      await page.getByRole('heading', { name: 'Accounts', exact: true }).waitFor();
      assert.equal(page.url(), `${server.url}/accounts`);
      await page.getByText('Name of vi').first().waitFor();
      await page.goto(`${server.url}/logs`);
      await page.getByRole('heading', { name: 'Your role does not allow that.' }).waitFor();
      await page.getByText('An owner can give you another role').waitFor();
      await page.goto(`${server.url}/settings/confirm?next=/settings`);
      await page.getByRole('link', { name: 'Sign in again with Acme' }).click();
      await be(page, 'vi', server.url);
      await page.getByRole('heading', { name: 'Settings' }).waitFor();
      quiet(server, peer, seen);
      assert.ok(!(await page.content()).includes(seen[0]));
      // the owner looks who is tied to the issuer, and unties them: they are out at once
      await owner.goto(`${server.url}/settings/people`);
      await owner.getByText('Single sign-on:').waitFor();
      await tabTo(owner, /^Untie Name of vi/);
      await owner.keyboard.press('Enter');
      await owner.getByRole('heading', { name: 'Untie Name of vi from the single sign-on?' }).waitFor();
      await looks(owner, 'sso-untie');
      await tabTo(owner, /^Untie Name of vi/);
      await owner.keyboard.press('Enter');
      await owner.getByRole('status').getByText('Untied. Their sessions have ended.').waitFor();
      assert.equal(await owner.getByText('Single sign-on:').count(), 0);
      await page.goto(`${server.url}/accounts`);
      await page.getByRole('link', { name: 'Continue with Acme' }).waitFor();
    } finally {
      stop();
    }
  },

  'somebody of another domain reads why, and the only way in is the only one offered': async ({ pages }) => {
    const { peer, server, owner, origins, stop } = await stage(pages, ['default_role = "viewer"', 'allowed_domains = ["elsewhere.example"]', 'only = true']);
    try {
      await claimed(owner);
      const page = await pages.open(`${server.url}/login`, { errors: true, origins });
      const seen = listen(page);
      assert.equal(await page.locator('input[type="password"]').count(), 0);
      await looks(page, 'sso-only');
      await page.getByRole('link', { name: 'Continue with Acme' }).click();
      await be(page, 'vi', server.url);
      await page.getByRole('alert').getByText('may not sign in here').waitFor();
      assert.ok(!page.url().includes('code='), page.url());
      await looks(page, 'sso-refused');
      await owner.goto(`${server.url}/settings/people`);
      await owner.getByLabel('E-mail').fill('bob@elsewhere.example');
      await owner.getByRole('button', { name: 'Invite' }).click();
      const link = await owner.locator('#link').innerText();
      const invited = await pages.open(link, { errors: true, origins });
      await invited.getByText('You are invited as bob@elsewhere.example.').waitFor();
      assert.equal(await invited.locator('input[type="password"]').count(), 0);
      await looks(invited, 'sso-invited');
      const expected = new RegExp(`why=domain&reference=[0-9A-Z]{4}-[0-9A-Z]{4}`);
      assert.match(page.url(), expected);
      const reference = new URL(page.url()).searchParams.get('reference');
      assert.ok(server.told().includes(reference), 'the log knows the reference');
      quiet(server, peer, seen);
    } finally {
      stop();
    }
  },
};
