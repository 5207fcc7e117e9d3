// Drives one peer the way a browser and an honest client would, and prints what it measured.
// node tests/peers/check.mjs [peer ...]; peers: oidc-provider dot dot-grace authlib oauth1
import { spawn } from 'node:child_process';
import { createHash, randomBytes, createHmac } from 'node:crypto';
import { createInterface } from 'node:readline';
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const python = here('../../.peers/python/bin/python');
const PEERS = {
  'oidc-provider': { command: [process.execPath, here('oidc-provider/op.mjs')] },
  dot: { command: [python, here('dot/server.py')], env: { GRACE: '0', REUSE: '1', ISS: '1' } },
  'dot-grace': { command: [python, here('dot/server.py')], env: { GRACE: '120', CONSENT: '1' } },
  authlib: { command: [python, here('authlib/server.py')] },
  oauth1: { command: [python, here('oauth1/server.py')], env: { CONSENT: '1' } },
};
const REDIRECT = 'http://127.0.0.1:9/sso/v1/oauth/conn_1/callback';
const form = { 'content-type': 'application/x-www-form-urlencoded' };

const start = async ({ command, env }) => {
  const begun = performance.now();
  const child = spawn(command[0], command.slice(1), {
    env: { ...process.env, PORT: '0', ACCESS_TOKEN_SECONDS: '2', ...env },
    stdio: ['pipe', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'],
  });
  const exited = new Promise((resolve) => { child.on('exit', resolve); });
  for await (const line of createInterface({ input: child.stdout })) {
    const ready = JSON.parse(line);
    ready.start_ms = Math.round(performance.now() - begun);
    return { child, exited, ready };
  }
  throw new Error('the peer ended without a ready line');
};

/** Follows redirects and submits the forms it meets, until the address is the redirect URI. */
const browse = async (url, login) => {
  const jar = new Map();
  let next = { url };
  for (let hop = 0; hop < 20; hop += 1) {
    if (next.url.startsWith(REDIRECT)) return new URL(next.url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(next.url, {
      method: next.body ? 'POST' : 'GET', body: next.body, redirect: 'manual',
      headers: { cookie, ...(next.body ? { ...form, referer: next.url } : {}) },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [name, ...value] = line.split(';')[0].split('=');
      jar.set(name, value.join('='));
    }
    const location = answer.headers.get('location');
    if (location) { next = { url: new URL(location, next.url).href }; continue; }
    const page = await answer.text();
    assert.equal(answer.status, 200, `${next.url}: ${answer.status} ${page.slice(0, 300)}`);
    const [, tag, inner] = page.match(/<form([^>]*)>([\s\S]*?)<\/form>/) ?? assert.fail(`no form: ${page}`);
    const action = tag.match(/action="([^"]*)"/)?.[1] || next.url;
    const body = new URLSearchParams();
    for (const [input] of inner.matchAll(/<(?:input|button)[^>]*>/g)) {
      const of = (name) => input.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1];
      const name = of('name');
      if (!name || (of('type') === 'submit' && name !== 'allow')) continue;
      body.set(name, (login[name] ?? of('value') ?? '').replaceAll('&amp;', '&'));
    }
    next = { url: new URL(action.replaceAll('&amp;', '&'), next.url).href, body };
  }
  throw new Error('too many hops');
};

const oauth2 = async (ready) => {
  const basic = `Basic ${Buffer.from(`${ready.client_id}:${ready.client_secret}`).toString('base64')}`;
  const post = async (url, values) => {
    const answer = await fetch(url, { method: 'POST', headers: { ...form, authorization: basic }, body: new URLSearchParams(values) });
    const text = await answer.text();
    return { status: answer.status, ...(text.startsWith('{') ? JSON.parse(text) : {}) };
  };
  const counts = async () => (await fetch(`${ready.origin}/_peer/counts`)).json();
  const consent = async (challenge) => browse(`${ready.authorize_url}?${new URLSearchParams({
    response_type: 'code', client_id: ready.client_id, redirect_uri: REDIRECT, scope: ready.scopes.join(' '), state: 's1',
    prompt: 'consent', ...(challenge ? { code_challenge: challenge, code_challenge_method: 'S256' } : {}),
  })}`, ready.login);
  const grant = async (verifierOverride) => {
    const verifier = randomBytes(32).toString('base64url');
    const back = await consent(createHash('sha256').update(verifier).digest('base64url'));
    assert.equal(back.searchParams.get('state'), 's1');
    assert.equal(back.searchParams.get('iss'), ready.iss_supported ? ready.issuer : null);
    return { code: back.searchParams.get('code'), verifier,
      tokens: await post(ready.token_url, { grant_type: 'authorization_code', code: back.searchParams.get('code'),
        redirect_uri: REDIRECT, code_verifier: verifierOverride ?? verifier }) };
  };
  const refresh = (token) => post(ready.token_url, { grant_type: 'refresh_token', refresh_token: token });
  const me = async (token) => (await fetch(ready.userinfo_url, { headers: { authorization: `Bearer ${token}` } })).status;

  const facts = {};
  await fetch(`${ready.origin}/_peer/redirect-uri`, { method: 'POST', body: REDIRECT });
  const withoutPkce = await consent().then((back) => back.searchParams.get('error'), (error) => error.message.slice(0, 120));
  facts.without_pkce = withoutPkce ?? 'accepted';
  assert.equal((await grant('wrong-verifier-wrong-verifier-wrong-verifier-1')).tokens.status, 400);

  const begun = performance.now();
  const { tokens, code, verifier } = await grant();
  facts.consent_and_exchange_ms = Math.round(performance.now() - begun);
  assert.equal(tokens.status, 200, JSON.stringify(tokens));
  facts.token_keys = Object.keys(tokens).filter((key) => key !== 'status').sort().join(' ');
  facts.expires_in = tokens.expires_in;
  assert.equal(await me(tokens.access_token), 200);
  const second = await refresh(tokens.refresh_token);
  assert.equal(second.status, 200, JSON.stringify(second));
  assert.notEqual(second.refresh_token, tokens.refresh_token);
  facts.old_access_token_after_refresh = await me(tokens.access_token);
  const reuse = await refresh(tokens.refresh_token);
  facts.reuse = `${reuse.status} ${reuse.error ?? (reuse.refresh_token === second.refresh_token ? 'same pair' : 'another pair')}`;
  const winner = await refresh(second.refresh_token);
  facts.newest_after_reuse = `${winner.status} ${winner.error ?? 'alive'}`;
  facts.code_used_twice = (await post(ready.token_url, { grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier })).status;

  const storm = (await grant()).tokens;
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(storm.refresh_token)));
  facts.eight_at_once = answers.map((answer) => answer.status).sort().join(' ');
  facts.distinct_refresh_tokens_won = new Set(answers.map((answer) => answer.refresh_token).filter(Boolean)).size;

  const last = (await grant()).tokens;
  await fetch(`${ready.origin}/_peer/hold?ms=400`, { method: 'POST' });
  const held = performance.now();
  const slow = await refresh(last.refresh_token);
  assert.ok(performance.now() - held >= 390);
  await fetch(`${ready.origin}/_peer/hold?ms=0`, { method: 'POST' });
  await new Promise((resolve) => { setTimeout(resolve, 2200); });
  facts.expired_access_token = await me(slow.access_token);
  assert.equal((await post(ready.revoke_url, { token: slow.refresh_token, token_type_hint: 'refresh_token' })).status, 200);
  facts.refresh_after_revoke = (await refresh(slow.refresh_token)).error;
  facts.revoke_unknown_token = (await post(ready.revoke_url, { token: 'never-seen', token_type_hint: 'refresh_token' })).status;
  facts.counts = JSON.stringify(await counts());
  return facts;
};

const oauth1 = async (ready) => {
  const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const header = (method, url, secret, extra) => {
    const values = { oauth_consumer_key: ready.client_id, oauth_nonce: randomBytes(12).toString('hex'), oauth_signature_method: 'HMAC-SHA1',
      oauth_timestamp: String(Math.floor(Date.now() / 1000)), oauth_version: '1.0', ...extra };
    const pairs = Object.entries(values).map(([key, value]) => `${encode(key)}=${encode(value)}`).sort().join('&');
    const key = `${encode(ready.client_secret)}&${encode(secret)}`;
    values.oauth_signature = createHmac('sha1', key).update(`${method}&${encode(url)}&${encode(pairs)}`).digest('base64');
    return `OAuth ${Object.entries(values).map(([k, v]) => `${k}="${encode(v)}"`).join(', ')}`;
  };
  const post = async (url, secret, extra) => {
    const answer = await fetch(url, { method: 'POST', headers: { authorization: header('POST', url, secret, extra) } });
    return { status: answer.status, ...Object.fromEntries(new URLSearchParams(await answer.text())) };
  };
  const facts = {};
  const refused = await post(ready.request_token_url, '', { oauth_callback: REDIRECT });
  facts.unregistered_callback = refused.status;
  await fetch(`${ready.origin}/_peer/redirect-uri`, { method: 'POST', body: REDIRECT });
  const first = await post(ready.request_token_url, '', { oauth_callback: REDIRECT });
  assert.equal(first.status, 200, JSON.stringify(first));
  assert.equal(first.oauth_callback_confirmed, 'true');
  const back = await browse(`${ready.authorize_url}?oauth_token=${first.oauth_token}`, ready.login);
  const verifier = back.searchParams.get('oauth_verifier');
  const bad = await post(ready.token_url, first.oauth_token_secret, { oauth_token: first.oauth_token, oauth_verifier: 'wrongwrong' });
  facts.wrong_verifier = bad.status;
  const access = await post(ready.token_url, first.oauth_token_secret, { oauth_token: first.oauth_token, oauth_verifier: verifier });
  assert.equal(access.status, 200, JSON.stringify(access));
  const signed = header('GET', ready.userinfo_url, access.oauth_token_secret, { oauth_token: access.oauth_token });
  const call = async (authorization) => (await fetch(ready.userinfo_url, { headers: { authorization } })).status;
  facts.signed_call = await call(signed);
  facts.same_header_again = await call(signed);
  facts.wrong_secret = await call(header('GET', ready.userinfo_url, 'wrong', { oauth_token: access.oauth_token }));
  assert.deepEqual([facts.signed_call, facts.same_header_again, facts.wrong_secret], [200, 401, 401]);
  return facts;
};

for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PEERS)) {
  const { child, exited, ready } = await start(PEERS[name]);
  const facts = await (name === 'oauth1' ? oauth1 : oauth2)(ready);
  child.stdin.end();
  assert.equal(await exited, 0, 'the peer must end when its standard input closes');
  console.log(`${name} ${ready.version} (${ready.refresh_class ?? 'oauth1'}), ready in ${ready.start_ms} ms`);
  for (const [key, value] of Object.entries(facts)) console.log(`  ${key}: ${value}`);
}
