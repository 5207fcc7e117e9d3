-- API clients: where they may call from, how long their tokens live.
ALTER TABLE api_client ADD COLUMN networks TEXT NOT NULL DEFAULT '[]';
ALTER TABLE api_client ADD COLUMN networks_enforced INTEGER NOT NULL DEFAULT 0 CHECK (networks_enforced IN (0, 1));
ALTER TABLE api_client ADD COLUMN token_seconds INTEGER;
ALTER TABLE api_client ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE api_client SET updated_at = created_at;

ALTER TABLE api_client_secret ADD COLUMN created_by TEXT;
ALTER TABLE api_client_secret ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_client_secret ADD COLUMN last_used_at INTEGER;
UPDATE api_client_secret SET updated_at = created_at;

-- Data keys are named by a number within their environment.
ALTER TABLE data_key ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE data_key ADD COLUMN activated_at INTEGER;
ALTER TABLE data_key ADD COLUMN rotated_at INTEGER;
UPDATE data_key SET activated_at = created_at WHERE state <> 'staged';
CREATE UNIQUE INDEX data_key_version ON data_key (environment_id, version);

-- A new signing key is published before it signs.
ALTER TABLE signing_key ADD COLUMN signs_from INTEGER;

-- The last move of an environment's sealed values to its primary data key; unfinished ones are resumed.
CREATE TABLE reencryption (
  environment_id TEXT NOT NULL PRIMARY KEY REFERENCES environment (id) ON DELETE CASCADE,
  key_id TEXT NOT NULL,
  step INTEGER NOT NULL,
  last_row TEXT NOT NULL,
  moved INTEGER NOT NULL,
  failed TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;

-- What lists and sums of calls need; names of connections outlive the connection here.
ALTER TABLE call_log ADD COLUMN outcome TEXT NOT NULL DEFAULT 'success'
  CHECK (outcome IN ('success', 'provider_error', 'platform_error'));
ALTER TABLE call_log ADD COLUMN connector TEXT;
ALTER TABLE call_log ADD COLUMN connection_name TEXT;
ALTER TABLE call_log ADD COLUMN tool_name TEXT;
ALTER TABLE call_log ADD COLUMN agent_run_id TEXT;
ALTER TABLE call_log ADD COLUMN error_message TEXT;
UPDATE call_log SET
  outcome = CASE
    WHEN error_code IN ('account_needs_sign_in', 'consent_denied', 'scope_missing', 'credential_rejected',
      'provider_rejected', 'provider_unavailable', 'provider_rate_limited') THEN 'provider_error'
    WHEN error_code IS NOT NULL THEN 'platform_error'
    WHEN status >= 400 THEN 'provider_error'
    ELSE 'success' END,
  connector = (SELECT c.connector FROM connection c WHERE c.id = call_log.connection_id),
  connection_name = (SELECT c.name FROM connection c WHERE c.id = call_log.connection_id);
