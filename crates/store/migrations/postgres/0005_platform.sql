-- API clients: where they may call from, how long their tokens live.
ALTER TABLE api_client ADD COLUMN networks TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE api_client ADD COLUMN networks_enforced BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE api_client ADD COLUMN token_seconds BIGINT;
ALTER TABLE api_client ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
UPDATE api_client SET updated_at = created_at;

ALTER TABLE api_client_secret ADD COLUMN created_by TEXT COLLATE "C";
ALTER TABLE api_client_secret ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_client_secret ADD COLUMN last_used_at BIGINT;
UPDATE api_client_secret SET updated_at = created_at;

-- Data keys are named by a number within their environment.
ALTER TABLE data_key ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE data_key ADD COLUMN activated_at BIGINT;
ALTER TABLE data_key ADD COLUMN rotated_at BIGINT;
UPDATE data_key SET activated_at = created_at WHERE state <> 'staged';
CREATE UNIQUE INDEX data_key_version ON data_key (environment_id, version);

-- A new signing key is published before it signs.
ALTER TABLE signing_key ADD COLUMN signs_from BIGINT;

-- The last move of an environment's sealed values to its primary data key; unfinished ones are resumed.
CREATE TABLE reencryption (
  environment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES environment (id) ON DELETE CASCADE,
  key_id TEXT COLLATE "C" NOT NULL,
  step BIGINT NOT NULL,
  last_row TEXT COLLATE "C" NOT NULL,
  moved BIGINT NOT NULL,
  failed TEXT COLLATE "C" NOT NULL,
  started_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  finished_at BIGINT
);

-- What lists and sums of calls need; names of connections outlive the connection here.
ALTER TABLE call_log ADD COLUMN outcome TEXT COLLATE "C" NOT NULL DEFAULT 'success'
  CHECK (outcome IN ('success', 'provider_error', 'platform_error'));
ALTER TABLE call_log ADD COLUMN connector TEXT COLLATE "C";
ALTER TABLE call_log ADD COLUMN connection_name TEXT COLLATE "C";
ALTER TABLE call_log ADD COLUMN tool_name TEXT COLLATE "C";
ALTER TABLE call_log ADD COLUMN agent_run_id TEXT COLLATE "C";
ALTER TABLE call_log ADD COLUMN error_message TEXT COLLATE "C";
UPDATE call_log SET
  outcome = CASE
    WHEN error_code IN ('account_needs_sign_in', 'consent_denied', 'scope_missing', 'credential_rejected',
      'provider_rejected', 'provider_unavailable', 'provider_rate_limited') THEN 'provider_error'
    WHEN error_code IS NOT NULL THEN 'platform_error'
    WHEN status >= 400 THEN 'provider_error'
    ELSE 'success' END,
  connector = (SELECT c.connector FROM connection c WHERE c.id = call_log.connection_id),
  connection_name = (SELECT c.name FROM connection c WHERE c.id = call_log.connection_id);
