use super::sql;

macro_rules! environment_columns {
    () => {
        "id, name, kind, app_name, verify_mode, settings, created_at, updated_at"
    };
}

macro_rules! data_key_columns {
    () => {
        "id, environment_id, wrapped, state, created_at, version, activated_at, rotated_at"
    };
}

macro_rules! signing_key_columns {
    () => {
        "id, environment_id, sealed_private, public_jwk, state, created_at, retire_at, signs_from"
    };
}

sql! {
    NOW = ("SELECT micros FROM database_clock");
    INSTALLATION_INSERT = (
        "INSERT INTO installation (id, epoch, key_check, created_at) VALUES ('installation', $1, $2, $3)");
    INSTALLATION_GET = ("SELECT epoch, key_check, created_at FROM installation");
    INSTALLATION_EPOCH = ("UPDATE installation SET epoch = $1");
    INSTALLATION_KEY_CHECK = ("UPDATE installation SET key_check = $1");

    ENVIRONMENT_INSERT = (
        "INSERT INTO environment (", environment_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    ENVIRONMENT_GET = ("SELECT ", environment_columns!(), " FROM environment WHERE id = $1");
    ENVIRONMENT_LIST = ("SELECT ", environment_columns!(), " FROM environment ORDER BY created_at, id");
    ENVIRONMENT_UPDATE = (
        "UPDATE environment SET name = $2, kind = $3, app_name = $4, verify_mode = $5, settings = $6, \
         updated_at = $7 WHERE id = $1");

    ENVIRONMENT_FIRST_STEPS = ("SELECT first_steps FROM environment WHERE id = $1");
    /// Only from where it is expected to be: what somebody decided meanwhile stays.
    ENVIRONMENT_SET_FIRST_STEPS = (
        "UPDATE environment SET first_steps = $2 WHERE id = $1 AND first_steps <> $2 \
         AND (CAST($3 AS TEXT) IS NULL OR first_steps = CAST($3 AS TEXT))");

    DATA_KEY_INSERT = (
        "INSERT INTO data_key (", data_key_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    DATA_KEY_NEXT = (
        "SELECT COALESCE(MAX(version), 0) + 1 FROM data_key WHERE environment_id = $1");
    DATA_KEY_LIST = ("SELECT ", data_key_columns!(), " FROM data_key ORDER BY created_at, id");
    DATA_KEY_DEMOTE = (
        "UPDATE data_key SET state = 'deprecated', rotated_at = $2 WHERE environment_id = $1 AND state = 'primary'");
    DATA_KEY_PROMOTE = (
        "UPDATE data_key SET state = 'primary', activated_at = $3, rotated_at = NULL \
         WHERE id = $2 AND environment_id = $1 AND state <> 'primary'");
    DATA_KEY_DELETE = ("DELETE FROM data_key WHERE environment_id = $1 AND id = $2 AND state <> 'primary'");
    DATA_KEY_REWRAP = ("UPDATE data_key SET wrapped = $2 WHERE id = $1");

    SIGNING_KEY_INSERT = (
        "INSERT INTO signing_key (", signing_key_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    SIGNING_KEY_LIST = (
        "SELECT ", signing_key_columns!(), " FROM signing_key WHERE environment_id = $1 AND state <> 'retired' \
         ORDER BY created_at, id");
    /// Those that are retiring already do not verify longer than the one that signs now.
    SIGNING_KEY_RETIRE_ACTIVE = (
        "UPDATE signing_key SET state = 'retiring', \
         retire_at = CASE WHEN retire_at < $2 THEN retire_at ELSE $2 END \
         WHERE environment_id = $1 AND state IN ('active', 'retiring')");
    SIGNING_KEY_RETIRE_DUE = (
        "UPDATE signing_key SET state = 'retired' WHERE state = 'retiring' AND retire_at <= $1");
}
