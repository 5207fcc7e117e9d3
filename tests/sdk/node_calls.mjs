// @scalekit-sdk/node against Keybearer: connections, accounts, link to consent, proxied calls, errors.
import { execFileSync } from 'node:child_process';

const packages = new URL('../../.peers/node/', import.meta.url);
const { load } = await import(new URL('load.mjs', packages));
const sdk = await load('@scalekit-sdk/node');
const { ScalekitClient } = sdk.default?.ScalekitClient ? sdk.default : sdk;

const ready = JSON.parse(process.env.KEYBEARER_READY);
let checks = 0;
const check = (name, good, seen = '') => {
  checks += 1;
  const shown = good ? '' : JSON.stringify(seen, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
  console.log(JSON.stringify({ check: name, ok: Boolean(good), seen: String(shown).slice(0, 800) }));
};
const raises = async (name, kind, call) => {
  try {
    check(name, false, await call());
  } catch (error) {
    check(name, error.constructor.name === kind, `${error.constructor.name}: ${error.message}`);
  }
};
const approve = (link) => {
  const [command, ...words] = JSON.parse(process.env.KEYBEARER_APPROVE);
  execFileSync(command, [...words, link]);
};

const run = async (url, user) => {
  const client = new ScalekitClient(url, ready.client_id, ready.client_secret);
  const { actions } = client;
  const who = { connectionName: 'postcards', identifier: user };

  const apps = await actions.listConnections();
  check('listConnections', apps.connections.some((app) => app.connectionName === 'postcards'), apps);
  const page = await actions.listConnections({ pageSize: 1 });
  check('a page of connections', page.connections.length === 1, page);

  const made = (await actions.getOrCreateConnectedAccount(who)).connectedAccount;
  check('getOrCreate makes', made.id.startsWith('ca_'), made);
  const again = (await actions.getOrCreateConnectedAccount(who)).connectedAccount;
  check('getOrCreate gets', again.id === made.id, again);
  const { link } = await actions.getAuthorizationLink(who);
  check('getAuthorizationLink', link.startsWith('http'), link);
  approve(link);
  const account = (await actions.getConnectedAccount(who)).connectedAccount;
  check('active after consent', account.status === 1, account.status);
  check('tokens for who may read them', account.authorizationDetails.details.value.accessToken.length > 10);

  const listed = await actions.listConnectedAccounts({});
  check('listConnectedAccounts', listed.connectedAccounts.some((one) => one.identifier === user), listed);
  const me = await actions.request({ ...who, path: '/me' });
  check('request GET', me.status === 200 && me.data.name === 'Ada Obi', me.data);
  const sent = await actions.request({ ...who, path: '/postcards', method: 'POST', body: { to: 'Ben', text: 'json' } });
  check('request with JSON', sent.status === 201, sent.data);
  const query = await actions.request({ ...who, path: '/postcards', queryParams: { limit: 1 } });
  check('request with a query', query.status === 200, query.data);

  const updated = (await actions.updateConnectedAccount({ ...who, apiConfig: { version: 'v2' } })).connectedAccount;
  check('updateConnectedAccount', updated.id === made.id, updated);
  await raises('an account that is not there', 'ScalekitNotFoundException', () => actions.getConnectedAccount({ ...who, identifier: 'nobody' }));
  await raises('a connection that is not there', 'ScalekitNotFoundException', () => actions.getAuthorizationLink({ connectionName: 'nothing', identifier: 'a' }));
  await raises('a verification nobody asked for', 'ScalekitNotFoundException', () => actions.verifyConnectedAccountUser({ authRequestId: 'unknown', identifier: user }));
  client.coreClient.accessToken = 'stale';
  check('a stale token is exchanged', (await actions.getConnectedAccount(who)).connectedAccount.id === made.id);
  await actions.deleteConnectedAccount(who);
  await raises('deleted is gone', 'ScalekitNotFoundException', () => actions.getConnectedAccount(who));
  check('the token validates against our keys', await client.validateAccessToken(client.coreClient.accessToken));
};

await run(ready.tls_url, 'node-ada');
await run(ready.url, 'node-clear');
console.log(JSON.stringify({ checks }));
process.exit(0);
