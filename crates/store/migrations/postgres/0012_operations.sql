-- Lists, logs and pictures of the dashboard. The SQLite folder holds the same under the same number.

-- The day of the last use, or of the making where nothing used it (days since 1970 UTC). It changes once a day, so that
-- an index can hold it; `last_used_at` changes once a minute.
ALTER TABLE account ADD COLUMN used_day BIGINT NOT NULL DEFAULT 0;
UPDATE account SET used_day = COALESCE(last_used_at, created_at) / 86400000000;
-- A page of an index is smaller than what a provider may call a person.
UPDATE account SET search_text = substr(search_text, 1, 500);
-- Everything a filter of the list looks at, so that no account is read that is not shown.
CREATE INDEX account_listed ON account
  (environment_id, created_at, id, connection_id, status, used_day, refresh_expires_at, search_text);
CREATE INDEX account_tally ON account (environment_id, connection_id, status);
CREATE INDEX account_stopped ON account (environment_id, updated_at, status, reason, connection_id)
  WHERE status IN ('EXPIRED', 'DISCONNECTED');
CREATE INDEX account_failing ON account (environment_id, created_at, id) WHERE failure_count > 0;
-- Those that may lack a scope; whether a wider one includes it is not the database's to know.
CREATE INDEX account_scope_gap ON account (environment_id, created_at, id)
  WHERE granted_scopes <> wanted_scopes AND granted_scopes <> '[]';
CREATE INDEX account_ends ON account (environment_id, refresh_expires_at) WHERE refresh_expires_at IS NOT NULL;

-- How far people got with a link. Noted in batches beside the flow; nothing is decided by it.
ALTER TABLE flow ADD COLUMN opened_at BIGINT;
ALTER TABLE flow ADD COLUMN left_at BIGINT;
ALTER TABLE flow ADD COLUMN returned_at BIGINT;
-- The last problem that a page of the link showed, and under which reference.
ALTER TABLE flow ADD COLUMN trouble TEXT COLLATE "C";
ALTER TABLE flow ADD COLUMN trouble_at BIGINT;
ALTER TABLE flow ADD COLUMN reference TEXT COLLATE "C";
CREATE INDEX flow_environment ON flow (environment_id, created_at, id);
CREATE INDEX flow_reference ON flow (reference) WHERE reference IS NOT NULL;

-- Refreshes of an environment, without a look at each account.
ALTER TABLE refresh_log ADD COLUMN environment_id TEXT COLLATE "C";
ALTER TABLE refresh_log ADD COLUMN connection_id TEXT COLLATE "C";
-- How many tries it took so far; 1 is the first.
ALTER TABLE refresh_log ADD COLUMN attempt BIGINT NOT NULL DEFAULT 1;
ALTER TABLE refresh_log ADD COLUMN next_try_at BIGINT;
UPDATE refresh_log SET environment_id = account.environment_id, connection_id = account.connection_id
  FROM account WHERE account.id = refresh_log.account_id;
CREATE INDEX refresh_log_environment ON refresh_log (environment_id, at, id);

-- The provider's part of `duration_ms`; unknown for calls before this column.
ALTER TABLE call_log ADD COLUMN provider_ms BIGINT;
CREATE INDEX call_log_connection ON call_log (connection_id, started_at, id) WHERE connection_id IS NOT NULL;

CREATE INDEX audit_reference ON audit (reference) WHERE reference IS NOT NULL;
CREATE INDEX webhook_delivery_environment ON webhook_delivery (environment_id, created_at, event_id);

-- How many accounts were in which state at the end of a day (days since 1970 UTC), or by now.
CREATE TABLE account_census (
  environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  day BIGINT NOT NULL,
  connection_id TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  accounts BIGINT NOT NULL,
  PRIMARY KEY (environment_id, day, connection_id, status)
);
