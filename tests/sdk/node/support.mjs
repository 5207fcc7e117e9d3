// What the topics share: the program under test, checks, the record of what was called.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const packages = new URL('../../../.peers/node/', import.meta.url);
const { load } = await import(new URL('load.mjs', packages));
const loaded = await load('@scalekit-sdk/node');

/** The SDK as its users import it. */
export const sdk = loaded.ScalekitClient ? loaded : loaded.default;
export const { ScalekitClient } = sdk;
export const ready = JSON.parse(process.env.KEYBEARER_READY);
export const connect = () => new ScalekitClient(ready.tls_url, ready.client_id, ready.client_secret);

let count = 0;
export const checks = () => count;

const plain = (_key, value) => (typeof value === 'bigint' ? String(value) : value);

export const check = (name, good, seen = '') => {
  count += 1;
  const shown = good ? '' : String(seen instanceof Error ? seen.stack : JSON.stringify(seen, plain));
  console.log(JSON.stringify({ check: name, ok: Boolean(good), seen: shown.slice(0, 800) }));
};

/** Exactly this class, and its message holds the words; gives the error. */
export const raises = async (name, kind, call, words = '') => {
  try {
    check(name, false, { answered: await call() });
    return undefined;
  } catch (error) {
    const good = error.constructor.name === kind && error.message.toLowerCase().includes(words);
    check(name, good, `${error.constructor.name}: ${error.message}`);
    return error;
  }
};

/** Runs the command line beside the server; gives what it printed as JSON. */
export const keybearer = (...words) => {
  const printed = execFileSync(process.env.KEYBEARER_PROGRAM, ['--data', process.env.KEYBEARER_DATA, '--json', ...words]);
  return JSON.parse(String(printed) || 'null');
};

export const approve = (link, person = 'ada') => keybearer('sandbox', 'approve', '--as', person, link);

/** A REST call with the client that `dev` made. */
export const api = async (method, path, body) => {
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: ready.client_id, client_secret: ready.client_secret });
  const { access_token: token } = await (await fetch(`${ready.url}/oauth/token`, { method: 'POST', body: form })).json();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(ready.url + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};

/** Goes through a connect link as a browser does, up to the redirect that leaves us: gives that address. */
export const consent = async (link, person = 'ada') => {
  const dev = JSON.parse(readFileSync(`${process.env.KEYBEARER_DATA}/dev.json`, 'utf8'));
  const page = await fetch(new URL(new URL(link).pathname, ready.url));
  const cookie = page.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ');
  const links = (await page.text()).split('href="').slice(1).map((piece) => piece.split('"')[0]);
  const authorize = links.find((one) => one.includes('response_type=')).replaceAll('&amp;', '&').replaceAll('&#38;', '&');
  const answer = await fetch(`${dev.sandbox_url.replace(/\/$/, '')}/_control/approve`, {
    method: 'POST',
    headers: { authorization: `Bearer ${dev.control_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ authorize_url: authorize, as: person }),
  });
  const { redirect_to: back } = await answer.json();
  return (await fetch(back, { headers: { cookie }, redirect: 'manual' })).headers.get('location');
};
