-- Webhook endpoints, and what is sent to them. The SQLite folder holds the same tables under the same numbers.

ALTER TABLE event ADD COLUMN organization_id TEXT COLLATE "C";
ALTER TABLE event ADD COLUMN connection_id TEXT COLLATE "C";
-- A sample that somebody asked for: it is delivered and not listed.
ALTER TABLE event ADD COLUMN sample BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE event SET connection_id = CAST(payload AS JSONB) ->> 'connection_id';
UPDATE event SET organization_id = NULLIF(account.organization_id, '')
  FROM account WHERE account.id = event.account_id;
CREATE INDEX event_connection ON event (connection_id, created_at, id) WHERE connection_id IS NOT NULL;

CREATE TABLE webhook_endpoint (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  url TEXT COLLATE "C" NOT NULL,
  description TEXT COLLATE "C" NOT NULL,
  event_types TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
  disabled_reason TEXT COLLATE "C",
  failure_count BIGINT NOT NULL,
  failing_since BIGINT,
  retry_at BIGINT,
  last_success_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX webhook_endpoint_environment ON webhook_endpoint (environment_id, created_at, id);

CREATE TABLE webhook_secret (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL,
  endpoint_id TEXT COLLATE "C" NOT NULL REFERENCES webhook_endpoint (id) ON DELETE CASCADE,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT
);
CREATE INDEX webhook_secret_endpoint ON webhook_secret (endpoint_id, created_at, id);

-- One event for one endpoint, written in the transaction of the event. No reference to the endpoint: deleting one
-- must not make a change of an account fail that happens at the same time.
CREATE TABLE webhook_delivery (
  endpoint_id TEXT COLLATE "C" NOT NULL,
  event_id TEXT COLLATE "C" NOT NULL,
  environment_id TEXT COLLATE "C" NOT NULL,
  account_id TEXT COLLATE "C",
  sequence BIGINT NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  failure TEXT COLLATE "C",
  attempts BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  first_try_at BIGINT,
  next_try_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  finished_at BIGINT,
  PRIMARY KEY (endpoint_id, event_id)
);
CREATE INDEX webhook_delivery_created ON webhook_delivery (endpoint_id, created_at, event_id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_try_at, event_id) WHERE state = 'pending';
CREATE INDEX webhook_delivery_lane ON webhook_delivery (endpoint_id, account_id, sequence) WHERE state = 'pending';
CREATE INDEX webhook_delivery_finished ON webhook_delivery (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE webhook_attempt (
  endpoint_id TEXT COLLATE "C" NOT NULL,
  event_id TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  status BIGINT,
  failure TEXT COLLATE "C",
  PRIMARY KEY (endpoint_id, event_id, number),
  FOREIGN KEY (endpoint_id, event_id) REFERENCES webhook_delivery (endpoint_id, event_id) ON DELETE CASCADE
);
