-- Times are microseconds since the Unix epoch. Text that is a key or is sorted by is COLLATE "C".
-- The SQLite folder holds the same tables under the same numbers; a test compares the two.

-- The clock that leases are measured with, so that no server's own clock decides who holds one.
CREATE VIEW database_clock AS
  SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS micros;

CREATE TABLE installation (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (id = 'installation'),
  epoch TEXT COLLATE "C" NOT NULL,
  key_check BYTEA NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE environment (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('dev', 'staging', 'prod')),
  app_name TEXT COLLATE "C" NOT NULL,
  verify_mode TEXT COLLATE "C" NOT NULL CHECK (verify_mode IN ('none', 'custom', 'dashboard')),
  settings TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX environment_name ON environment (name);

CREATE TABLE data_key (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  wrapped BYTEA NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('staged', 'primary', 'deprecated')),
  created_at BIGINT NOT NULL
);
CREATE INDEX data_key_environment ON data_key (environment_id, created_at, id);
CREATE UNIQUE INDEX data_key_primary ON data_key (environment_id) WHERE state = 'primary';

CREATE TABLE signing_key (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  sealed_private BYTEA NOT NULL,
  public_jwk TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('active', 'retiring', 'retired')),
  created_at BIGINT NOT NULL,
  retire_at BIGINT
);
CREATE INDEX signing_key_environment ON signing_key (environment_id, created_at, id);
CREATE UNIQUE INDEX signing_key_active ON signing_key (environment_id) WHERE state = 'active';

CREATE TABLE api_client (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  name TEXT COLLATE "C" NOT NULL,
  permissions TEXT COLLATE "C" NOT NULL,
  disabled BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT
);
CREATE INDEX api_client_environment ON api_client (environment_id, created_at, id);

CREATE TABLE api_client_secret (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  client_id TEXT COLLATE "C" NOT NULL REFERENCES api_client (id) ON DELETE CASCADE,
  hash TEXT COLLATE "C" NOT NULL,
  suffix TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('active', 'inactive')),
  created_at BIGINT NOT NULL,
  expires_at BIGINT
);
CREATE INDEX api_client_secret_client ON api_client_secret (client_id, created_at, id);

CREATE TABLE connection (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  name TEXT COLLATE "C" NOT NULL,
  connector TEXT COLLATE "C" NOT NULL,
  method TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('draft', 'active', 'paused')),
  attention TEXT COLLATE "C",
  attention_at BIGINT,
  label TEXT COLLATE "C" NOT NULL,
  blurb_for_users TEXT COLLATE "C" NOT NULL,
  credential_source TEXT COLLATE "C" NOT NULL CHECK (credential_source IN ('own', 'shared')),
  credential_id TEXT COLLATE "C",
  config TEXT COLLATE "C" NOT NULL,
  scopes TEXT COLLATE "C" NOT NULL,
  auth_mode TEXT COLLATE "C" NOT NULL CHECK (auth_mode IN ('user', 'org_wide')),
  proxy_enabled BOOLEAN NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX connection_name ON connection (environment_id, name);
CREATE INDEX connection_created ON connection (environment_id, created_at, id);

CREATE TABLE connection_credential (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL,
  connection_id TEXT COLLATE "C" NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
  source TEXT COLLATE "C" NOT NULL CHECK (source IN ('own', 'shared')),
  client_id TEXT COLLATE "C",
  client_secret_suffix TEXT COLLATE "C",
  sealed BYTEA,
  created_at BIGINT NOT NULL,
  replaced_at BIGINT
);
CREATE INDEX connection_credential_connection ON connection_credential (connection_id, created_at, id);

CREATE TABLE account (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL,
  connection_id TEXT COLLATE "C" NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
  identifier TEXT COLLATE "C" NOT NULL,
  identifier_lower TEXT COLLATE "C" NOT NULL,
  search_text TEXT COLLATE "C" NOT NULL,
  organization_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL
    CHECK (status IN ('ACTIVE', 'EXPIRED', 'PENDING_AUTH', 'PENDING_VERIFICATION', 'DISCONNECTED')),
  reason TEXT COLLATE "C" NOT NULL,
  auth_type TEXT COLLATE "C" NOT NULL,
  method TEXT COLLATE "C" NOT NULL,
  credential_id TEXT COLLATE "C" REFERENCES connection_credential (id),
  sealed_grant BYTEA,
  variables TEXT COLLATE "C" NOT NULL,
  granted_scopes TEXT COLLATE "C" NOT NULL,
  wanted_scopes TEXT COLLATE "C" NOT NULL,
  api_config TEXT COLLATE "C" NOT NULL,
  identity_id TEXT COLLATE "C",
  identity_label TEXT COLLATE "C",
  previous_identity_id TEXT COLLATE "C",
  access_expires_at BIGINT,
  refresh_expires_at BIGINT,
  next_refresh_at BIGINT,
  last_used_at BIGINT,
  generation BIGINT NOT NULL,
  lease_owner TEXT COLLATE "C",
  lease_until BIGINT,
  refresh_state TEXT COLLATE "C" NOT NULL CHECK (refresh_state IN ('idle', 'in_flight', 'uncertain')),
  in_flight_since BIGINT,
  failure_count BIGINT NOT NULL,
  failing_since BIGINT,
  last_failure TEXT COLLATE "C",
  revoke_outcome TEXT COLLATE "C",
  org_wide BOOLEAN NOT NULL,
  event_sequence BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CHECK (status <> 'ACTIVE' OR sealed_grant IS NOT NULL OR auth_type NOT IN ('OAUTH', 'TRELLO_OAUTH1'))
);
CREATE UNIQUE INDEX account_lookup ON account (connection_id, identifier, organization_id, user_id);
CREATE INDEX account_created ON account (environment_id, created_at, id);
CREATE INDEX account_connection_created ON account (connection_id, created_at, id);
CREATE INDEX account_connection_status ON account (connection_id, status, created_at, id);
CREATE INDEX account_identifier ON account (environment_id, identifier, created_at, id);
CREATE INDEX account_credential ON account (credential_id);
CREATE INDEX account_due ON account (next_refresh_at, id)
  WHERE status = 'ACTIVE' AND next_refresh_at IS NOT NULL;
CREATE INDEX account_unsettled ON account (lease_until, id) WHERE refresh_state <> 'idle';

CREATE TABLE flow (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL,
  connection_id TEXT COLLATE "C" NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
  account_id TEXT COLLATE "C" REFERENCES account (id) ON DELETE CASCADE,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('connect', 'test')),
  token_hash TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL
    CHECK (state IN ('created', 'started', 'awaiting_verification', 'exchanging', 'done', 'failed')),
  app_state TEXT COLLATE "C",
  user_verify_url TEXT COLLATE "C",
  scope_selection TEXT COLLATE "C",
  sealed_input BYTEA,
  expires_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  finished_at BIGINT,
  failure TEXT COLLATE "C",
  superseded BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX flow_token ON flow (token_hash);
CREATE INDEX flow_account ON flow (account_id, created_at, id);
CREATE INDEX flow_connection ON flow (connection_id, created_at, id);
CREATE INDEX flow_open ON flow (expires_at, id) WHERE finished_at IS NULL;

CREATE TABLE flow_attempt (
  state_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  flow_id TEXT COLLATE "C" NOT NULL REFERENCES flow (id) ON DELETE CASCADE,
  environment_id TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL
    CHECK (status IN ('prepared', 'received', 'awaiting_verification', 'exchanging', 'done', 'failed')),
  sealed BYTEA,
  auth_request_hash TEXT COLLATE "C",
  misses BIGINT NOT NULL,
  failure TEXT COLLATE "C",
  reference TEXT COLLATE "C",
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX flow_attempt_auth_request ON flow_attempt (auth_request_hash)
  WHERE auth_request_hash IS NOT NULL;
CREATE INDEX flow_attempt_flow ON flow_attempt (flow_id, created_at);
CREATE INDEX flow_attempt_unsettled ON flow_attempt (updated_at, state_hash)
  WHERE status NOT IN ('done', 'failed');

-- The outbox. No reference to the account: an event outlives it.
CREATE TABLE event (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL,
  account_id TEXT COLLATE "C",
  sequence BIGINT NOT NULL,
  event_type TEXT COLLATE "C" NOT NULL,
  payload TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX event_environment ON event (environment_id, created_at, id);
CREATE UNIQUE INDEX event_account ON event (account_id, sequence) WHERE account_id IS NOT NULL;

CREATE TABLE refresh_log (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  account_id TEXT COLLATE "C" NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  at BIGINT NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C",
  generation BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL
);
CREATE INDEX refresh_log_account ON refresh_log (account_id, at, id);

CREATE TABLE audit (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  action TEXT COLLATE "C" NOT NULL,
  target TEXT COLLATE "C" NOT NULL,
  detail TEXT COLLATE "C" NOT NULL,
  reference TEXT COLLATE "C",
  created_at BIGINT NOT NULL
);
CREATE INDEX audit_environment ON audit (environment_id, created_at, id);
CREATE INDEX audit_target ON audit (target, created_at, id);

CREATE TABLE call_log (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL,
  reference TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  connection_id TEXT COLLATE "C",
  account_id TEXT COLLATE "C",
  method TEXT COLLATE "C" NOT NULL,
  path TEXT COLLATE "C" NOT NULL,
  status BIGINT,
  error_code TEXT COLLATE "C",
  duration_ms BIGINT NOT NULL,
  started_at BIGINT NOT NULL
);
CREATE INDEX call_log_environment ON call_log (environment_id, started_at, id);
CREATE INDEX call_log_reference ON call_log (reference);
CREATE INDEX call_log_account ON call_log (account_id, started_at, id);

CREATE TABLE job_lease (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  owner TEXT COLLATE "C" NOT NULL,
  until BIGINT NOT NULL
);
