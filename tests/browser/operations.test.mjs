// Accounts, logs and the overview, against the sandbox: by keyboard, with hostile names, in both colours and widths.
import assert from 'node:assert/strict';
import { connect, enter, tabTo } from './lib/dashboard.mjs';
import { clean, fits, shot } from './lib/pages.mjs';

const HOSTILE = '"><script>alert(1)</script>../%2e?#&=ä';

/** A link for a user on the sandbox's connection, made on the page; gives its address. */
const link = async (page, url, user) => {
  await page.goto(`${url}/links`);
  await page.getByLabel('Connection').selectOption({ label: 'postcards (Postcards)' });
  await page.getByLabel('User').fill(user);
  await page.getByRole('button', { name: 'Create link' }).click();
  await page.getByRole('heading', { name: /Connect link for/ }).waitFor();
  return page.locator('#url').innerText();
};

export default {
  'accounts by keyboard: filter, open the timeline, send links in bulk': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer);
    const { url, sandbox_url: sandbox } = await keybearer();
    const [own] = [await link(page, url, 'ada-ops'), await link(page, url, HOSTILE)];
    const user = await pages.open(own, { origins: [sandbox], errors: true });
    await connect(user);
    await page.goto(`${url}/accounts`);
    await page.getByText('alert(1)').first().waitFor();
    await clean(page);
    await tabTo(page, /^User, identity or account id/);
    await page.keyboard.type('ada-ops');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=ada-ops/);
    await tabTo(page, /^ada-ops$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Timeline' }).waitFor();
    for (const told of ['Link made', 'Link opened', 'Came back from the provider', 'Connected: code exchanged']) {
      await page.getByText(told).first().waitFor();
    }
    await clean(page);
    await page.goto(`${url}/accounts`);
    await page.getByRole('checkbox', { name: /^ada-ops on/ }).focus();
    await page.keyboard.press('Space');
    await page.getByText('1 chosen').waitFor();
    await page.getByRole('button', { name: 'Make links' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Make 1 link?' }).waitFor();
    await clean(page);
    await page.getByRole('button', { name: 'Make 1 link' }).click();
    await page.getByRole('heading', { name: '1 of 1 done' }).waitFor();
    assert.match(await page.locator('#csv').textContent(), /^user,connection,link\r?\nada-ops,\S+,http\S+\/c\/\w+\r?\n$/);
    await clean(page);
  },

  'a filter that finds nothing says which, and a disconnect wants its word': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer, { errors: true });
    const { url } = await keybearer();
    await link(page, url, 'ben-ops');
    await page.goto(`${url}/accounts?q=nobody-at-all&unused=30`);
    await page.getByText('“nobody-at-all”').waitFor();
    await page.getByText('unused for more than 30 days', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Clear the filter' }).click();
    await page.getByRole('checkbox', { name: /^ben-ops on/ }).check();
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByLabel(/^Type/).fill('no');
    await page.getByRole('button', { name: 'Disconnect 1 account' }).click();
    await page.getByRole('alert').getByText('Nothing was done').waitFor();
    await page.getByLabel(/^Type/).fill('disconnect');
    await page.getByRole('button', { name: 'Disconnect 1 account' }).click();
    await page.getByRole('heading', { name: '1 of 1 done' }).waitFor();
  },

  'a person is erased with a receipt, whatever their id holds': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer, { errors: true });
    const { url } = await keybearer();
    const person = `${HOSTILE} erase`;
    await link(page, url, person);
    await page.goto(`${url}/accounts?q=${encodeURIComponent('erase')}`);
    await page.getByRole('link', { name: /^All of this user/ }).first().click();
    await page.getByRole('heading', { name: person }).waitFor();
    await clean(page);
    await page.getByRole('link', { name: 'Disconnect everything and erase' }).click();
    await clean(page);
    await page.getByLabel(/^Type/).fill('somebody else');
    await page.getByRole('button', { name: /^Erase/ }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel(/^Type/).fill(person);
    await page.getByRole('button', { name: /^Erase/ }).click();
    await page.getByRole('heading', { name: 'Erased' }).waitFor();
    assert.match(await page.locator('#receipt').textContent(), /Accounts deleted with their credentials, links and refreshes: 1/);
    await clean(page);
    await page.goto(`${url}/accounts?q=${encodeURIComponent('erase')}`);
    await page.getByText('No account fits.').waitFor();
  },

  'logs: a reference leads to its detail; the list stays where its filter is': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer);
    const { url } = await keybearer();
    await link(page, url, 'cy-ops');
    await page.goto(`${url}/logs?kind=change`);
    await page.getByText('link created').first().waitFor();
    await clean(page);
    const reference = await page.locator('tbody tr').first().getByRole('link').last().innerText();
    await tabTo(page, /^Reference, path or action/);
    await page.keyboard.type(reference);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: `Log ${reference}` }).waitFor();
    await clean(page);
    await page.goto(`${url}/logs?q=no-such-thing&status=failed`);
    await page.getByText('“no-such-thing”').waitFor();
    await page.goto(`${url}/logs?live=1`);
    await page.getByText('Live: looks again').waitFor();
  },

  'overview and pictures: bars are links with values, numbers stand in a table and as CSV': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer);
    const { url } = await keybearer();
    await link(page, url, 'dee-ops');
    // the tests before may have done every step, and then the list is gone until somebody wants it back
    await page.goto(`${url}/`);
    await page.goto(`${url}/settings/general`);
    const again = page.getByRole('button', { name: 'Show it again' });
    if (await again.count() > 0) {
      await again.click();
      await page.getByRole('status').getByText('Getting started is back').waitFor();
    }
    await page.goto(`${url}/`);
    await page.getByRole('heading', { name: 'Connect funnel' }).waitFor();
    await tabTo(page, /^Last 30 days$/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/span=30d/);
    await page.getByText('Calls, 30 days').waitFor();
    await tabTo(page, /^Hide getting started$/);
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('Hidden.').waitFor();
    assert.equal(await page.getByRole('heading', { name: 'Getting started' }).count(), 0);
    await page.goto(`${url}/settings/general`);
    await page.getByRole('button', { name: 'Show it again' }).click();
    await page.getByRole('status').getByText('Getting started is back').waitFor();
    await page.goto(`${url}/?span=7d`);
    await page.getByRole('heading', { name: 'Getting started' }).waitFor();
    await page.getByRole('link', { name: /^Links made: \d/ }).focus();
    await clean(page);
    await page.goto(`${url}/pictures`);
    await clean(page);
    const answer = await page.request.get(`${url}/pictures/funnel/csv`);
    assert.match(await answer.text(), /^Step,Reason,Links\r\nLinks made,,\d+\r\n/);
  },

  'looks: the pages fit and are clean in both widths and colours': async ({ pages, keybearer }) => {
    const first = await enter(pages, keybearer);
    const { url } = await keybearer();
    await link(first, url, 'eve-ops');
    await first.goto(`${url}/accounts?q=eve-ops`);
    const account = await first.getByRole('link', { name: 'eve-ops', exact: true }).getAttribute('href');
    const looks = { overview: '/', month: '/?span=30d', pictures: '/pictures', accounts: '/accounts', account, person: '/users/eve-ops', logs: '/logs', link: '/links?user=eve-ops' };
    for (const [width, dark] of [[1280, false], [390, true]]) {
      const page = await pages.open(url, { share: first });
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
      for (const [name, path] of Object.entries(looks)) {
        await page.goto(url + path);
        await fits(page);
        await clean(page);
        await shot(page, `operations-${name}-${width}-${dark ? 'dark' : 'light'}`);
      }
      await page.close();
    }
  },
};
