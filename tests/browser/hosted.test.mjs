// The hosted pages with sample data, from the example hosted_preview: look, keyboard, no scripts, what the policy lets through.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { clean, fits, looks } from './lib/pages.mjs';
import { NAMES, site } from './lib/preview.mjs';

const preview = (name) => `${site}/_hosted/${name}`;
/** Pages that answer 400 and more: Chromium writes that to the console. */
const errors = true;

/** A provider on an origin of its own, that sends people through another host of its own first. */
const withProvider = async (work) => {
  const server = createServer((request, response) => {
    if (request.url.startsWith('/authorize')) {
      response.writeHead(302, { location: `http://localhost:${server.address().port}/consent` }).end();
    } else if (request.url === '/strict') {
      const policy = `form-action 'self' http://127.0.0.1:${server.address().port}`;
      response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy })
        .end('<!doctype html><title>Strict</title><form method="post" action="/authorize"><button>Go</button></form>');
    } else if (request.url.startsWith('/post-back')) {
      const to = decodeURIComponent(request.url.split('?to=')[1]);
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>Provider</title><form method="post" action="${to}">
        <input name="code" value="abc+1"><input name="state" value="s"><button>Allow</button></form>`);
    } else {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Consent</title><h1>Consent</h1>');
    }
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  try {
    return await work(`http://127.0.0.1:${port}`, [`http://127.0.0.1:${port}`, `http://localhost:${port}`]);
  } finally {
    server.close();
    server.closeAllConnections();
  }
};

/** Adds a hidden value to the form of the page. */
const hide = (page, name, value) => page.locator('form').evaluate((form, [name, value]) => {
  const input = form.ownerDocument.createElement('input');
  Object.assign(input, { type: 'hidden', name, value });
  form.append(input);
}, [name, value]);

const everywhere = Object.fromEntries([...NAMES, 'no-such-page'].map((name) => [`${name}: clean, fitting and pictured in every size and colour`, async ({ pages }) => {
  const page = await pages.open(preview(name), { errors });
  await page.evaluate(() => document.fonts.ready);
  await looks(page, `hosted-${name}`);
}]));

export default {
  ...everywhere,

  'every page fits at 200 % text and 320 px, and has targets of 44 px': async ({ pages }) => {
    const page = await pages.open('about:blank', { origins: [site], errors, width: 320 });
    for (const name of NAMES) {
      await page.goto(preview(name));
      const small = await page.locator('.btn, .in, .pick').filter({ visible: true }).evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height).filter((height) => height < 44));
      assert.deepEqual(small, [], name);
      await page.evaluate(() => { document.body.style.setProperty('zoom', '2'); });
      await fits(page);
    }
  },

  'high contrast colours keep buttons and fields apart': async ({ pages }) => {
    const page = await pages.open(preview('keys-wrong'), { errors });
    await page.emulateMedia({ forcedColors: 'active', contrast: 'more' });
    await clean(page);
    const edge = await page.getByRole('button', { name: 'Connect' }).evaluate((button) => getComputedStyle(button).borderTopWidth);
    assert.equal(edge, '2px');
  },

  'without scripts a refused form has the focus on what is wrong, and the keyboard leads through it': async ({ pages }) => {
    const page = await pages.open(preview('keys-wrong'), { js: false, errors });
    const focused = () => page.locator(':focus');
    assert.equal(await focused().getAttribute('role'), 'alert');
    const stops = ['API key', 'Watchtower site', 'API key', 'Show me where (opens a new tab)', 'Application key', 'Connect', 'Cancel'];
    for (const stop of stops) {
      await page.keyboard.press('Tab');
      const label = await focused().evaluate((node) => node.labels?.[0]?.textContent ?? node.textContent);
      assert.equal(label.trim(), stop);
    }
    await page.getByRole('link', { name: 'API key', exact: true }).press('Enter');
    assert.equal(await focused().getAttribute('name'), 'api_key', 'the link in the summary leads to the field');
  },

  'a field is told with its hint and its error': async ({ pages }) => {
    const page = await pages.open(preview('keys-wrong'), { errors });
    const key = page.getByLabel('API key');
    const ids = (await key.getAttribute('aria-describedby')).split(' ');
    const told = await Promise.all(ids.map((id) => page.locator(`#${id}`).innerText()));
    assert.match(told.join(' '), /This must look like.*was removed.*Organization settings/s);
    assert.equal(await key.getAttribute('aria-invalid'), 'true');
    assert.equal(await key.inputValue(), '');
    for (const [name, value] of [['type', 'password'], ['autocomplete', 'off'], ['autocapitalize', 'none'], ['spellcheck', 'false']]) {
      assert.equal(await key.getAttribute(name), value);
    }
  },

  'the start page as it is read aloud': async ({ pages }) => {
    const page = await pages.open(preview('start'));
    const told = await page.locator('body').ariaSnapshot();
    assert.equal(told, `- main:
  - heading "Fieldnote wants to connect to your CodeHarbor account" [level=1]
  - paragraph: You will sign in at codeharbor.example. Fieldnote never sees your CodeHarbor password.
  - heading "Fieldnote will be able to" [level=2]
  - list "Fieldnote will be able to":
    - listitem: See your profile and email address
    - listitem: Read your repositories
    - listitem: "Look twice: Write to your repositories, private ones included"
  - link "Continue to CodeHarbor":
    - /url: https://codeharbor.example/login/oauth/authorize?client_id=Ov23liX1&scope=repo&state=s
  - link "Cancel":
    - /url: https://fieldnote.example/settings
  - paragraph: Asked by Fieldnote for ada@example.com. Not you? Close this page.
  - paragraph: This page works until 17 March 2030, 17:46 UTC.
- contentinfo:
  - paragraph: Fieldnote uses Keybearer to hold this connection.
  - group: "Language: English"`);
  },

  'a form that leads to a provider gets there, also over other hosts of the provider': ({ pages }) => withProvider(async (provider, origins) => {
    const page = await pages.open(`${site}/c/start-scopes`, { origins });
    await hide(page, 'to', `${provider}/authorize`);
    await page.getByRole('button', { name: 'Continue to CodeHarbor' }).click();
    await page.getByRole('heading', { name: 'Consent' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/consent');
    await page.goBack();
    await page.getByRole('heading', { name: 'Fieldnote wants' }).waitFor();
    assert.equal(page.url(), `${site}/c/start-scopes`, 'back leads to the page before, not to the hop');
  }),

  'why: Chromium stops a form post whose redirects leave the listed origins': ({ pages }) => withProvider(async (provider, origins) => {
    const page = await pages.open(`${provider}/strict`, { origins, errors });
    const told = page.waitForEvent('console', (message) => message.text().includes('form-action'));
    await page.getByRole('button', { name: 'Go' }).click();
    await told;
    assert.equal(page.url(), `${provider}/strict`);
  }),

  'without scripts a form works to the end': async ({ pages }) => {
    const page = await pages.open(`${site}/c/keys`, { js: false });
    await page.getByLabel('API key').fill('k'.repeat(32));
    await page.getByRole('button', { name: 'Connect' }).press('Enter');
    await page.getByRole('heading', { name: 'CodeHarbor is connected' }).waitFor();
  },

  'without cookies the page for another browser says what to do': async ({ pages }) => {
    const page = await pages.open(`${site}/c/keys`, { errors });
    await page.context().clearCookies();
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.getByText('Allow cookies for this site').waitFor();
  },

  'the cookie comes along when a provider answers with a form post': ({ pages }) => withProvider(async (provider, origins) => {
    const page = await pages.open(`${site}/c/start`, { origins });
    const callback = `${site}/sso/v1/oauth/conn_1/callback`;
    await page.goto(`${provider}/post-back?to=${encodeURIComponent(callback)}`);
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'CodeHarbor is connected' }).waitFor();
    const again = page.getByRole('link', { name: 'Use another one' });
    assert.equal(await again.getAttribute('href'), '/c/start');
  }),

  'another site cannot frame a page': ({ pages }) => withProvider(async (provider, origins) => {
    const page = await pages.open(`${provider}/frame`, { origins: [...origins, site], errors });
    await page.evaluate((url) => new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.addEventListener('load', resolve);
      frame.src = url;
      document.body.append(frame);
    }), preview('start'));
    assert.equal(await page.frames()[1].locator('h1').filter({ hasText: 'Fieldnote' }).count(), 0);
  }),
};
