-- Connectors that an environment made over the API. `auth_patterns` is kept as it was given; the definition that the
-- engine uses is made from the row.
CREATE TABLE custom_connector (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  identifier TEXT NOT NULL,
  display_name TEXT NOT NULL,
  description TEXT NOT NULL,
  icon_src TEXT NOT NULL,
  proxy_url TEXT NOT NULL,
  proxy_enabled INTEGER NOT NULL CHECK (proxy_enabled IN (0, 1)),
  auth_patterns TEXT NOT NULL,
  metadata TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX custom_connector_identifier ON custom_connector (environment_id, identifier);
CREATE INDEX custom_connector_created ON custom_connector (environment_id, created_at, id);
CREATE INDEX connection_connector ON connection (environment_id, connector);
