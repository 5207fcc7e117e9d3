// Hostile texts in every field of every form, over the API, and from the provider: whatever shows them, nothing comes to life.
import assert from 'node:assert/strict';
import { dashboard } from './gates/screens.mjs';
import { enter } from './lib/dashboard.mjs';
import { alive, CORPUS, TAGS } from './lib/hostile.mjs';
import { startKeybearer } from './lib/keybearer.mjs';
import { fits } from './lib/pages.mjs';
import { cli, world } from './lib/world.mjs';

/** Forms that end the session, or of which a wrong answer locks somebody out. */
const LEFT_ALONE = /^\/(sign-out|login|theme|settings\/password)/;

/** The forms of a page that a person can write into: where they go, with what, and the names of the free fields. */
const formsOf = (page, html, url) => page.evaluate(([text, at]) => {
  const parsed = new DOMParser().parseFromString(text, 'text/html');
  const free = (input) => input.matches('textarea, input:not([type]), input[type=text], input[type=search], input[type=url], input[type=email], input[type=password]') && !input.readOnly;
  return [...parsed.querySelectorAll('form')].map((form) => ({
    method: form.method, action: new URL(form.getAttribute('action') || at, at).href,
    button: [...form.querySelectorAll('button[name]')].filter(({ value }) => value !== 'discard').map(({ name, value }) => [name, value])[0],
    given: [...form.elements].filter((input) => input.name && !free(input) && input.type !== 'submit' && (!['checkbox', 'radio'].includes(input.type) || input.checked)).map(({ name, value }) => [name, value]),
    free: [...form.elements].filter((input) => input.name && free(input)).map(({ name }) => name),
  })).filter((form) => form.free.length > 0);
}, [html, url]);

/** Sends a form as the browser would, every free field holding `text`. */
const send = (page, form, text) => {
  const fields = new URLSearchParams([...form.given, ...(form.button ? [form.button] : []), ...form.free.map((name) => [name, text])]);
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', origin: new URL(form.action).origin };
  return form.method === 'get' ? page.request.get(`${form.action.split('?')[0]}?${fields}`)
    : page.request.post(form.action, { data: fields.toString(), headers });
};

const token = async ({ url, client_id, client_secret }) => {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
  return (await (await fetch(`${url}/oauth/token`, { method: 'POST', body })).json()).access_token;
};

/** Makes things over the API, of which every text is hostile. What is refused is refused with a clear answer. */
const overTheApi = async (server, bearer, text, number) => {
  const post = async (path, body, method = 'POST') => {
    const answer = await fetch(`${server.url}/api/v1${path}`, { method, body: JSON.stringify(body), headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' } });
    assert.ok(answer.status < 500, `${path} with ${text}: ${answer.status}`);
    return answer.json();
  };
  const [short, w] = [text.slice(0, 90), await world(server)];
  await post('/connected_accounts/magic_link', { connector: 'postcards', identifier: text.slice(0, 200) });
  await post(`/connection-setups/${w.github}`, { label: short, blurb_for_users: short }, 'PATCH');
  await post('/organizations', { organization: { display_name: text.slice(0, 200), external_id: `e-${number}-${short}` } });
  await post('/api-clients', { name: short });
  await post('/webhook-endpoints', { url: `https://hooks.example/${encodeURIComponent(short)}`, description: short });
  await post('/custom-providers', { provider: {
    display_name: text.slice(0, 100), description: text, proxy_url: 'https://api.example', proxy_enabled: true,
    auth_patterns: [{ type: 'BEARER', display_name: text, description: text, fields: [{ field_name: 'token', label: text, hint: text, required: true, input_type: 'password' }] }],
  } });
  await post('/environments', { display_name: short });
};

const inert = async (page, answer, where) => {
  assert.ok(answer.status() < 500, `${where}: ${answer.status()}`);
  if (!(answer.headers()['content-type'] ?? '').includes('html')) return '';
  const html = await answer.text();
  assert.deepEqual(await alive(page, html), [], where);
  return html;
};

/** Does `work` with all of `many`, some at a time. */
const each = async (many, work) => {
  for (let from = 0; from < many.length; from += 8) await Promise.all(many.slice(from, from + 8).map(work));
};

/** What pages of one kind have in common: their path without ids, and the names of what is asked. */
const kind = (path) => {
  const { pathname, searchParams } = new URL(path, 'http://x');
  return `${pathname.replaceAll(/\w+_\d{6,}|%[^/]+|[A-Z0-9]{4}-[A-Z0-9]{4}/g, 'N')}?${[...searchParams.keys()]}`;
};

/** Follows the links of the dashboard, three of each kind, and gives what it saw. */
const crawl = async (page, base, start, most, look) => {
  const [seen, queue, kinds] = [new Set(start), [...start], new Map()];
  for (let path = queue.shift(); path !== undefined && seen.size < most; path = queue.shift()) {
    const turn = (kinds.get(kind(path)) ?? 0) + 1;
    kinds.set(kind(path), turn);
    if (turn > 3 && !start.includes(path)) continue;
    const html = await inert(page, await page.request.get(base + path), path);
    await look(path, html);
    for (const [, href] of html.matchAll(/href="(\/[^"#]*)"/g)) {
      const next = href.replaceAll('&amp;', '&').replaceAll('&#38;', '&');
      if (!seen.has(next) && !next.startsWith('/static/')) { seen.add(next); queue.push(next); }
    }
  }
  return kinds;
};

export default {
  'the corpus has at least 60 texts, and what comes to life is seen': async ({ pages, keybearer }) => {
    assert.ok(new Set(CORPUS).size >= 60, `${CORPUS.length}`);
    const page = await pages.open(`${(await keybearer()).url}/login`, { errors: true });
    for (const tag of ['<a download href="data:text/html;charset=utf-8,x">x</a>', '<a href="data:text/plain;charset=utf-8,x">x</a>', '<a download href="data:text/plain;charset=utf-8,<b>">x</a>']) {
      assert.equal((await alive(page, `<title></title><p>${tag}</p>`)).length, 1, `not seen: ${tag}`);
    }
    for (const tag of TAGS) assert.ok((await alive(page, `<title></title><p>${tag}</p>`)).length > 0, `not seen: ${tag}`);
    for (const text of CORPUS) {
      const told = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
      assert.deepEqual(await alive(page, `<title></title><input value="${told}"><p>${told}</p>`), [], text);
    }
  },

  // on a server of its own: what it leaves behind is nothing for other tests
  'hostile texts over the API, from the provider, and in every form of every page stay texts': async ({ pages }) => {
    const server = await startKeybearer(process.env.KEYBEARER_BIN);
    const keybearer = async () => server;
    const filled = await world(server);
    const page = await enter(pages, keybearer, { errors: true });
    page.on('dialog', (dialog) => { throw new Error(`a dialog opened: ${dialog.message()}`); });
    const [bearer, run] = [await token(server), cli(server)];
    await each([...CORPUS.entries()], ([number, text]) => overTheApi(server, bearer, text, number));
    for (const name of CORPUS.slice(0, 12).filter((text) => !text.includes('\u0000'))) {
      const { link } = await run('link', 'postcards', '--user', `from-provider-${CORPUS.indexOf(name)}`);
      await run('sandbox', 'approve', link, '--as', name).catch(() => {});
    }
    const forms = new Map();
    const gather = async (path, html) => {
      for (const form of await formsOf(page, html, server.url + path)) {
        const key = `${form.method} ${new URL(form.action).pathname.replaceAll(/_\d{6,}/g, '_N')}`;
        if (!LEFT_ALONE.test(new URL(form.action).pathname) && !forms.has(key)) forms.set(key, { ...form, path });
      }
    };
    await crawl(page, server.url, Object.values(dashboard(filled)), 2000, gather);
    for (const [key, form] of forms) {
      await each(CORPUS, async (text) => inert(page, await send(page, form, text), `${key} with ${text}`));
    }
    const seen = await crawl(page, server.url, Object.values(dashboard(filled)), 2000, async () => {});
    for (const path of ['/accounts', '/connections', '/', `/connections/${filled.github}/setup`]) await page.goto(server.url + path);
    await page.setViewportSize({ width: 320, height: 900 });
    for (const path of Object.values(dashboard(filled))) {
      await page.goto(server.url + path);
      await fits(page);
    }
    await server.stop();
    console.log(`       ${CORPUS.length} texts, ${forms.size} forms, ${seen.size} kinds of pages`);
  },
};
