//! One set of statements for each column that the vault sealed: a page of it, the compare-and-set of one value,
//! and how many values lie under a data key or elsewhere. A value begins with the id of its key.

use super::sql;

macro_rules! page {
    ($table:literal, $column:literal, $key:literal, $first:literal, $second:literal) => {
        concat!(
            "SELECT ",
            $key,
            " AS row_id, ",
            $column,
            " AS sealed, ",
            $first,
            " AS binding_1, ",
            $second,
            " AS binding_2 FROM ",
            $table,
            " WHERE environment_id = $1 AND ",
            $column,
            " IS NOT NULL AND ",
            $key,
            " > $2 AND substr(",
            $column,
            ", 1, CAST($4 AS INTEGER)) <> $3 ORDER BY ",
            $key,
            " LIMIT $5"
        )
    };
}

macro_rules! swap {
    ($table:literal, $column:literal, $key:literal) => {
        concat!("UPDATE ", $table, " SET ", $column, " = $3 WHERE ", $key, " = $1 AND ", $column, " = $2")
    };
}

macro_rules! under {
    ($table:literal, $column:literal) => {
        concat!(
            "SELECT COUNT(*) FROM ",
            $table,
            " WHERE environment_id = $1 AND ",
            $column,
            " IS NOT NULL AND substr(",
            $column,
            ", 1, CAST($3 AS INTEGER)) = $2"
        )
    };
}

macro_rules! elsewhere {
    ($table:literal, $column:literal) => {
        concat!(
            "SELECT COUNT(*) FROM ",
            $table,
            " WHERE environment_id = $1 AND ",
            $column,
            " IS NOT NULL AND substr(",
            $column,
            ", 1, CAST($3 AS INTEGER)) <> $2"
        )
    };
}

sql! {
    SIGNING_KEY_PAGE = (
        page!("signing_key", "sealed_private", "id", "CAST(NULL AS TEXT)", "CAST(NULL AS TEXT)"));
    SIGNING_KEY_SWAP = (swap!("signing_key", "sealed_private", "id"));
    SIGNING_KEY_UNDER = (under!("signing_key", "sealed_private"));
    SIGNING_KEY_ELSEWHERE = (elsewhere!("signing_key", "sealed_private"));

    CREDENTIAL_PAGE = (page!("connection_credential", "sealed", "id", "connection_id", "CAST(NULL AS TEXT)"));
    CREDENTIAL_SWAP = (swap!("connection_credential", "sealed", "id"));
    CREDENTIAL_UNDER = (under!("connection_credential", "sealed"));
    CREDENTIAL_ELSEWHERE = (elsewhere!("connection_credential", "sealed"));

    EARLIER_PAGE = (
        page!("connection_credential", "earlier_sealed", "id", "connection_id", "CAST(NULL AS TEXT)"));
    EARLIER_SWAP = (swap!("connection_credential", "earlier_sealed", "id"));
    EARLIER_UNDER = (under!("connection_credential", "earlier_sealed"));
    EARLIER_ELSEWHERE = (elsewhere!("connection_credential", "earlier_sealed"));

    ACCOUNT_PAGE = (page!("account", "sealed_grant", "id", "connection_id", "identifier"));
    ACCOUNT_SWAP = (swap!("account", "sealed_grant", "id"));
    ACCOUNT_UNDER = (under!("account", "sealed_grant"));
    ACCOUNT_ELSEWHERE = (elsewhere!("account", "sealed_grant"));

    FLOW_PAGE = (page!("flow", "sealed_input", "id", "connection_id", "CAST(NULL AS TEXT)"));
    FLOW_SWAP = (swap!("flow", "sealed_input", "id"));
    FLOW_UNDER = (under!("flow", "sealed_input"));
    FLOW_ELSEWHERE = (elsewhere!("flow", "sealed_input"));

    ATTEMPT_PAGE = (page!("flow_attempt", "sealed", "state_hash", "flow_id", "CAST(NULL AS TEXT)"));
    ATTEMPT_SWAP = (swap!("flow_attempt", "sealed", "state_hash"));
    ATTEMPT_UNDER = (under!("flow_attempt", "sealed"));
    ATTEMPT_ELSEWHERE = (elsewhere!("flow_attempt", "sealed"));

    WEBHOOK_SECRET_PAGE = (page!("webhook_secret", "sealed", "id", "endpoint_id", "CAST(NULL AS TEXT)"));
    WEBHOOK_SECRET_SWAP = (swap!("webhook_secret", "sealed", "id"));
    WEBHOOK_SECRET_UNDER = (under!("webhook_secret", "sealed"));
    WEBHOOK_SECRET_ELSEWHERE = (elsewhere!("webhook_secret", "sealed"));

    REENCRYPTION_GET = (
        "SELECT environment_id, key_id, step, last_row, moved, failed, started_at, updated_at, finished_at \
         FROM reencryption WHERE environment_id = $1");
    REENCRYPTION_UNFINISHED = (
        "SELECT environment_id, key_id, step, last_row, moved, failed, started_at, updated_at, finished_at \
         FROM reencryption WHERE finished_at IS NULL ORDER BY environment_id");
    /// Begins a move. One to the same key that is under way goes on instead.
    REENCRYPTION_BEGIN = (
        "INSERT INTO reencryption (environment_id, key_id, step, last_row, moved, failed, started_at, updated_at, \
         finished_at) VALUES ($1, $2, 0, '', 0, '{}', $3, $3, NULL) \
         ON CONFLICT (environment_id) DO UPDATE SET key_id = excluded.key_id, step = 0, last_row = '', moved = 0, \
         failed = '{}', started_at = excluded.started_at, updated_at = excluded.updated_at, finished_at = NULL \
         WHERE reencryption.finished_at IS NOT NULL OR reencryption.key_id <> excluded.key_id");
    REENCRYPTION_STEP = (
        "UPDATE reencryption SET step = $3, last_row = $4, moved = moved + $5, failed = $6, updated_at = $7, \
         finished_at = $8 WHERE environment_id = $1 AND key_id = $2 AND finished_at IS NULL");
}
