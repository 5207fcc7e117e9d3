// What every test of the dashboard starts from: signed in, a draft, a connect page gone through, the keyboard.
import { spawn } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PASSWORD = 'a long sentence for the tests';
export const EMAIL = 'you@localhost';
const chosen = new WeakSet();

/** A page of the signed-in owner. The first one comes in by the link of `dev`, and chooses the password of the others. */
export const enter = async (pages, keybearer, options = {}) => {
  const server = await keybearer();
  const { url, dashboard_url, sandbox_url } = server;
  const open = { ...options, origins: [sandbox_url] };
  if (!chosen.has(server)) {
    const first = await pages.open(dashboard_url, { origins: [sandbox_url] });
    await first.getByRole('heading', { name: 'Overview' }).waitFor();
    await first.goto(`${url}/settings`);
    await first.getByLabel('New password').fill(PASSWORD);
    await first.getByRole('button', { name: 'Save password' }).click();
    await first.getByRole('status').getByText('Password changed').waitFor();
    chosen.add(server);
  }
  const page = await pages.open(`${url}/login`, open);
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  return page;
};

/** An OAuth app at the sandbox for a redirect URI, made on the page a developer would use. */
export const registerApp = async (pages, page, sandbox, redirect) => {
  const developers = await pages.open(`${sandbox}/developers`, { errors: true });
  await developers.locator('#app').fill('My app');
  await developers.locator('#redirect').fill(redirect);
  await developers.getByRole('button', { name: 'Register the application' }).click();
  const text = await developers.locator('body').innerText();
  return { id: text.match(/pc_client_\w+/)[0], secret: text.match(/pc_secret_\w+/)[0] };
};

/** Goes through the connect page and the sandbox as a person. */
export const connect = async (page, person = 'Ada') => {
  await page.getByRole('link', { name: /Continue to/ }).click();
  await page.getByRole('button', { name: new RegExp(person) }).first().click();
  const [allow, done] = [page.getByRole('button', { name: 'Allow' }), page.getByRole('heading', { name: /is connected/ })];
  await allow.or(done).waitFor(); // who agreed before is not asked again
  if (await allow.count() > 0) await allow.click();
  await done.waitFor();
};

/** The draft of a new postcards connection, on its configure page. */
export const draft = async (page) => {
  await page.getByRole('link', { name: 'Connections', exact: true }).first().click();
  await page.getByRole('link', { name: 'Add a connection' }).click();
  await page.getByRole('searchbox').fill('postcrads');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('link', { name: /^Postcards/ }).first().click();
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('heading', { name: 'Add a Postcards connection' }).waitFor();
};

/** Presses Tab until the thing of that role and name has the focus. */
export const tabTo = async (page, match, limit = 60) => {
  for (let press = 1; press <= limit; press += 1) {
    await page.keyboard.press('Tab');
    const found = await page.locator(':focus').evaluate((node) => `${node.labels?.[0]?.textContent ?? node.textContent}`.trim()).catch(() => '');
    if (match.test(found)) return press;
  }
  throw new Error(`no way by keyboard to ${match}`);
};

export const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); });
});

/**
 * A production server without any member; gives its set-up link. `more(url)` gives further lines of the configuration,
 * `address` another public URL, `log` how much it logs; `told()` is what it said so far.
 */
export const serve = async ({ more = async () => [], log = 'warn', address } = {}) => {
  const [folder, port] = [await mkdtemp(join(tmpdir(), 'keybearer-serve-')), await freePort()];
  await writeFile(join(folder, 'keybearer.toml'), [
    `public_url = "${address ?? `http://localhost:${port}`}"`, `listen = "127.0.0.1:${port}"`, `data = "${folder}/data"`, 'app_name = "Fieldnote"', 'verification = "none"', '',
    ...await more(`http://localhost:${port}`), '',
  ].join('\n'));
  const child = spawn(process.env.KEYBEARER_BIN, ['serve', '--config', join(folder, 'keybearer.toml')], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, KEYBEARER_LOG: log } });
  process.once('exit', () => child.kill('SIGKILL'));
  let told = '';
  const link = await new Promise((resolve, reject) => {
    child.stderr.on('data', (text) => { told += text; const found = told.match(/http:\S+\/setup\?t=\w+/); if (found) resolve(found[0]); });
    child.once('exit', () => reject(new Error(`serve ended: ${told}`)));
    setTimeout(() => reject(new Error(`no set-up link: ${told}`)), 20_000).unref();
  });
  return { url: `http://localhost:${port}`, link, folder, told: () => told, stop: () => child.kill('SIGTERM') };
};
