-- Connectors that an environment made over the API. `auth_patterns` is kept as it was given; the definition that the
-- engine uses is made from the row.
CREATE TABLE custom_connector (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  identifier TEXT COLLATE "C" NOT NULL,
  display_name TEXT COLLATE "C" NOT NULL,
  description TEXT COLLATE "C" NOT NULL,
  icon_src TEXT COLLATE "C" NOT NULL,
  proxy_url TEXT COLLATE "C" NOT NULL,
  proxy_enabled BOOLEAN NOT NULL,
  auth_patterns TEXT COLLATE "C" NOT NULL,
  metadata TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX custom_connector_identifier ON custom_connector (environment_id, identifier);
CREATE INDEX custom_connector_created ON custom_connector (environment_id, created_at, id);
CREATE INDEX connection_connector ON connection (environment_id, connector);
