-- Times are microseconds since the Unix epoch; a boolean is 0 or 1, since STRICT has no type for it.
-- The PostgreSQL folder holds the same tables under the same numbers; a test compares the two.

-- The clock that leases are measured with, so that no server's own clock decides who holds one.
CREATE VIEW database_clock AS
  SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS micros;

CREATE TABLE installation (
  id TEXT NOT NULL PRIMARY KEY CHECK (id = 'installation'),
  epoch TEXT NOT NULL,
  key_check BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE environment (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('dev', 'staging', 'prod')),
  app_name TEXT NOT NULL,
  verify_mode TEXT NOT NULL CHECK (verify_mode IN ('none', 'custom', 'dashboard')),
  settings TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX environment_name ON environment (name);

CREATE TABLE data_key (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  wrapped BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('staged', 'primary', 'deprecated')),
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX data_key_environment ON data_key (environment_id, created_at, id);
CREATE UNIQUE INDEX data_key_primary ON data_key (environment_id) WHERE state = 'primary';

CREATE TABLE signing_key (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  sealed_private BLOB NOT NULL,
  public_jwk TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'retiring', 'retired')),
  created_at INTEGER NOT NULL,
  retire_at INTEGER
) STRICT;
CREATE INDEX signing_key_environment ON signing_key (environment_id, created_at, id);
CREATE UNIQUE INDEX signing_key_active ON signing_key (environment_id) WHERE state = 'active';

CREATE TABLE api_client (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  permissions TEXT NOT NULL,
  disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
  created_at INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT;
CREATE INDEX api_client_environment ON api_client (environment_id, created_at, id);

CREATE TABLE api_client_secret (
  id TEXT NOT NULL PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES api_client (id) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  suffix TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'inactive')),
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT;
CREATE INDEX api_client_secret_client ON api_client_secret (client_id, created_at, id);

CREATE TABLE connection (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  connector TEXT NOT NULL,
  method TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('draft', 'active', 'paused')),
  attention TEXT,
  attention_at INTEGER,
  label TEXT NOT NULL,
  blurb_for_users TEXT NOT NULL,
  credential_source TEXT NOT NULL CHECK (credential_source IN ('own', 'shared')),
  credential_id TEXT,
  config TEXT NOT NULL,
  scopes TEXT NOT NULL,
  auth_mode TEXT NOT NULL CHECK (auth_mode IN ('user', 'org_wide')),
  proxy_enabled INTEGER NOT NULL CHECK (proxy_enabled IN (0, 1)),
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX connection_name ON connection (environment_id, name);
CREATE INDEX connection_created ON connection (environment_id, created_at, id);

CREATE TABLE connection_credential (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL,
  connection_id TEXT NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
  source TEXT NOT NULL CHECK (source IN ('own', 'shared')),
  client_id TEXT,
  client_secret_suffix TEXT,
  sealed BLOB,
  created_at INTEGER NOT NULL,
  replaced_at INTEGER
) STRICT;
CREATE INDEX connection_credential_connection ON connection_credential (connection_id, created_at, id);

CREATE TABLE account (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL,
  connection_id TEXT NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
  identifier TEXT NOT NULL,
  identifier_lower TEXT NOT NULL,
  search_text TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('ACTIVE', 'EXPIRED', 'PENDING_AUTH', 'PENDING_VERIFICATION', 'DISCONNECTED')),
  reason TEXT NOT NULL,
  auth_type TEXT NOT NULL,
  method TEXT NOT NULL,
  credential_id TEXT REFERENCES connection_credential (id),
  sealed_grant BLOB,
  variables TEXT NOT NULL,
  granted_scopes TEXT NOT NULL,
  wanted_scopes TEXT NOT NULL,
  api_config TEXT NOT NULL,
  identity_id TEXT,
  identity_label TEXT,
  previous_identity_id TEXT,
  access_expires_at INTEGER,
  refresh_expires_at INTEGER,
  next_refresh_at INTEGER,
  last_used_at INTEGER,
  generation INTEGER NOT NULL,
  lease_owner TEXT,
  lease_until INTEGER,
  refresh_state TEXT NOT NULL CHECK (refresh_state IN ('idle', 'in_flight', 'uncertain')),
  in_flight_since INTEGER,
  failure_count INTEGER NOT NULL,
  failing_since INTEGER,
  last_failure TEXT,
  revoke_outcome TEXT,
  org_wide INTEGER NOT NULL CHECK (org_wide IN (0, 1)),
  event_sequence INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  CHECK (status <> 'ACTIVE' OR sealed_grant IS NOT NULL OR auth_type NOT IN ('OAUTH', 'TRELLO_OAUTH1'))
) STRICT;
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
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL,
  connection_id TEXT NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
  account_id TEXT REFERENCES account (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('connect', 'test')),
  token_hash TEXT NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('created', 'started', 'awaiting_verification', 'exchanging', 'done', 'failed')),
  app_state TEXT,
  user_verify_url TEXT,
  scope_selection TEXT,
  sealed_input BLOB,
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  failure TEXT,
  superseded INTEGER NOT NULL CHECK (superseded IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX flow_token ON flow (token_hash);
CREATE INDEX flow_account ON flow (account_id, created_at, id);
CREATE INDEX flow_connection ON flow (connection_id, created_at, id);
CREATE INDEX flow_open ON flow (expires_at, id) WHERE finished_at IS NULL;

CREATE TABLE flow_attempt (
  state_hash TEXT NOT NULL PRIMARY KEY,
  flow_id TEXT NOT NULL REFERENCES flow (id) ON DELETE CASCADE,
  environment_id TEXT NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('prepared', 'received', 'awaiting_verification', 'exchanging', 'done', 'failed')),
  sealed BLOB,
  auth_request_hash TEXT,
  misses INTEGER NOT NULL,
  failure TEXT,
  reference TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX flow_attempt_auth_request ON flow_attempt (auth_request_hash)
  WHERE auth_request_hash IS NOT NULL;
CREATE INDEX flow_attempt_flow ON flow_attempt (flow_id, created_at);
CREATE INDEX flow_attempt_unsettled ON flow_attempt (updated_at, state_hash)
  WHERE status NOT IN ('done', 'failed');

-- The outbox. No reference to the account: an event outlives it.
CREATE TABLE event (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL,
  account_id TEXT,
  sequence INTEGER NOT NULL,
  event_type TEXT NOT NULL,
  payload TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX event_environment ON event (environment_id, created_at, id);
CREATE UNIQUE INDEX event_account ON event (account_id, sequence) WHERE account_id IS NOT NULL;

CREATE TABLE refresh_log (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT,
  generation INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX refresh_log_account ON refresh_log (account_id, at, id);

CREATE TABLE audit (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL,
  reference TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_environment ON audit (environment_id, created_at, id);
CREATE INDEX audit_target ON audit (target, created_at, id);

CREATE TABLE call_log (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL,
  reference TEXT NOT NULL,
  source TEXT NOT NULL,
  connection_id TEXT,
  account_id TEXT,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  status INTEGER,
  error_code TEXT,
  duration_ms INTEGER NOT NULL,
  started_at INTEGER NOT NULL
) STRICT;
CREATE INDEX call_log_environment ON call_log (environment_id, started_at, id);
CREATE INDEX call_log_reference ON call_log (reference);
CREATE INDEX call_log_account ON call_log (account_id, started_at, id);

CREATE TABLE job_lease (
  name TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  until INTEGER NOT NULL
) STRICT;
