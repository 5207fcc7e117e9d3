// Every public method of the SDK is called by a topic, or stands here with the reason why not.
import { check } from './support.mjs';

const LOGIN = "signs people in to the developer's own app: the vendor's login product";
const SSO = "single sign-on of the developer's customers: the vendor's login product";

// Parts of the client whose methods are called; `client` is the client itself.
const PARTS = ['client', 'actions', 'tools', 'connectedAccounts', 'connection', 'events', 'organization'];

const OTHER_PRODUCTS = {
  domain: SSO, directory: SSO, passwordless: LOGIN, user: LOGIN, session: LOGIN, role: LOGIN, permission: LOGIN,
  auth: LOGIN, webauthn: LOGIN, token: LOGIN, m2m: LOGIN,
};

const NOT_CALLED = {
  client: {
    getAuthorizationUrl: LOGIN, authenticateWithCode: LOGIN, getIdpInitiatedLoginClaims: LOGIN, getLogoutUrl: LOGIN,
    refreshAccessToken: LOGIN,
    verifyPayloadSignature: 'not public', extractScopesFromPayload: 'not public', verifyTimestamp: 'not public',
    computeSignature: 'not public',
  },
  organization: {
    getOrganizationByExternalId: SSO, updateOrganizationByExternalId: SSO, generatePortalLink: SSO,
    updateOrganizationSettings: SSO, upsertUserManagementSettings: SSO, searchOrganization: SSO,
    getOrganizationUserManagementSetting: SSO, updateOrganizationSessionPolicy: LOGIN, getOrganizationSessionPolicy: LOGIN,
  },
};

const called = {};

const part = (client, name) => (name === 'client' ? client : client[name]);

const methods = (object) => {
  const inherited = Object.getOwnPropertyNames(Object.getPrototypeOf(object)).filter((name) => name !== 'constructor');
  const own = Object.keys(object).filter((name) => typeof object[name] === 'function' && name !== 'client');
  return [...new Set([...inherited, ...own])].filter((name) => typeof object[name] === 'function');
};

/** Notes every call of a public method. The SDK's own calls between its parts count as calls of what they reach. */
export const start = (client) => {
  for (const name of PARTS) {
    const object = part(client, name);
    called[name] = new Set();
    for (const method of methods(object)) {
      const original = object[method];
      object[method] = function noted(...given) {
        called[name].add(method);
        return original.apply(this, given);
      };
    }
  }
};

export const end = (client) => {
  for (const name of PARTS) {
    const reasons = Object.keys(NOT_CALLED[name] ?? {});
    const known = methods(part(client, name));
    const missed = known.filter((method) => !called[name].has(method) && !reasons.includes(method));
    check(`every method of ${name} is called`, missed.length === 0, missed);
    const stale = reasons.filter((method) => !known.includes(method));
    check(`no excuse of ${name} is stale`, stale.length === 0, stale);
  }
  const parts = Object.keys(client).filter((name) => client[name] && typeof client[name] === 'object');
  const unknown = parts.filter((name) => ![...PARTS, ...Object.keys(OTHER_PRODUCTS), 'coreClient', 'grpcConnect'].includes(name));
  check('every part of the client is known', unknown.length === 0, unknown);
};
