//! Lists and sums over the call log. A list of words is one text with a bar around each: `|api|proxy|`.

use super::sql;

macro_rules! error_code {
    () => {
        "COALESCE(l.error_code, CASE WHEN l.outcome = 'success' THEN NULL ELSE 'http_' || CAST(l.status AS TEXT) END)"
    };
}

/// The account is looked at when the log is read: the log itself holds ids only.
macro_rules! logged_columns {
    () => {
        concat!(
            "l.id, l.environment_id, l.source, l.connection_id, l.account_id, l.duration_ms, l.started_at, \
             l.outcome, l.connector, l.connection_name, l.tool_name, l.agent_run_id, l.error_message, l.status, ",
            error_code!(), " AS error_code, a.identifier, a.organization_id, a.user_id FROM call_log l \
             LEFT JOIN account a ON a.id = l.account_id AND a.environment_id = l.environment_id"
        )
    };
}

macro_rules! among {
    ($parameter:literal, $value:expr) => {
        concat!(
            " AND (CAST(",
            $parameter,
            " AS TEXT) IS NULL OR replace(CAST(",
            $parameter,
            " AS TEXT), '|' || ",
            $value,
            " || '|', '') <> CAST(",
            $parameter,
            " AS TEXT))"
        )
    };
}

macro_rules! filter {
    () => {
        concat!(
            "l.environment_id = $1 AND l.started_at >= $2 AND l.started_at < $3",
            among!("$4", "l.outcome"),
            among!("$5", "l.connector"),
            among!("$6", "l.source"),
            among!("$7", error_code!()),
            " AND (CAST($8 AS TEXT) IS NULL OR l.connection_id = CAST($8 AS TEXT)) \
             AND (CAST($9 AS TEXT) IS NULL OR l.account_id = CAST($9 AS TEXT)) \
             AND (CAST($10 AS TEXT) IS NULL OR l.account_id IN (SELECT b.id FROM account b \
                  WHERE b.environment_id = $1 AND b.identifier = CAST($10 AS TEXT))) \
             AND (CAST($11 AS TEXT) IS NULL OR l.agent_run_id = CAST($11 AS TEXT)) \
             AND (CAST($12 AS TEXT) IS NULL OR lower(l.connection_name) LIKE CAST($12 AS TEXT) ESCAPE '\\')"
        )
    };
}

sql! {
    LOGGED_GET = ("SELECT ", logged_columns!(), " WHERE l.environment_id = $1 AND l.id = $2");
    LOGGED_OLDER = (
        "SELECT ", logged_columns!(), " WHERE ", filter!(),
        " AND (l.started_at, l.id) < ($13, $14) ORDER BY l.started_at DESC, l.id DESC LIMIT $15");
    LOGGED_NEWER = (
        "SELECT ", logged_columns!(), " WHERE ", filter!(),
        " AND (l.started_at, l.id) > ($13, $14) ORDER BY l.started_at, l.id LIMIT $15");
    LOGGED_TOTAL = ("SELECT COUNT(*) FROM call_log l WHERE ", filter!());

    /// Microseconds since `$13`, in slots of `$14`.
    BY_SLOT = (
        "SELECT (l.started_at - $13) / $14 AS slot, l.outcome AS outcome, COUNT(*) AS calls FROM call_log l \
         WHERE ", filter!(), " GROUP BY 1, 2 ORDER BY 1, 2");
    BY_CONNECTOR = (
        "SELECT COALESCE(l.connector, '') AS connector, l.outcome AS outcome, COUNT(*) AS calls FROM call_log l \
         WHERE ", filter!(), " GROUP BY 1, 2 ORDER BY 1, 2");
    BY_CODE = (
        "SELECT ", error_code!(), " AS error_code, COUNT(*) AS calls FROM call_log l \
         WHERE ", filter!(), " AND l.outcome <> 'success' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $13");
}
