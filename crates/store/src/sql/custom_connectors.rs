use super::sql;

macro_rules! columns {
    () => {
        "id, environment_id, identifier, display_name, description, icon_src, proxy_url, proxy_enabled, \
         auth_patterns, metadata, version, created_at, updated_at"
    };
}

sql! {
    CUSTOM_INSERT = (
        "INSERT INTO custom_connector (", columns!(), ") VALUES \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)");
    CUSTOM_GET = (
        "SELECT ", columns!(), " FROM custom_connector WHERE environment_id = $1 AND identifier = $2");
    CUSTOM_OLDER = (
        "SELECT ", columns!(), " FROM custom_connector WHERE environment_id = $1 \
         AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4");
    CUSTOM_NEWER = (
        "SELECT ", columns!(), " FROM custom_connector WHERE environment_id = $1 \
         AND (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4");
    CUSTOM_TOTAL = ("SELECT COUNT(*) FROM custom_connector WHERE environment_id = $1");
    /// Locks the row, so that no connection comes in between the look at them and the change.
    CUSTOM_LOCK = (
        "UPDATE custom_connector SET updated_at = updated_at WHERE environment_id = $1 AND identifier = $2 \
         RETURNING ", columns!());
    CUSTOM_WRITE = (
        "UPDATE custom_connector SET display_name = $2, description = $3, icon_src = $4, proxy_url = $5, \
         proxy_enabled = $6, auth_patterns = $7, metadata = $8, version = $9, updated_at = $10 WHERE id = $1");
    CUSTOM_DELETE = ("DELETE FROM custom_connector WHERE id = $1");
    CUSTOM_USES = (
        "SELECT c.name, c.method, CAST((SELECT COUNT(*) FROM account a WHERE a.connection_id = c.id) AS BIGINT) \
         AS accounts FROM connection c WHERE c.environment_id = $1 AND c.connector = $2 ORDER BY c.name");
    /// How much each connector of an environment is used; those that nobody uses are not in it.
    CUSTOM_TALLY = (
        "SELECT c.connector AS identifier, COUNT(DISTINCT c.id) AS connections, COUNT(a.id) AS accounts \
         FROM connection c LEFT JOIN account a ON a.connection_id = c.id \
         WHERE c.environment_id = $1 AND c.connector LIKE '%:%' GROUP BY c.connector ORDER BY c.connector");
    /// Keeps a version before it is replaced.
    CUSTOM_KEEP = (
        "INSERT INTO custom_connector_version (connector_id, version, definition, replaced_at) \
         VALUES ($1, $2, $3, $4)");
    /// Forgets the versions that no connection was last looked at with.
    CUSTOM_FORGET = (
        "DELETE FROM custom_connector_version WHERE connector_id IN \
         (SELECT k.id FROM custom_connector k WHERE k.environment_id = $1) AND NOT EXISTS \
         (SELECT 1 FROM connection c JOIN custom_connector k ON k.environment_id = c.environment_id \
         AND k.identifier = c.connector WHERE k.id = custom_connector_version.connector_id \
         AND c.definition_version = custom_connector_version.version)");
    CUSTOM_EARLIER = (
        "SELECT v.definition FROM custom_connector_version v JOIN custom_connector k ON k.id = v.connector_id \
         WHERE k.environment_id = $1 AND k.identifier = $2 AND v.version = $3");
    /// A connection was looked at with the version of now.
    CUSTOM_SEEN = (
        "UPDATE connection SET definition_version = (SELECT k.version FROM custom_connector k \
         WHERE k.environment_id = connection.environment_id AND k.identifier = connection.connector) \
         WHERE environment_id = $1 AND id = $2");
    CUSTOM_REVIEWED = (
        "UPDATE connection SET definition_version = $3 WHERE environment_id = $1 AND id = $2 \
         AND definition_version < $3 AND EXISTS (SELECT 1 FROM custom_connector k \
         WHERE k.environment_id = connection.environment_id AND k.identifier = connection.connector \
         AND k.version = $3)");
    CUSTOM_BEHIND = (
        "SELECT c.id AS connection_id, k.identifier, c.definition_version AS seen, k.version FROM connection c \
         JOIN custom_connector k ON k.environment_id = c.environment_id AND k.identifier = c.connector \
         WHERE c.environment_id = $1 AND c.definition_version < k.version ORDER BY c.id");
}
