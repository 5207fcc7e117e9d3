// Connectors of one's own in a real browser: described by keyboard, checked while writing, used for a call; looks.
import assert from 'node:assert/strict';
import { enter, registerApp } from './lib/dashboard.mjs';
import { Keys } from './lib/keys.mjs';
import { clean, looks, shot } from './lib/pages.mjs';
import { cli } from './lib/world.mjs';

const definition = (url, more = {}) => JSON.stringify({
  display_name: 'Key box', proxy_url: url, proxy_enabled: true, auth_patterns: [{ type: 'API_KEY', auth_header_key_override: 'X-Box', ...more }],
});

export default {
  'a provider is described by keyboard, a connection made of it, an account connected, a call made': async ({ pages, keybearer }) => {
    const server = await keybearer();
    const { url, sandbox_url } = server;
    const page = await enter(pages, keybearer);
    await page.goto(`${url}/connections/new`);
    const keys = new Keys(page);
    await page.keyboard.type('zzzz-letters'); // the search has the focus
    await keys.press('Enter');
    await page.getByText('Nothing called').waitFor();
    await keys.go(/^Describe it yourself/);
    await page.getByRole('heading', { name: 'Describe a connector' }).waitFor();
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'zzzz letters', 'the search came along');
    await clean(page);
    await keys.fill(/^Name/, 'Letters');
    await keys.fill(/^What it is/, 'Letters of the sandbox');
    await keys.fill(/^Read from the provider/, sandbox_url);
    await keys.go(/^Read$/);
    await page.getByText(/Read from .*It lists \d+ scopes/).waitFor();
    assert.match(await page.getByLabel('Where a code becomes a token').inputValue(), /\/token$/);
    await page.getByText(/to correct/).first().waitFor(); // no base address yet
    await keys.fill(/^Who connected/, `${sandbox_url}/me`);
    await keys.to(/^required scope 1/);
    await keys.press('Space');
    await keys.fill(/^What scope 1 allows/, 'See who you are');
    await keys.fill(/^What scope 2 allows/, 'Read your letters');
    await keys.fill(/^Base address/, `${sandbox_url}/api`);
    // it is checked while one writes, and the text follows
    await page.locator('#checked').getByText('Nothing is wrong.').waitFor();
    assert.equal(await page.getByText('Must be an address').count(), 0, 'what was wrong at the field is gone, too');
    await page.locator('#preview').getByText('wants to connect to your Letters account').waitFor();
    await page.locator('#preview').getByText('See who you are').waitFor();
    assert.match(await page.locator('#text').inputValue(), /Read your letters/);
    await looks(page, 'custom-described');
    await keys.go(/^Make the connector/);
    await page.getByRole('status').getByText('Connector made.').waitFor();
    await keys.go(/^Add a connection/);
    await page.getByRole('button', { name: 'Start' }).waitFor();
    await keys.go(/^Start$/);
    await page.getByRole('heading', { name: 'Add a Letters connection' }).waitFor();
    const app = await registerApp(pages, page, sandbox_url, await page.locator('#uri').innerText());
    await keys.fill(/^Connection name/, 'letters');
    await keys.fill(/^Client ID/, app.id);
    await keys.fill(/^Client secret/, app.secret);
    await page.getByLabel('postcards.read').check();
    await page.getByText(/Draft saved \d/).waitFor();
    await keys.go(/^Save and test/);
    await page.getByRole('heading', { name: 'Test letters' }).waitFor();
    const link = await page.getByRole('link', { name: /Open the connect page/ }).getAttribute('href');
    const tab = await pages.open(`${url}${link}`, { share: page, origins: [sandbox_url] });
    await tab.getByText('See who you are').waitFor();
    await tab.getByRole('link', { name: /Continue to/ }).click();
    await tab.getByRole('button', { name: /Ada/ }).first().click();
    await tab.getByRole('button', { name: 'Allow' }).click();
    await tab.getByRole('heading', { name: /is connected/ }).waitFor();
    await page.getByText('It works.').first().waitFor({ timeout: 15_000 });
    const keybearerCli = cli(server);
    const { link: own } = await keybearerCli('link', 'letters', '--user', 'l-1');
    const person = await pages.open(own, { origins: [sandbox_url] });
    await person.getByRole('link', { name: /Continue to/ }).click();
    await person.getByRole('button', { name: /Ada/ }).first().click();
    const [allow, done] = [person.getByRole('button', { name: 'Allow' }), person.getByRole('heading', { name: /is connected/ })];
    await allow.or(done).waitFor();
    if (await allow.count() > 0) await allow.click();
    await done.waitFor();
    const answer = await keybearerCli('call', 'letters', '--user', 'l-1', 'GET', '/postcards');
    assert.ok(answer.postcards.length > 0, JSON.stringify(answer));
    await page.goto(`${url}/connectors`);
    await page.getByText('1 connection, ').waitFor();
    await clean(page);
    // a change of what is used is reviewed
    await page.getByRole('link', { name: 'Letters', exact: true }).click();
    await page.locator('#about').fill('Letters, reviewed');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('heading', { name: 'Before you save' }).waitFor();
    await looks(page, 'custom-review');
    await page.getByRole('button', { name: /^Save for 1 connection/ }).click();
    await page.getByRole('status').getByText('Everything that uses it follows.').waitFor();
    await page.getByRole('link', { name: 'Delete', exact: true }).click();
    await page.getByText('It cannot be deleted').waitFor();
    await clean(page);
    // its connection says so until somebody looked
    await page.goto(`${url}/connections`);
    await keys.go(/^Definition changed, review/);
    await page.getByRole('heading', { name: 'Definition changed, review' }).waitFor();
    await page.getByText('What is different').click();
    await page.getByText('Letters, reviewed').waitFor();
    await looks(page, 'custom-redefined');
    await keys.go(/^Mark as reviewed/);
    await page.getByRole('status').getByText('Noted.').waitFor();
    await page.goto(`${url}/connections`);
    assert.equal(await page.getByText('Definition changed').count(), 0);
  },

  'form and text are one, also without scripts; what is wrong has its line': async ({ pages, keybearer }) => {
    const { url, sandbox_url } = await keybearer();
    const page = await enter(pages, keybearer, { js: 'blocked', errors: true });
    await page.goto(`${url}/connectors/new`);
    await page.getByRole('radio', { name: 'A key, in a header' }).check();
    assert.ok(await page.getByLabel('Where users consent').isHidden(), 'what is of OAuth is away');
    await page.locator('#text').fill(definition('nonsense', { auth_heeder: 1 }));
    await page.getByRole('button', { name: 'Take over and check' }).click();
    // the radio was changed too, to what the text says as well: so they do not differ
    if (await page.getByText('were both changed').count()) await page.getByRole('button', { name: 'Keep the text' }).click();
    await page.getByRole('link', { name: 'Base address' }).or(page.getByRole('link', { name: 'Where calls go' })).first().waitFor();
    assert.equal(await page.getByLabel('Header (optional)').inputValue(), 'X-Box');
    assert.equal(await page.getByLabel('Base address').getAttribute('aria-invalid'), 'true');
    await page.getByText('is kept, and not read').waitFor();
    await clean(page);
    await shot(page, 'custom-wrong');
    await page.getByLabel('Base address').fill(`${sandbox_url}/api`);
    await page.locator('#text').fill(definition('https://other.example'));
    await page.getByRole('button', { name: 'Make the connector' }).click();
    await page.getByText('were both changed, and differ').waitFor();
    await looks(page, 'custom-both');
    await page.getByRole('button', { name: 'Keep the form' }).click();
    assert.match(await page.locator('#text').inputValue(), new RegExp(`${sandbox_url}/api`));
    await page.getByRole('button', { name: 'Make the connector' }).click();
    await page.getByRole('heading', { name: 'Key box' }).waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export' }).click()]);
    assert.equal(download.suggestedFilename(), 'key-box.json');
    // somebody else saves meanwhile
    const other = await pages.open(page.url(), { share: page, errors: true });
    await other.locator('#about').fill('Theirs');
    await other.getByRole('button', { name: 'Save', exact: true }).click();
    await other.getByText('Everything that uses it follows.').waitFor();
    await page.locator('#about').fill('Mine');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Not saved: somebody saved version 2').waitFor();
    assert.equal(await page.locator('#about').inputValue(), 'Mine');
    await looks(page, 'custom-stale');
    await page.goto(`${url}/connectors/new?from=slack`);
    await page.getByText('A copy of Slack').waitFor();
    await looks(page, 'custom-copy');
    // an OpenAPI document, pasted
    await page.goto(`${url}/connectors/new/openapi`);
    await looks(page, 'custom-openapi');
    await page.getByLabel('Paste it').fill('swagger: "2.0"');
    await page.getByRole('button', { name: 'Read it' }).click();
    await page.getByRole('alert').getByText('The document is of Swagger 2.0').waitFor();
    const keyed = 'components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Parrot}, sid: {type: apiKey, in: cookie, name: s}}}';
    await page.getByLabel('Paste it').fill(`openapi: 3.1.0\ninfo: {title: Parrots}\nservers: [{url: "${sandbox_url}/api"}]\n${keyed}\n`);
    await page.getByRole('button', { name: 'Read it' }).click();
    await page.getByText('Nothing is saved yet').waitFor();
    await page.getByText('a key in `cookie`').waitFor();
    assert.equal(await page.getByLabel('Header (optional)').inputValue(), 'X-Parrot');
    await clean(page);
    await shot(page, 'custom-openapi-draft');
    await page.getByRole('button', { name: 'Make the connector' }).click();
    await page.getByRole('heading', { name: 'Parrots' }).waitFor();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'connector.yaml' }).click()]);
    assert.equal(file.suggestedFilename(), 'connector.yaml');
  },
};
