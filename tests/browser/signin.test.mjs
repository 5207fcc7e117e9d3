// Signing in with an authenticator of the browser's own (CDP), first run, a second passkey, step-up, a form that waits.
import assert from 'node:assert/strict';
import { EMAIL, enter, PASSWORD, serve, tabTo } from './lib/dashboard.mjs';
import { looks } from './lib/pages.mjs';

/** An authenticator with a finger that always fits; `more` changes it. */
const authenticator = async (page, more = {}) => {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, ...more },
  });
  const credentials = async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
  return { cdp, authenticatorId, credentials };
};

export default {
  'first run with a passkey, and signing in with it by keyboard alone': async ({ pages }) => {
    const server = await serve();
    try {
      const page = await pages.open(server.link, { errors: true });
      const { credentials } = await authenticator(page);
      await page.getByLabel('E-mail').fill('ada@fieldnote.example');
      await page.getByLabel('Your name').fill('Ada Obi');
      assert.ok(await page.getByLabel('Passkey').isChecked());
      assert.equal(await page.locator('#password').isVisible(), false);
      await looks(page, 'signin-setup');
      await page.getByRole('button', { name: 'Create owner' }).click();
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      const [made] = await credentials();
      assert.equal(made.rpId, 'localhost');
      assert.match(Buffer.from(made.userHandle, 'base64').toString(), /^mbr_\d+$/);
      await page.getByRole('button', { name: 'Sign out', exact: true }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await looks(page, 'signin-login');
      await tabTo(page, /^Use a passkey$/);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      await page.getByText('Ada Obi').waitFor();
      await page.goto(`${server.url}/settings`);
      const list = page.getByRole('region', { name: 'Passkeys' });
      await list.getByText('First passkey').first().waitFor();
      await page.getByRole('button', { name: 'Remove First passkey' }).click();
      await page.getByText('It is your last way to sign in.').waitFor();
    } finally {
      server.stop();
    }
  },

  'an invited person joins with a passkey; a viewer sees what a viewer may': async ({ pages, keybearer }) => {
    const owner = await enter(pages, keybearer);
    const { url } = await keybearer();
    await owner.goto(`${url}/settings/people`);
    await owner.getByLabel('E-mail').fill('vi@fieldnote.example');
    await owner.getByLabel('Name', { exact: false }).first().fill('Vi');
    await owner.getByLabel(/viewer/).check();
    await owner.getByRole('button', { name: 'Invite' }).click();
    const link = await owner.locator('#link').innerText();
    const page = await pages.open(link, { errors: true });
    await authenticator(page);
    await looks(page, 'signin-welcome');
    await page.getByRole('button', { name: 'Save and sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.goto(`${url}/logs`);
    await page.getByRole('heading', { name: 'Your role does not allow that.' }).waitFor();
    await page.goto(`${url}/accounts`);
    await page.getByRole('heading', { name: 'Accounts', exact: true }).waitFor();
  },

  'passkeys under Settings: added after a proof, named, used, removed': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer, { errors: true });
    const { url } = await keybearer();
    const { credentials } = await authenticator(page);
    await page.goto(`${url}/settings`);
    await page.getByRole('link', { name: 'Add a passkey' }).click();
    await looks(page, 'signin-new');
    await page.getByLabel('Name', { exact: false }).fill('Laptop <img src=x onerror=alert(1)>');
    await page.getByRole('button', { name: 'Add passkey' }).click();
    await page.getByRole('status').getByText('Passkey added.').waitFor();
    assert.equal((await credentials()).length, 1);
    await looks(page, 'signin-settings');
    await page.getByText('Rename').first().click();
    await page.getByLabel(/New name of/).fill('Laptop');
    await page.getByRole('button', { name: /Save the name/ }).click();
    await page.getByRole('status').getByText('Passkey renamed.').waitFor();
    await page.goto(`${url}/settings/passkeys/new`);
    await page.getByRole('button', { name: 'Add passkey' }).click();
    await page.getByRole('alert').getByText('has a passkey of yours').waitFor();
    await page.goto(`${url}/settings/confirm?next=/settings/people`);
    await page.getByRole('heading', { name: 'Is it you?' }).waitFor();
    await looks(page, 'signin-confirm');
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.getByRole('heading', { name: 'People' }).waitFor();
    await page.goto(`${url}/settings`);
    await page.getByRole('button', { name: 'Remove Laptop' }).click();
    await page.getByRole('status').getByText('Passkey removed.').waitFor();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.getByRole('alert').getByText('does not know that passkey').waitFor();
  },

  'an authenticator that does not make sure who it is gets nobody in': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer, { errors: true });
    const { url } = await keybearer();
    const { cdp, authenticatorId } = await authenticator(page);
    await page.goto(`${url}/settings/passkeys/new`);
    await page.getByRole('button', { name: 'Add passkey' }).click();
    await page.getByRole('status').getByText('Passkey added.').waitFor();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.getByRole('alert').getByText(/Nothing was chosen/).waitFor({ timeout: 15_000 });
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.goto(`${url}/settings`);
    await page.getByRole('button', { name: 'Remove Passkey' }).click();
  },

  'without scripts the page offers the password, and a shown password is hidden again': async ({ pages, keybearer }) => {
    await enter(pages, keybearer);
    const { url } = await keybearer();
    const plain = await pages.open(`${url}/login`, { js: false });
    assert.equal(await plain.getByRole('button', { name: 'Use a passkey' }).count(), 0);
    await plain.getByText('Passkeys need JavaScript').waitFor();
    assert.equal(await plain.getByRole('button', { name: 'Show the password' }).count(), 0);
    const page = await pages.open(`${url}/login`);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Show the password' }).click();
    assert.equal(await page.locator('#password').getAttribute('type'), 'text');
    await page.getByLabel('E-mail').fill(EMAIL);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  },

  'a session that ended in the middle of a form: sign in, and what was typed is there': async ({ pages, keybearer }) => {
    const page = await enter(pages, keybearer, { errors: true });
    const { url } = await keybearer();
    await page.goto(`${url}/settings/people`);
    await page.getByLabel('E-mail').fill('late@fieldnote.example');
    await page.getByLabel('Name', { exact: false }).first().fill('"><script>alert(1)</script>');
    const cookies = await page.context().cookies();
    await page.context().clearCookies();
    await page.context().addCookies(cookies.filter(({ name }) => name !== 'kb_session'));
    await page.getByRole('button', { name: 'Invite' }).click();
    await page.getByText('What you typed is kept for 15 minutes.').waitFor();
    await looks(page, 'signin-kept-login');
    await page.getByLabel('E-mail').fill(EMAIL);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { name: 'You are signed in again' }).waitFor();
    await page.getByText('late@fieldnote.example').waitFor();
    await looks(page, 'signin-kept');
    await page.getByRole('button', { name: 'Send it now' }).click();
    await page.getByRole('heading', { name: 'Send them this link' }).waitFor();
    await page.getByText('late@fieldnote.example').first().waitFor();
  },
};
