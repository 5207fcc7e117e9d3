// Access tokens: asked for, validated against our keys, replaced when they are refused; signatures of webhooks; h2c.
import { createHmac } from 'node:crypto';

import { check, keybearer, ready, ScalekitClient } from './support.mjs';

export const run = async (client) => {
  const token = await client.getClientAccessToken();
  check('getClientAccessToken', token.split('.').length === 3);
  const again = await client.generateClientToken(ready.client_id, ready.client_secret);
  check('generateClientToken', again.split('.').length === 3);
  const claims = await client.validateToken(token);
  check('validateToken', claims.sub === ready.client_id && claims.iss, claims);
  check('validateAccessToken', await client.validateAccessToken(token));
  check('another issuer', !(await client.validateAccessToken(token, { issuer: 'https://other.example' })));
  check('verifyScopes', client.verifyScopes(token, ['connected_accounts:read']));
  await replaced(client);
  await clear();
  signatures(client);
};

const replaced = async (client) => {
  const who = { connectionName: 'postcards', identifier: 'node-ada' };
  const made = keybearer('clients', 'create', '--name', 'short-lived');
  const other = await client.generateClientToken(made.client.id, made.client_secret);
  keybearer('clients', 'delete', made.client.id);
  for (const [name, token] of [['nonsense', 'stale'], ['a token of a deleted client', other], ['no token yet', null]]) {
    client.coreClient.accessToken = token;
    const { connectedAccount } = await client.actions.getConnectedAccount(who);
    check(`${name} is exchanged`, connectedAccount.identifier === 'node-ada' && client.coreClient.accessToken !== token);
  }
  const wrong = new ScalekitClient(ready.tls_url, ready.client_id, 'a-wrong-secret');
  try {
    await wrong.actions.listConnections();
    check('a wrong secret', false);
  } catch (error) {
    check('a wrong secret', error.response?.status === 401 || error.constructor.name === 'ScalekitUnauthorizedException', error);
  }
};

/** Without TLS the SDK speaks HTTP/2 with prior knowledge on the same port. */
const clear = async () => {
  const client = new ScalekitClient(ready.url, ready.client_id, ready.client_secret);
  const { connectedAccount } = await client.actions.getConnectedAccount({ connectionName: 'postcards', identifier: 'node-ada' });
  check('h2c', connectedAccount.status === 1);
  const me = await client.actions.request({ connectionName: 'postcards', identifier: 'node-ada', path: '/me' });
  check('a proxied call without TLS', me.status === 200);
  const slash = new ScalekitClient(`${ready.tls_url}/`, ready.client_id, ready.client_secret);
  check('an address with a slash', (await slash.actions.listConnections()).connections.length > 0);
};

const signatures = (client) => {
  const key = Buffer.alloc(24, 'k');
  const secret = `whsec_${key.toString('base64')}`;
  const now = String(Math.floor(Date.now() / 1000));
  const body = '{"type":"connected_account.created"}';
  const signature = `v1,${createHmac('sha256', key).update(`evt_1.${now}.${body}`).digest('base64')}`;
  for (const [kind, method] of [['webhook', 'verifyWebhookPayload'], ['interceptor', 'verifyInterceptorPayload']]) {
    const headers = { [`${kind}-id`]: 'evt_1', [`${kind}-timestamp`]: now, [`${kind}-signature`]: signature };
    check(method, client[method](secret, headers, body) === true);
  }
};
