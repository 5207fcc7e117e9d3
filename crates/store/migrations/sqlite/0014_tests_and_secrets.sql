-- The secret before the present one, while both are tried. Without a time it stays until somebody removes it.
ALTER TABLE connection_credential ADD COLUMN earlier_sealed BLOB;
ALTER TABLE connection_credential ADD COLUMN earlier_until INTEGER;
-- When the present secret was stored and by whom, and when it ends at the provider.
ALTER TABLE connection_credential ADD COLUMN secret_set_at INTEGER;
ALTER TABLE connection_credential ADD COLUMN secret_set_by TEXT;
ALTER TABLE connection_credential ADD COLUMN secret_ends_at INTEGER;
CREATE INDEX connection_credential_earlier ON connection_credential (earlier_until) WHERE earlier_until IS NOT NULL;

-- A test of a connection that somebody began in the dashboard. It outlives its link.
CREATE TABLE connection_test (
  flow_id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL,
  connection_id TEXT NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
  tested_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  good INTEGER NOT NULL,
  total INTEGER NOT NULL
) STRICT;
CREATE INDEX connection_test_connection ON connection_test (connection_id, created_at, flow_id);

-- What a test saw at one step: the last look counts.
CREATE TABLE connection_test_step (
  flow_id TEXT NOT NULL REFERENCES connection_test (flow_id) ON DELETE CASCADE,
  step TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'odd', 'failed')),
  duration_ms INTEGER,
  detail TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (flow_id, step)
) STRICT;
