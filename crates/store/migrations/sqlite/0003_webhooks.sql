-- Webhook endpoints, and what is sent to them. The PostgreSQL folder holds the same tables under the same numbers.

ALTER TABLE event ADD COLUMN organization_id TEXT;
ALTER TABLE event ADD COLUMN connection_id TEXT;
-- A sample that somebody asked for: it is delivered and not listed.
ALTER TABLE event ADD COLUMN sample INTEGER NOT NULL DEFAULT 0 CHECK (sample IN (0, 1));
UPDATE event SET connection_id = payload ->> '$.connection_id';
UPDATE event SET organization_id = NULLIF(account.organization_id, '')
  FROM account WHERE account.id = event.account_id;
CREATE INDEX event_connection ON event (connection_id, created_at, id) WHERE connection_id IS NOT NULL;

CREATE TABLE webhook_endpoint (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  url TEXT NOT NULL,
  description TEXT NOT NULL,
  event_types TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
  disabled_reason TEXT,
  failure_count INTEGER NOT NULL,
  failing_since INTEGER,
  retry_at INTEGER,
  last_success_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_endpoint_environment ON webhook_endpoint (environment_id, created_at, id);

CREATE TABLE webhook_secret (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL,
  endpoint_id TEXT NOT NULL REFERENCES webhook_endpoint (id) ON DELETE CASCADE,
  sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT;
CREATE INDEX webhook_secret_endpoint ON webhook_secret (endpoint_id, created_at, id);

-- One event for one endpoint, written in the transaction of the event. No reference to the endpoint: deleting one
-- must not make a change of an account fail that happens at the same time.
CREATE TABLE webhook_delivery (
  endpoint_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  environment_id TEXT NOT NULL,
  account_id TEXT,
  sequence INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  failure TEXT,
  attempts INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  first_try_at INTEGER,
  next_try_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  PRIMARY KEY (endpoint_id, event_id)
) STRICT;
CREATE INDEX webhook_delivery_created ON webhook_delivery (endpoint_id, created_at, event_id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_try_at, event_id) WHERE state = 'pending';
CREATE INDEX webhook_delivery_lane ON webhook_delivery (endpoint_id, account_id, sequence) WHERE state = 'pending';
CREATE INDEX webhook_delivery_finished ON webhook_delivery (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE webhook_attempt (
  endpoint_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  status INTEGER,
  failure TEXT,
  PRIMARY KEY (endpoint_id, event_id, number),
  FOREIGN KEY (endpoint_id, event_id) REFERENCES webhook_delivery (endpoint_id, event_id) ON DELETE CASCADE
) STRICT;
