-- The secret before the present one, while both are tried. Without a time it stays until somebody removes it.
ALTER TABLE connection_credential ADD COLUMN earlier_sealed BYTEA;
ALTER TABLE connection_credential ADD COLUMN earlier_until BIGINT;
-- When the present secret was stored and by whom, and when it ends at the provider.
ALTER TABLE connection_credential ADD COLUMN secret_set_at BIGINT;
ALTER TABLE connection_credential ADD COLUMN secret_set_by TEXT COLLATE "C";
ALTER TABLE connection_credential ADD COLUMN secret_ends_at BIGINT;
CREATE INDEX connection_credential_earlier ON connection_credential (earlier_until) WHERE earlier_until IS NOT NULL;

-- A test of a connection that somebody began in the dashboard. It outlives its link.
CREATE TABLE connection_test (
  flow_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL,
  connection_id TEXT COLLATE "C" NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
  tested_by TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  finished_at BIGINT,
  good BIGINT NOT NULL,
  total BIGINT NOT NULL
);
CREATE INDEX connection_test_connection ON connection_test (connection_id, created_at, flow_id);

-- What a test saw at one step: the last look counts.
CREATE TABLE connection_test_step (
  flow_id TEXT COLLATE "C" NOT NULL REFERENCES connection_test (flow_id) ON DELETE CASCADE,
  step TEXT COLLATE "C" NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('ok', 'odd', 'failed')),
  duration_ms BIGINT,
  detail TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (flow_id, step)
);
