// The page of the first owner: what the server says of itself, when something is wrong, and when the link is over.
import assert from 'node:assert/strict';
import { PASSWORD, serve } from './lib/dashboard.mjs';
import { looks } from './lib/pages.mjs';

export default {
  'address, key and database are told before there is an owner; afterwards the link says when it was used': async ({ pages }) => {
    const server = await serve();
    try {
      const page = await pages.open(server.link, { errors: true });
      await page.getByText(/Answers as itself in \d+ ms\./).waitFor();
      await page.getByText(`It lies in ${server.folder}/data/root.key and fits.`).waitFor();
      await page.getByText(/sqlite answers in \d+ ms\./).waitFor();
      await looks(page, 'firstrun-good');
      const plain = await pages.open(server.link, { js: false });
      await plain.getByText(/Answers as itself in \d+ ms\./).waitFor();
      await page.getByLabel('E-mail').fill('ada@example.com');
      await page.getByText('Password', { exact: true }).first().click();
      await page.getByLabel('Password', { exact: true }).last().fill(PASSWORD);
      await page.getByRole('button', { name: 'Create owner' }).click();
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      const late = await pages.open(server.link, { errors: true });
      await late.getByRole('heading', { name: 'This link has ended.' }).waitFor();
      await late.getByText(/was used on \d{4}-\d\d-\d\d, \d\d:\d\d UTC/).waitFor();
      await looks(late, 'firstrun-used');
    } finally {
      server.stop();
    }
  },

  'an address that leads elsewhere is told with what to do, beside a form that works': async ({ pages }) => {
    // nobody listens on the port that public_url names
    const server = await serve({ address: 'http://localhost:9' });
    try {
      const page = await pages.open(server.link.replace('http://localhost:9', server.url), { errors: true });
      await page.getByText('Nothing accepts connections at http://localhost:9.').waitFor({ timeout: 15_000 });
      await page.getByText('What to do:').first().waitFor();
      assert.ok(await page.getByRole('button', { name: 'Create owner' }).isVisible());
      await looks(page, 'firstrun-wrong');
    } finally {
      server.stop();
    }
  },
};
