// Classes of errors and what they carry.
import { check, keybearer, raises, ready, ScalekitClient } from './support.mjs';

const who = { connectionName: 'postcards', identifier: 'node-ada' };

export const run = async ({ actions }) => {
  const lost = await raises('not found', 'ScalekitNotFoundException', () => actions.getConnectedAccount({ ...who, identifier: 'nobody' }));
  check('its code and status', lost?.errorCode === 'RESOURCE_NOT_FOUND' && lost?.httpStatus === 404, [lost?.errorCode, lost?.httpStatus]);
  await raises('a connection that is not there', 'ScalekitNotFoundException', () => actions.getAuthorizationLink({ connectionName: 'nothing', identifier: 'a' }));
  const wrong = await raises('a value that is too long', 'ScalekitBadRequestException', () => actions.getAuthorizationLink({ ...who, state: 's'.repeat(513) }));
  check('its field is named', String(wrong).includes('state'), String(wrong));
  await raises('a verification nobody asked for', 'ScalekitNotFoundException', () => actions.verifyConnectedAccountUser({ authRequestId: 'unknown', identifier: 'x' }), 'auth request not found or no longer valid');
  const made = keybearer('clients', 'create', '--name', 'reader', '--permission', 'connected_accounts:read');
  const reader = new ScalekitClient(ready.tls_url, made.client.id, made.client_secret);
  check('what a reader may', (await reader.actions.listConnectedAccounts()).connectedAccounts.length > 0);
  await raises('what a reader may not', 'ScalekitForbiddenException', () => reader.actions.getConnectedAccount(who), 'connected_accounts:access');
};
