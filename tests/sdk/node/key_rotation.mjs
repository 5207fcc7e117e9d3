// The key that signs access tokens changes while a client is alive: nobody has to sign in again.
import { api, check, connect } from './support.mjs';

const keyOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).kid;

export const run = async (client) => {
  const who = { connectionName: 'postcards', identifier: 'node-ada' };
  const old = await client.getClientAccessToken();
  client.coreClient.accessToken = old;
  check('validated before the rotation', await client.validateAccessToken(old));
  await api('POST', '/api/v1/keys/signing:rotate', { ahead_seconds: 0 });
  check('a call with a token of the former key', (await client.actions.getConnectedAccount(who)).connectedAccount.status === 1);
  check('which the SDK did not exchange', client.coreClient.accessToken === old);
  check('it still validates', await client.validateAccessToken(old));
  client.coreClient.accessToken = 'stale';
  await client.actions.listConnections();
  const fresh = client.coreClient.accessToken;
  check('signed in again with the new key', keyOf(fresh) !== keyOf(old));
  const later = connect();
  check('a client that comes later validates both', (await later.validateAccessToken(old)) && (await later.validateAccessToken(fresh)));
};
