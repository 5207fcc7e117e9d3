// H6 and H7: a user chooses among several services, sees what they have connected, and disconnects it; no script is needed.
import assert from 'node:assert/strict';
import { connect, enter } from './lib/dashboard.mjs';
import { Keys } from './lib/keys.mjs';
import { clean, fits } from './lib/pages.mjs';
import { world } from './lib/world.mjs';

const line = (page, service) => page.locator('.services > li').filter({ has: page.getByRole('heading', { name: service }) });

export default {
  'one link for several services: the person chooses, connects, and comes back to the page': async ({ pages, keybearer }) => {
    const server = await keybearer();
    await world(server);
    const page = await enter(pages, keybearer, { errors: true });
    await page.goto(`${server.url}/links`);
    await page.getByLabel('Connection').selectOption({ label: 'postcards (Postcards)' });
    await page.getByText('More connections in one link').click();
    await page.getByRole('checkbox', { name: 'datadog Datadog', exact: true }).check();
    await page.getByLabel('User').fill('chooser');
    await page.getByLabel('Send back to').fill('javascript:alert(1)');
    await page.getByRole('button', { name: 'Create link' }).click();
    await page.getByText(/must be a whole web address/).waitFor();
    assert.ok(await page.getByRole('checkbox', { name: 'datadog Datadog', exact: true }).isChecked(), 'a wrong field loses nothing');
    await page.getByLabel('Send back to').fill('');
    await page.getByRole('button', { name: 'Create link' }).click();
    await page.getByRole('heading', { name: 'Page for chooser' }).waitFor();
    await clean(page);
    assert.match(await page.locator('#api').textContent(), /api\/v1\/user-pages[\s\S]*"connections":\["conn_\d+","conn_\d+"\]/);
    const own = await page.locator('#url').innerText();
    assert.match(own, /\/me\/\w{30,}$/);

    const user = await pages.open(own, { js: false, width: 390, origins: [server.sandbox_url], errors: true });
    await user.getByRole('heading', { name: /^Connect services to/ }).waitFor();
    assert.equal(await user.locator('.services > li').count(), 2);
    await fits(user);
    await line(user, 'Postcards').getByRole('button', { name: /^Connect/ }).click();
    await connect(user);
    await user.waitForURL(/\/me\/\w+$/); // by itself after a moment, without any script
    await line(user, 'Postcards').getByText(/Connected as/).waitFor();
    assert.equal(await line(user, 'Postcards').getByRole('link', { name: 'Disconnect' }).count(), 0, 'this page only connects');
    await line(user, 'Datadog').getByRole('button', { name: /^Connect/ }).click();
    await user.getByLabel('API key', { exact: true }).waitFor();
    // another browser that comes to /me alone has no page to go back to
    const stranger = await pages.open(new URL('/me', own).href, { errors: true });
    await stranger.getByRole('heading', { name: 'This link has ended' }).waitFor();
    await clean(stranger);
  },

  'what is no secret is filled in for the person, who can change it': async ({ pages, keybearer }) => {
    const server = await keybearer();
    await world(server);
    const page = await enter(pages, keybearer, { errors: true });
    await page.goto(`${server.url}/links`);
    await page.getByLabel('Connection').selectOption({ label: 'datadog (Datadog)' });
    await page.getByLabel('User').fill('filled');
    await page.getByRole('button', { name: 'Fill in fields for the person' }).click();
    const filled = page.getByRole('group', { name: 'Filled in for the person on datadog' });
    assert.equal(await page.getByLabel('User').inputValue(), 'filled', 'asking for the fields loses nothing');
    await clean(page);
    const choice = filled.getByRole('combobox').first();
    // another connection, or several: said, and nothing is lost or dropped
    await choice.selectOption({ index: 2 });
    await page.getByLabel('Connection').selectOption({ label: 'postcards (Postcards)' });
    await page.getByRole('button', { name: 'Create link' }).click();
    await page.getByText(/The connection is another one than the fields below belong to/).waitFor();
    await page.getByRole('group', { name: 'Filled in for the person on postcards' }).waitFor();
    await page.getByLabel('Connection').selectOption({ label: 'datadog (Datadog)' });
    await page.getByRole('button', { name: 'Create link' }).click();
    await page.getByRole('heading', { name: 'Connect link for filled' }).waitFor();
    await page.goto(`${server.url}/links`);
    await page.getByLabel('Connection').selectOption({ label: 'datadog (Datadog)' });
    await page.getByLabel('User').fill('filled');
    await page.getByRole('button', { name: 'Fill in fields for the person' }).click();
    await choice.selectOption({ index: 2 });
    await page.getByText('More connections in one link').click();
    await page.getByRole('checkbox', { name: 'postcards Postcards', exact: true }).check();
    await page.getByRole('button', { name: 'Create link' }).click();
    await page.getByText(/must be the only one where fields are filled in/).waitFor();
    await page.getByRole('checkbox', { name: 'postcards Postcards', exact: true }).uncheck();
    const wanted = await choice.locator('option').nth(2).innerText();
    await choice.selectOption(wanted);
    await page.getByRole('button', { name: 'Create link' }).click();
    await page.getByRole('heading', { name: 'Connect link for filled' }).waitFor();
    const user = await pages.open(await page.locator('#url').innerText(), { js: false, width: 390 });
    assert.equal(await user.getByRole('combobox').first().inputValue(), wanted);
    assert.equal(await user.locator('input[type=password]').first().inputValue(), '');
  },

  'a user’s own page by keyboard: see, disconnect after a question, connect again': async ({ pages, keybearer }) => {
    const server = await keybearer();
    await world(server);
    const page = await enter(pages, keybearer);
    await page.goto(`${server.url}/users/${encodeURIComponent('cleo@fieldnote.example')}`);
    await page.getByRole('button', { name: 'Make the link' }).click();
    await page.getByRole('heading', { name: 'Page for cleo@fieldnote.example' }).waitFor();
    const own = await page.locator('#url').innerText();
    const user = await pages.open(own, { js: 'blocked', origins: [server.sandbox_url], errors: true });
    const keys = new Keys(user);
    await user.getByRole('heading', { name: /^Your connections in/ }).waitFor();
    await clean(user);
    // Cleo left a permission out: what is connected works, and more is asked for
    await line(user, 'Postcards').getByText(/asks for more than you allowed/).waitFor();
    await keys.go(/^Disconnect/);
    await user.getByRole('heading', { name: 'Disconnect Postcards?' }).waitFor();
    await clean(user);
    await keys.go(/^Keep it/);
    await line(user, 'Postcards').getByText(/asks for more/).waitFor();
    await keys.go(/^Disconnect/);
    await user.getByRole('heading', { name: 'Disconnect Postcards?' }).waitFor();
    await keys.go(/^Disconnect Postcards/);
    const told = user.getByRole('status');
    await told.getByText('Postcards is disconnected.').waitFor();
    assert.match(await told.innerText(), /took the permission back/);
    await clean(user);
    await page.goto(`${server.url}/accounts?q=cleo`);
    await page.locator('tbody').getByText('Disconnected', { exact: true }).first().waitFor();
    // tests before this one may have made other connections of the same service: each has its name beside it then
    await user.getByRole('button', { name: /^Connect Postcards( postcards)?$/ }).focus();
    await user.keyboard.press('Enter');
    await user.getByRole('link', { name: /^Continue to/ }).waitFor();
    // the address went astray: every open page of the user ends, and what is connected stays
    await page.goto(`${server.url}/users/${encodeURIComponent('cleo@fieldnote.example')}`);
    await clean(page);
    await page.getByRole('button', { name: 'End the open ones' }).click();
    await page.getByRole('status').getByText(/^Pages ended: [1-9]/).waitFor();
    await user.goto(own);
    await user.getByRole('heading', { name: 'This link has ended' }).waitFor();
  },
};
