// Accounts from link to deletion, through `actions` and through `connectedAccounts`.
import { approve, check, raises } from './support.mjs';

const NOT_FOUND = 'ScalekitNotFoundException';
const BAD = 'ScalekitBadRequestException';
const who = { connectionName: 'postcards', identifier: 'node-ada' };
const key = (value) => ({ details: { case: 'staticAuth', value: { details: { api_key: `lk_${value.repeat(32)}` } } } });

export const run = async ({ actions, connectedAccounts }) => {
  const made = (await actions.getOrCreateConnectedAccount(who)).connectedAccount;
  check('getOrCreate makes', made.id.startsWith('ca_') && made.status === 3, made);
  const again = (await actions.getOrCreateConnectedAccount(who)).connectedAccount;
  check('getOrCreate gets', again.id === made.id, again);
  const { link, expiry } = await actions.getAuthorizationLink({ ...who, state: 'app-state' });
  check('getAuthorizationLink', link.startsWith('http') && expiry.seconds > 0n, { link, expiry });
  approve(link);
  const account = (await actions.getConnectedAccount(who)).connectedAccount;
  check('active after consent', account.status === 1 && account.authorizationType === 1, account.status);
  check('tokens for who may read them', account.authorizationDetails.details.value.accessToken.length > 10);
  const byId = (await actions.getConnectedAccount({ connectedAccountId: made.id })).connectedAccount;
  check('an account by its id', byId.identifier === 'node-ada', byId.id);
  await listed(actions, made.id);
  const updated = (await actions.updateConnectedAccount({ ...who, apiConfig: { version: 'v2' } })).connectedAccount;
  check('updateConnectedAccount', updated.id === made.id && updated.status === 1 && updated.apiConfig.version === 'v2', updated);
  await keys(actions);
  await lowerLevel(connectedAccounts);
};

const listed = async (actions, wanted) => {
  const filters = [{}, { connectionName: 'postcards' }, { connectionNames: ['postcards', 'luggage'] }, { identifier: 'node-ada' }, { provider: 'postcards' }, { query: 'node-ada' }];
  for (const filter of filters) {
    const found = await actions.listConnectedAccounts(filter);
    check(`listConnectedAccounts ${JSON.stringify(filter)}`, found.connectedAccounts.some((one) => one.id === wanted), found);
  }
  await raises('a page that is too large', BAD, () => actions.listConnectedAccounts({ pageSize: 100 }), 'page_size');
  await raises('two filters at once', BAD, () => actions.listConnectedAccounts({ connectionName: 'a', connectionNames: ['b'] }));
};

const keys = async (actions) => {
  const luggage = { connectionName: 'luggage', identifier: 'node-key' };
  const stored = (await actions.createConnectedAccount({ ...luggage, authorizationDetails: key('0') })).connectedAccount;
  check('createConnectedAccount with a key', stored.status === 1 && stored.authorizationType === 2, stored);
  await raises('an account made twice', 'ScalekitConflictException', () => actions.createConnectedAccount({ ...luggage, authorizationDetails: key('0') }));
  const upserted = (await actions.upsertConnectedAccount({ ...luggage, authorizationDetails: key('1') })).connectedAccount;
  check('upsertConnectedAccount', upserted.id === stored.id && upserted.status === 1, upserted);
  // without credentials the SDK sends an empty OAuth token, also for a connection that takes keys
  const waits = (await actions.getOrCreateConnectedAccount({ connectionName: 'luggage', identifier: 'node-waits' })).connectedAccount;
  check('an empty token is no credential', waits.status === 3, waits);
  for (const account of [{ connectedAccountId: waits.id }, luggage]) await actions.deleteConnectedAccount(account);
  await raises('deleted is gone', NOT_FOUND, () => actions.getConnectedAccount(luggage));
  await raises('deleted twice', NOT_FOUND, () => actions.deleteConnectedAccount(luggage));
};

const lowerLevel = async (accounts) => {
  const user = { connector: 'luggage', identifier: 'node-lower' };
  const details = key('2');
  const made = (await accounts.getOrCreateConnectedAccount({ ...user, organizationId: 'org_7', authorizationDetails: details })).connectedAccount;
  check('connectedAccounts.getOrCreateConnectedAccount', made.status === 1, made);
  const again = (await accounts.upsertConnectedAccount({ ...user, organizationId: 'org_7' })).connectedAccount;
  check('connectedAccounts.upsertConnectedAccount', again.id === made.id, again);
  const got = (await accounts.getConnectedAccountByIdentifier(user)).connectedAccount;
  check('getConnectedAccountByIdentifier without the scope', got.id === made.id, got.id);
  const link = await accounts.getMagicLinkForConnectedAccount(user);
  check('getMagicLinkForConnectedAccount', link.link.startsWith('http'), link.expiry);
  const changed = (await accounts.updateConnectedAccount({ connectedAccountId: made.id, connectedAccount: {} })).connectedAccount;
  check('connectedAccounts.updateConnectedAccount', changed.id === made.id && changed.status === 1, changed);
  const listed = await accounts.listConnectedAccounts({ organizationId: 'org_7' });
  check('connectedAccounts.listConnectedAccounts', listed.connectedAccounts.length === 1, listed);
  await raises('connectedAccounts.verifyConnectedAccountUser', NOT_FOUND, () => accounts.verifyConnectedAccountUser({ authRequestId: 'unknown', identifier: 'x' }), 'no longer valid');
  await accounts.deleteConnectedAccount(user);
  const bare = { ...user, identifier: 'node-bare' };
  const empty = (await accounts.createConnectedAccount({ ...bare, connectedAccount: {} })).connectedAccount;
  check('connectedAccounts.createConnectedAccount', empty.status === 3, empty);
  await accounts.deleteConnectedAccount({ connectedAccountId: empty.id });
};
