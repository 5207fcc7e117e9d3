// oidc-provider (npm, certified): PKCE required, refresh token rotation, reuse kills the family, RFC 9207 `iss`.
// The protocol is the package's own; here is only storage and configuration.
import { run, settings } from '../lib/peer.mjs';
import { readFileSync } from 'node:fs';

const packages = new URL('../../../.peers/node/', import.meta.url);
const { load } = await import(new URL('load.mjs', packages));
const Provider = await load('oidc-provider');
const { version } = JSON.parse(readFileSync(new URL('node_modules/oidc-provider/package.json', packages)));

// The package's in-memory adapter is an LRU of 1000 entries and forgets tokens under load.
const records = new Map();
const grants = new Map();
class MapAdapter {
  constructor(name) { this.name = name; }

  key(id) { return `${this.name}:${id}`; }

  async upsert(id, payload) {
    records.set(this.key(id), payload);
    if (payload.uid) records.set(`uid:${this.name}:${payload.uid}`, id);
    if (!payload.grantId) return;
    if (!grants.has(payload.grantId)) grants.set(payload.grantId, new Set());
    grants.get(payload.grantId).add(this.key(id));
  }

  async find(id) { return records.get(this.key(id)); }

  async findByUid(uid) { return this.find(records.get(`uid:${this.name}:${uid}`)); }

  async findByUserCode() { return undefined; }

  async consume(id) {
    const record = records.get(this.key(id));
    if (record) record.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) { records.delete(this.key(id)); }

  async revokeByGrantId(grantId) {
    for (const key of grants.get(grantId) ?? []) records.delete(key);
    grants.delete(grantId);
  }
}

const client = {
  client_id: settings.clientId,
  client_secret: settings.clientSecret,
  redirect_uris: [...settings.redirectUris],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  response_types: ['code'],
  token_endpoint_auth_method: process.env.CLIENT_AUTH ?? 'client_secret_basic',
};

const configuration = {
  adapter: MapAdapter,
  clients: [],
  scopes: ['openid', 'offline_access', 'profile', 'email'],
  claims: { openid: ['sub'], profile: ['name', 'groups'], email: ['email', 'email_verified'] },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (_context, granted) => granted.grantTypeAllowed('refresh_token'),
  expiresWithSession: async () => false,
  // The default forgives 15 seconds, which keeps a short-lived access token alive in a test.
  clockTolerance: 0,
  ttl: {
    AccessToken: () => settings.accessTokenSeconds,
    ClientCredentials: () => settings.accessTokenSeconds,
    RefreshToken: () => Number(process.env.REFRESH_TOKEN_SECONDS ?? 86400),
    AuthorizationCode: 60, Grant: 86400, IdToken: 3600, Interaction: 600, Session: 86400,
  },
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    registration: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
  },
  findAccount: async (_context, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, name: `Name of ${id}`, email: `${id}@example.com`, email_verified: true, groups: [`team-of-${id}`] }),
  }),
  cookies: { keys: ['a key for a test peer only'] },
};

await run(async (origin) => {
  const provider = new Provider(origin, configuration);
  const store = () => records.set(`Client:${client.client_id}`, { ...client });
  if (client.redirect_uris.length === 0) client.redirect_uris.push(`${origin}/no-redirect-uri-given`);
  store();
  provider.on('grant.error', (_context, error) => console.error('grant.error', error.error, error.error_detail ?? ''));
  provider.on('grant.revoked', () => console.error('grant.revoked'));
  return {
    handler: provider.callback(),
    tokenPath: '/token',
    revokePath: '/token/revocation',
    apiPath: '/me',
    addRedirectUri: async (uri) => { client.redirect_uris = [...client.redirect_uris, uri]; store(); },
    ready: {
      peer: 'oidc-provider', version, issuer: origin, iss_supported: true, refresh_class: 'strict_family',
      authorize_url: `${origin}/auth`, token_url: `${origin}/token`, revoke_url: `${origin}/token/revocation`,
      userinfo_url: `${origin}/me`, client_id: client.client_id, client_secret: client.client_secret,
      client_auth: client.token_endpoint_auth_method, scopes: ['openid', 'offline_access', 'profile', 'email'],
      login: { login: 'alice', password: 'any' },
    },
  };
});
