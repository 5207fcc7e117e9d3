use super::sql;

macro_rules! connection_columns {
    () => {
        "id, environment_id, name, connector, method, state, attention, attention_at, label, blurb_for_users, \
         credential_source, credential_id, config, scopes, auth_mode, proxy_enabled, version, created_at, updated_at"
    };
}

macro_rules! credential_columns {
    () => {
        "id, environment_id, connection_id, source, client_id, client_secret_suffix, sealed, created_at, replaced_at, \
         earlier_sealed, earlier_until, secret_set_at, secret_set_by, secret_ends_at"
    };
}

macro_rules! connection_filter {
    () => {
        "environment_id = $1 \
         AND (CAST($2 AS TEXT) IS NULL OR connector = CAST($2 AS TEXT)) \
         AND (CAST($3 AS TEXT) IS NULL OR state = CAST($3 AS TEXT)) \
         AND (CAST($4 AS TEXT) IS NULL OR lower(name) LIKE CAST($4 AS TEXT) ESCAPE '\\')"
    };
}

sql! {
    CONNECTION_INSERT = (
        "INSERT INTO connection (", connection_columns!(), ") VALUES \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)");
    CONNECTION_GET = ("SELECT ", connection_columns!(), " FROM connection WHERE id = $1");
    CONNECTION_BY_NAME = (
        "SELECT ", connection_columns!(), " FROM connection WHERE environment_id = $1 AND name = $2");
    CONNECTION_OLDER = (
        "SELECT ", connection_columns!(), " FROM connection WHERE ", connection_filter!(),
        " AND (created_at, id) < ($5, $6) ORDER BY created_at DESC, id DESC LIMIT $7");
    CONNECTION_NEWER = (
        "SELECT ", connection_columns!(), " FROM connection WHERE ", connection_filter!(),
        " AND (created_at, id) > ($5, $6) ORDER BY created_at, id LIMIT $7");
    CONNECTION_TOTAL = ("SELECT COUNT(*) FROM connection WHERE ", connection_filter!());
    CONNECTION_UPDATE = (
        "UPDATE connection SET name = $4, method = $5, state = $6, label = $7, blurb_for_users = $8, config = $9, \
         scopes = $10, auth_mode = $11, proxy_enabled = $12, updated_at = $13, version = version + 1 \
         WHERE environment_id = $1 AND id = $2 AND version = $3");
    CONNECTION_STATE = (
        "UPDATE connection SET state = $3, updated_at = $4, version = version + 1 \
         WHERE environment_id = $1 AND id = $2 AND state <> $3");
    /// The first report of the same trouble keeps its time.
    CONNECTION_ATTENTION = (
        "UPDATE connection SET attention = $2, attention_at = $3 \
         WHERE id = $1 AND (attention IS NULL OR attention <> $2)");
    CONNECTION_CALM = (
        "UPDATE connection SET attention = NULL, attention_at = NULL WHERE id = $1 AND attention IS NOT NULL");
    CONNECTION_USE_CREDENTIAL = (
        "UPDATE connection SET credential_id = $2, credential_source = $3, updated_at = $4, attention = NULL, \
         attention_at = NULL, version = version + 1 WHERE id = $1 AND environment_id = $5");
    /// Locks the row, so that no account comes in between the count and the deletion.
    CONNECTION_LOCK = (
        "UPDATE connection SET updated_at = updated_at WHERE environment_id = $1 AND id = $2 \
         RETURNING ", connection_columns!());
    CONNECTION_WRITE = (
        "UPDATE connection SET name = $2, method = $3, state = $4, attention = $5, attention_at = $6, label = $7, \
         blurb_for_users = $8, credential_source = $9, credential_id = $10, config = $11, scopes = $12, \
         auth_mode = $13, proxy_enabled = $14, version = $15, updated_at = $16 WHERE id = $1");
    CONNECTION_EARLIER = (
        "SELECT COUNT(*) FROM account WHERE connection_id = $1 AND credential_id IS NOT NULL \
         AND credential_id <> (SELECT COALESCE(c.credential_id, '') FROM connection c WHERE c.id = $1)");
    CONNECTION_DELETE = ("DELETE FROM connection WHERE environment_id = $1 AND id = $2");
    CONNECTION_CALLS = (
        "SELECT COUNT(*) AS calls, MAX(started_at) AS last_call_at FROM call_log \
         WHERE environment_id = $1 AND connection_id = $2 AND started_at >= $3");
    CONNECTION_OPEN_LINKS = (
        "SELECT COUNT(*) FROM flow WHERE connection_id = $1 AND finished_at IS NULL AND superseded <> $2 \
         AND expires_at > $3 AND kind = 'connect'");
    /// Accounts that ask for what the connection asked for by itself follow its change; a choice of their own stays.
    CONNECTION_FOLLOW_SCOPES = (
        "UPDATE account SET wanted_scopes = $3 WHERE connection_id = $1 AND wanted_scopes = $2");
    CONNECTION_ACCOUNTS = ("SELECT COUNT(*) FROM account WHERE connection_id = $1");

    CREDENTIAL_INSERT = (
        "INSERT INTO connection_credential (", credential_columns!(), ") VALUES \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)");
    CREDENTIAL_GET = ("SELECT ", credential_columns!(), " FROM connection_credential WHERE id = $1");
    CREDENTIAL_LIST = (
        "SELECT ", credential_columns!(), " FROM connection_credential WHERE connection_id = $1 \
         ORDER BY created_at, id");
    CREDENTIAL_REPLACED = (
        "UPDATE connection_credential SET replaced_at = $3 \
         WHERE connection_id = $1 AND id <> $2 AND replaced_at IS NULL");
    CREDENTIAL_RESEAL = (
        "UPDATE connection_credential SET sealed = $2, client_secret_suffix = $3, earlier_sealed = $4, \
         earlier_until = $5, secret_set_at = $6, secret_set_by = $7, secret_ends_at = $8 WHERE id = $1");
    CREDENTIAL_FORGET_EARLIER = (
        "UPDATE connection_credential SET earlier_sealed = NULL, earlier_until = NULL WHERE id = $1");
    CREDENTIAL_FORGET_ENDED = (
        "UPDATE connection_credential SET earlier_sealed = NULL, earlier_until = NULL \
         WHERE earlier_until IS NOT NULL AND earlier_until <= $1");
    CREDENTIAL_ENDS = ("UPDATE connection_credential SET secret_ends_at = $2 WHERE id = $1");
    CREDENTIAL_ENDING = (
        "SELECT c.name, c.id AS connection_id, k.secret_ends_at AS ends_at FROM connection_credential k \
         JOIN connection c ON c.credential_id = k.id WHERE c.environment_id = $1 AND k.secret_ends_at IS NOT NULL \
         AND k.secret_ends_at < $2 ORDER BY k.secret_ends_at, c.id");
    /// Accounts leave the app that they were granted to: their next refresh is refused there.
    CREDENTIAL_DROP_EARLIER = (
        "UPDATE account SET credential_id = $2 WHERE connection_id = $1 AND credential_id IS NOT NULL \
         AND credential_id <> $2");
    CREDENTIAL_PRUNE = (
        "DELETE FROM connection_credential WHERE connection_id = $1 AND replaced_at IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM account WHERE account.credential_id = connection_credential.id) \
         AND NOT EXISTS (SELECT 1 FROM connection WHERE connection.credential_id = connection_credential.id)");
}
