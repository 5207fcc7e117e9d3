use super::sql;

macro_rules! client_columns {
    () => {
        "id, environment_id, name, permissions, disabled, created_at, last_used_at"
    };
}

macro_rules! secret_columns {
    () => {
        "id, client_id, hash, suffix, state, created_at, expires_at"
    };
}

sql! {
    CLIENT_INSERT = ("INSERT INTO api_client (", client_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7)");
    CLIENT_GET = ("SELECT ", client_columns!(), " FROM api_client WHERE id = $1");
    CLIENT_LIST = (
        "SELECT ", client_columns!(), " FROM api_client WHERE environment_id = $1 ORDER BY created_at, id");
    CLIENT_UPDATE = (
        "UPDATE api_client SET name = $3, permissions = $4, disabled = $5 WHERE environment_id = $1 AND id = $2");
    CLIENT_TOUCH = (
        "UPDATE api_client SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)");
    CLIENT_DELETE = ("DELETE FROM api_client WHERE environment_id = $1 AND id = $2");

    SECRET_INSERT = (
        "INSERT INTO api_client_secret (", secret_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7)");
    SECRET_LIST = (
        "SELECT ", secret_columns!(), " FROM api_client_secret WHERE client_id = $1 ORDER BY created_at, id");
    SECRET_STATE = (
        "UPDATE api_client_secret SET state = $3, expires_at = $4 WHERE client_id = $1 AND id = $2");
    SECRET_DELETE = ("DELETE FROM api_client_secret WHERE client_id = $1 AND id = $2");
}
