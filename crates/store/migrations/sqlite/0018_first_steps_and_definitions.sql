-- Whether the first page shows the steps to a first call: until they are done, or as somebody decided.
ALTER TABLE environment ADD COLUMN first_steps TEXT NOT NULL DEFAULT 'shown'
  CHECK (first_steps IN ('shown', 'done', 'hidden', 'restored'));

-- The version of a connector of one's own that a connection was last saved, tested or reviewed with. What was before is
-- not known and counts as seen.
ALTER TABLE connection ADD COLUMN definition_version INTEGER;
UPDATE connection SET definition_version = (SELECT custom_connector.version FROM custom_connector
  WHERE custom_connector.environment_id = connection.environment_id
  AND custom_connector.identifier = connection.connector);

-- Earlier versions, for as long as a connection was last looked at with them.
CREATE TABLE custom_connector_version (
  connector_id TEXT NOT NULL REFERENCES custom_connector (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  definition TEXT NOT NULL,
  replaced_at INTEGER NOT NULL,
  PRIMARY KEY (connector_id, version)
) STRICT;
