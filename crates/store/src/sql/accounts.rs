use super::sql;

macro_rules! account_columns {
    () => {
        "id, environment_id, connection_id, identifier, organization_id, user_id, status, reason, auth_type, \
         method, credential_id, sealed_grant, variables, granted_scopes, wanted_scopes, api_config, identity_id, \
         identity_label, previous_identity_id, access_expires_at, refresh_expires_at, next_refresh_at, \
         last_used_at, generation, lease_owner, lease_until, refresh_state, in_flight_since, failure_count, \
         failing_since, last_failure, revoke_outcome, org_wide, event_sequence, connected_at, \
         created_at, updated_at"
    };
}

/// `$2` is a list of connection names, each between two bars: `|gmail|slack|`.
macro_rules! account_filter {
    () => {
        "environment_id = $1 \
         AND (CAST($2 AS TEXT) IS NULL OR connection_id IN (SELECT c.id FROM connection c \
              WHERE c.environment_id = $1 \
              AND replace(CAST($2 AS TEXT), '|' || c.name || '|', '') <> CAST($2 AS TEXT))) \
         AND (CAST($3 AS TEXT) IS NULL OR connection_id IN (SELECT c.id FROM connection c \
              WHERE c.environment_id = $1 AND c.connector = CAST($3 AS TEXT))) \
         AND (CAST($4 AS TEXT) IS NULL OR connection_id = CAST($4 AS TEXT)) \
         AND (CAST($5 AS TEXT) IS NULL OR identifier = CAST($5 AS TEXT)) \
         AND (CAST($6 AS TEXT) IS NULL OR organization_id = CAST($6 AS TEXT)) \
         AND (CAST($7 AS TEXT) IS NULL OR user_id = CAST($7 AS TEXT)) \
         AND (CAST($8 AS TEXT) IS NULL OR status = CAST($8 AS TEXT)) \
         AND (CAST($9 AS TEXT) IS NULL OR search_text LIKE CAST($9 AS TEXT) ESCAPE '\\') \
         AND (CAST($10 AS BOOLEAN) IS NULL OR org_wide = CAST($10 AS BOOLEAN))"
    };
}

pub(crate) use account_columns;

sql! {
    ACCOUNT_INSERT = (
        "INSERT INTO account (id, environment_id, connection_id, identifier, organization_id, user_id, status, \
         reason, auth_type, method, credential_id, sealed_grant, variables, granted_scopes, wanted_scopes, \
         api_config, identity_id, identity_label, access_expires_at, refresh_expires_at, next_refresh_at, \
         org_wide, created_at, updated_at, identifier_lower, search_text, event_sequence, \
         generation, refresh_state, failure_count, used_day, connected_at) VALUES \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
         $23, $23, $24, $25, $26, 1, 'idle', 0, CAST($23 AS BIGINT) / 86400000000, $27) RETURNING ", account_columns!());
    ACCOUNT_GET = ("SELECT ", account_columns!(), " FROM account WHERE id = $1");
    ACCOUNT_LOOKUP = (
        "SELECT ", account_columns!(), " FROM account WHERE connection_id = $1 AND identifier = $2 \
         AND organization_id = $3 AND user_id = $4");
    /// At most two: the caller wants to know whether there is exactly one.
    ACCOUNT_UNSCOPED = (
        "SELECT ", account_columns!(), " FROM account WHERE connection_id = $1 AND identifier = $2 \
         ORDER BY created_at, id LIMIT 2");
    ACCOUNT_ORG_WIDE = (
        "SELECT ", account_columns!(), " FROM account WHERE connection_id = $1 AND org_wide = $2 \
         ORDER BY created_at, id LIMIT 1");
    ACCOUNT_OF_CONNECTION = (
        "SELECT ", account_columns!(), " FROM account WHERE connection_id = $1 ORDER BY created_at, id");
    /// `$2` is false: users of a shared credential were granted nothing.
    ACCOUNT_GRANTED = (
        "SELECT granted_scopes, COUNT(*) AS accounts FROM account \
         WHERE connection_id = $1 AND sealed_grant IS NOT NULL AND NOT EXISTS (SELECT 1 FROM connection c \
         WHERE c.id = account.connection_id AND c.auth_mode = 'org_wide' AND account.org_wide = $2) \
         GROUP BY granted_scopes ORDER BY granted_scopes");
    /// The newest of those that `ACCOUNT_GRANTED` counts in one line.
    ACCOUNT_OF_GRANTED = (
        "SELECT ", account_columns!(), " FROM account \
         WHERE connection_id = $1 AND sealed_grant IS NOT NULL AND NOT EXISTS (SELECT 1 FROM connection c \
         WHERE c.id = account.connection_id AND c.auth_mode = 'org_wide' AND account.org_wide = $2) \
         AND granted_scopes = $3 ORDER BY created_at DESC, id DESC LIMIT $4");
    ACCOUNT_OLDER = (
        "SELECT ", account_columns!(), " FROM account WHERE ", account_filter!(),
        " AND (created_at, id) < ($11, $12) ORDER BY created_at DESC, id DESC LIMIT $13");
    ACCOUNT_NEWER = (
        "SELECT ", account_columns!(), " FROM account WHERE ", account_filter!(),
        " AND (created_at, id) > ($11, $12) ORDER BY created_at, id LIMIT $13");
    ACCOUNT_TOTAL = ("SELECT COUNT(*) FROM account WHERE ", account_filter!());
    ACCOUNT_COUNTS = (
        "SELECT connection_id, status, COUNT(*) AS accounts FROM account WHERE environment_id = $1 \
         GROUP BY connection_id, status ORDER BY connection_id, status");
    /// Reads the row and keeps other writers off it until the transaction ends, on both servers.
    ACCOUNT_LOCK = (
        "UPDATE account SET updated_at = updated_at WHERE id = $1 RETURNING ", account_columns!());
    ACCOUNT_WRITE = (
        "UPDATE account SET status = $2, reason = $3, auth_type = $4, method = $5, credential_id = $6, \
         sealed_grant = $7, variables = $8, granted_scopes = $9, wanted_scopes = $10, api_config = $11, \
         identity_id = $12, identity_label = $13, previous_identity_id = $14, access_expires_at = $15, \
         refresh_expires_at = $16, next_refresh_at = $17, generation = $18, lease_owner = $19, lease_until = $20, \
         refresh_state = $21, in_flight_since = $22, failure_count = $23, failing_since = $24, \
         last_failure = $25, revoke_outcome = $26, org_wide = $27, event_sequence = $28, updated_at = $29, \
         search_text = $30, connected_at = $31 WHERE id = $1");
    /// Not more often than once in a while: a busy account would rewrite its row on every call.
    ACCOUNT_TOUCH = (
        "UPDATE account SET last_used_at = $2, used_day = CAST($2 AS BIGINT) / 86400000000 \
         WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)");
    ACCOUNT_SEQUENCE = (
        "UPDATE account SET event_sequence = event_sequence + $2 WHERE id = $1 RETURNING event_sequence");
    ACCOUNT_DELETE = ("DELETE FROM account WHERE id = $1");
}
