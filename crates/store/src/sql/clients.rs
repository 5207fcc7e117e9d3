use super::sql;

macro_rules! client_columns {
    () => {
        "id, environment_id, name, permissions, disabled, created_at, last_used_at, networks, networks_enforced, \
         token_seconds, updated_at, last_used_address"
    };
}

macro_rules! secret_columns {
    () => {
        "id, client_id, hash, suffix, state, created_at, expires_at, created_by, updated_at, last_used_at, \
         last_used_address"
    };
}

sql! {
    CLIENT_INSERT = (
        "INSERT INTO api_client (", client_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
    CLIENT_GET = ("SELECT ", client_columns!(), " FROM api_client WHERE id = $1");
    CLIENT_LIST = (
        "SELECT ", client_columns!(), " FROM api_client WHERE environment_id = $1 ORDER BY created_at, id");
    CLIENT_OLDER = (
        "SELECT ", client_columns!(), " FROM api_client WHERE environment_id = $1 \
         AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4");
    CLIENT_NEWER = (
        "SELECT ", client_columns!(), " FROM api_client WHERE environment_id = $1 \
         AND (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4");
    CLIENT_TOTAL = ("SELECT COUNT(*) FROM api_client WHERE environment_id = $1");
    CLIENT_UPDATE = (
        "UPDATE api_client SET name = $3, permissions = $4, disabled = $5, networks = $6, networks_enforced = $7, \
         token_seconds = $8, updated_at = $9 WHERE environment_id = $1 AND id = $2");
    CLIENT_TOUCH = (
        "UPDATE api_client SET last_used_at = $2, last_used_address = $4 \
         WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)");
    CLIENT_DELETE = ("DELETE FROM api_client WHERE environment_id = $1 AND id = $2");

    SECRET_INSERT = (
        "INSERT INTO api_client_secret (", secret_columns!(), ") VALUES \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    SECRET_LIST = (
        "SELECT ", secret_columns!(), " FROM api_client_secret WHERE client_id = $1 ORDER BY created_at, id");
    SECRET_STATE = (
        "UPDATE api_client_secret SET state = $3, expires_at = $4, updated_at = $5 \
         WHERE client_id = $1 AND id = $2");
    SECRET_TOUCH = (
        "UPDATE api_client_secret SET last_used_at = $2, last_used_address = $4 \
         WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)");
    SECRET_DELETE = ("DELETE FROM api_client_secret WHERE client_id = $1 AND id = $2");
}
