// Q2: the 14 flows of the quality bar by keyboard alone.
import assert from 'node:assert/strict';
import { EMAIL, enter, PASSWORD, registerApp, serve } from './lib/dashboard.mjs';
import { Keys } from './lib/keys.mjs';
import { cli, world } from './lib/world.mjs';

const heading = (page, name) => page.getByRole('heading', { name }).first().waitFor();
const told = (page, text) => page.getByRole('status').getByText(text).first().waitFor();

/** The owner's page at `path`, and keys for it. */
const at = async ({ pages, keybearer }, path, options = {}) => {
  const server = await keybearer();
  const page = await enter(pages, keybearer, options);
  await page.goto(server.url + path);
  return { server, page, keys: new Keys(page) };
};

/** Through a connect page and the sandbox, as Ada. */
const agree = async (page) => {
  const keys = new Keys(page);
  await keys.go(/^Continue to/);
  await page.waitForURL(/\/authorize/);
  await keys.go(/Ada/);
  const [allow, done] = [page.getByRole('button', { name: 'Allow' }), page.getByRole('heading', { name: /is connected/ })];
  await allow.or(done).waitFor(); // who agreed before is not asked again
  if (await allow.count() > 0) await keys.go(/^Allow/);
  await done.waitFor();
};

export default {
  '1 first run': async ({ pages }) => {
    const server = await serve();
    try {
      const page = await pages.open(server.link);
      const keys = new Keys(page);
      await keys.fill(/^E-mail/, 'ada@fieldnote.example');
      await keys.fill(/^Your name/, 'Ada Obi');
      await keys.to(/^(Passkey|Password)/); // one stop for both ways: the arrows choose
      await keys.press('ArrowDown');
      await page.getByRole('radio', { name: 'Password' }).and(page.locator(':checked')).waitFor();
      await keys.fill(/^Password/, PASSWORD);
      await keys.press('Enter');
      await heading(page, 'Overview');
    } finally {
      server.stop();
    }
  },

  '2 add an OAuth connection with its scopes, and 4 test it': async ({ pages, keybearer }) => {
    const { server, page, keys } = await at({ pages, keybearer }, '/connections/new/postcards');
    await keys.go(/^Start$/);
    await heading(page, 'Add a Postcards connection');
    const app = await registerApp(pages, page, server.sandbox_url, await page.locator('#uri').innerText());
    await keys.fill(/^Connection name/, 'by-keyboard');
    await keys.fill(/^Client ID/, app.id);
    await keys.fill(/^Client secret/, app.secret);
    await keys.fill(/^Sandbox address/, server.sandbox_url);
    await keys.to(/^postcards\.read/); // one stop for Tab, arrows inside the list
    await keys.press('ArrowDown');
    await keys.press('ArrowDown');
    await keys.press('Space');
    assert.ok(await page.locator(':focus').isChecked());
    await page.getByText(/Draft saved \d/).waitFor();
    await keys.go(/^Save and test/);
    await heading(page, 'Test by-keyboard');
    const link = await page.getByRole('link', { name: /Open the connect page/ }).getAttribute('href');
    const tab = await pages.open(new URL(link, server.url).href, { share: page, origins: [server.sandbox_url] });
    await agree(tab);
    await told(page, 'It works.');
  },

  '3 add a connection where users bring a key': async ({ pages, keybearer }) => {
    const { page, keys } = await at({ pages, keybearer }, '/connections/new/datadog');
    await keys.go(/^Start$/);
    await heading(page, /Add a Datadog connection/);
    await keys.fill(/^Connection name/, 'keys-by-keyboard');
    await keys.go(/^Save$/);
    await told(page, 'The connection is in use.');
  },

  '5 create a link and copy it': async ({ pages, keybearer }) => {
    const { page, keys } = await at({ pages, keybearer }, '/');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(new URL('/links', page.url()).href);
    await keys.to(/^Connection/);
    await page.keyboard.type('postcards');
    await keys.fill(/^User/, 'by-keyboard');
    await keys.go(/^Create link/);
    await page.locator('#url').waitFor();
    await keys.go(/^Copy the link/);
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await page.locator('#url').innerText());
  },

  '6 filter accounts, and 7 open a timeline': async ({ pages, keybearer }) => {
    await world(await keybearer());
    const { page, keys } = await at({ pages, keybearer }, '/accounts');
    await keys.fill(/^User, identity/, 'ada@fieldnote');
    await keys.press('Enter');
    await page.waitForURL(/q=ada/);
    await keys.go(/^ada@fieldnote\.example/);
    await heading(page, 'ada@fieldnote.example');
    await heading(page, /Timeline|Refreshes/);
  },

  '9 replace a secret': async ({ pages, keybearer }) => {
    const { github } = await world(await keybearer());
    const { page, keys } = await at({ pages, keybearer }, `/connections/${github}/credentials`);
    await keys.fill(/^New client secret/, 'another-secret-of-the-same-client-1234');
    await keys.press('Enter');
    // where the provider can be asked, it refuses what is made up; saved all the same when one says so
    const [replaced, refused] = [page.getByRole('status').getByText(/[Rr]eplaced/), page.getByRole('alert')];
    await replaced.or(refused).first().waitFor();
    if (await refused.count() > 0) {
      await keys.fill(/^New client secret/, 'another-secret-of-the-same-client-1234');
      await keys.to(/^Save it even though/);
      await keys.press('Space');
      await keys.go(/^Replace secret/);
    }
    await told(page, /[Rr]eplaced/);
  },

  '10 delete with the typed name': async ({ pages, keybearer }) => {
    const server = await keybearer();
    const run = cli(server);
    const made = await run('connections', 'add', 'datadog', '--name', 'going-away');
    await run('link', 'going-away', '--user', 'somebody');
    const { page, keys } = await at({ pages, keybearer }, `/connections/${made.id}/delete`, { errors: true });
    await keys.fill(/^Type going-away/, 'going-awry');
    await keys.press('Enter');
    await page.getByRole('alert').waitFor();
    assert.equal(await page.locator(':focus').getAttribute('role'), 'alert');
    await keys.fill(/^Type going-away/, 'going-away');
    await keys.go(/^Delete going-away/);
    await told(page, 'Deleted.');
  },

  '11 search the logs to a reference': async ({ pages, keybearer }) => {
    const { reference } = await world(await keybearer());
    const { page, keys } = await at({ pages, keybearer }, '/logs');
    await keys.fill(/^Reference/, reference);
    await keys.press('Enter');
    await page.getByText(reference).first().waitFor();
  },

  '13 a person goes from the link over the sandbox to the end': async ({ pages, keybearer }) => {
    const server = await keybearer();
    const { link } = await cli(server)('link', 'postcards', '--user', 'person-by-keyboard');
    await agree(await pages.open(link, { origins: [server.sandbox_url] }));
  },

  '14 a person gives a key, after one that was wrong': async ({ pages, keybearer }) => {
    const server = await keybearer();
    const run = cli(server);
    await run('connections', 'add', 'luggage', '--field', `sandbox_url=${server.sandbox_url}`).catch(() => {});
    const { link } = await run('link', 'luggage', '--user', 'key-by-keyboard');
    const page = await pages.open(link, { origins: [server.sandbox_url], errors: true });
    const keys = new Keys(page);
    await keys.fill(/^Luggage key/, 'not-a-key');
    await keys.go(/^Connect$/);
    await page.getByRole('alert').waitFor();
    assert.equal(await page.locator(':focus').getAttribute('role'), 'alert', 'what is wrong has the focus');
    await keys.go(/^Luggage key/); // the summary leads to the field
    await page.keyboard.type('lk_0123456789abcdef0123456789abcdef');
    await keys.press('Enter');
    await heading(page, /is connected/);
  },

  'the main action of a page is at most 12 stops away, the skip link first': async ({ pages, keybearer }) => {
    const { github } = await world(await keybearer());
    const { page, keys } = await at({ pages, keybearer }, '/');
    const ways = { '/connections': /^Add a connection/, '/accounts': /^Create link/, '/links': /^Create link/, [`/connections/${github}`]: /^Create link/ };
    for (const [path, action] of Object.entries(ways)) {
      await page.goto(new URL(path, page.url()).href);
      const stops = await keys.fromTop(action, 12);
      assert.ok(stops <= 12, `${path}: ${stops} stops`);
    }
  },

  'signing in': async ({ pages, keybearer }) => {
    await enter(pages, keybearer);
    const page = await pages.open(`${(await keybearer()).url}/login`);
    const keys = new Keys(page);
    await keys.fill(/^E-mail/, EMAIL);
    await keys.fill(/^Password/, PASSWORD);
    await keys.press('Enter');
    await heading(page, 'Overview');
  },
};
