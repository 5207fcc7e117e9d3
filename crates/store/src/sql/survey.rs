//! The list of accounts as people filter it. The inner query looks at `account_listed` alone, which holds everything that
//! a filter needs; only the rows of the page are read. A list of ids is one text with a bar around each: `|conn_1|conn_2|`.

use super::accounts::account_columns;
use super::sql;

macro_rules! filter {
    () => {
        "environment_id = $1 \
         AND (CAST($2 AS TEXT) IS NULL \
           OR replace(CAST($2 AS TEXT), '|' || connection_id || '|', '') <> CAST($2 AS TEXT)) \
         AND (CAST($3 AS TEXT) IS NULL OR status = CAST($3 AS TEXT)) \
         AND (CAST($4 AS TEXT) IS NULL OR search_text LIKE CAST($4 AS TEXT) ESCAPE '\\') \
         AND (CAST($5 AS TEXT) IS NULL OR id = CAST($5 AS TEXT)) \
         AND (CAST($6 AS BIGINT) IS NULL OR used_day < CAST($6 AS BIGINT)) \
         AND (CAST($7 AS BIGINT) IS NULL \
           OR (refresh_expires_at >= CAST($7 AS BIGINT) AND refresh_expires_at < CAST($8 AS BIGINT)))"
    };
}

/// Later pages of the accounts that also fulfil `$extra`.
macro_rules! older {
    ($extra:literal) => {
        concat!(
            "SELECT ",
            account_columns!(),
            " FROM account WHERE id IN (SELECT id FROM account WHERE ",
            filter!(),
            $extra,
            " AND (created_at, id) < ($9, $10) ORDER BY created_at DESC, id DESC LIMIT $11) \
             ORDER BY created_at DESC, id DESC"
        )
    };
}

/// The page before, oldest first.
macro_rules! newer {
    ($extra:literal) => {
        concat!(
            "SELECT ",
            account_columns!(),
            " FROM account WHERE id IN (SELECT id FROM account WHERE ",
            filter!(),
            $extra,
            " AND (created_at, id) > ($9, $10) ORDER BY created_at, id LIMIT $11) ORDER BY created_at, id"
        )
    };
}

/// How many, as far as `$9`: counting on would look at every account for each page.
macro_rules! count {
    ($extra:literal) => {
        concat!(
            "SELECT COUNT(*) FROM (SELECT id FROM account WHERE ",
            filter!(),
            $extra,
            " LIMIT $9) counted"
        )
    };
}

sql! {
    ALL_OLDER = (older!(""));
    ALL_NEWER = (newer!(""));
    ALL_COUNT = (count!(""));
    /// One person's: by the index of the identifier.
    PERSON_OLDER = (older!(" AND identifier = $12"));
    PERSON_NEWER = (newer!(" AND identifier = $12"));
    PERSON_COUNT = (count!(" AND identifier = $10"));
    FAILING_OLDER = (older!(" AND failure_count > 0"));
    FAILING_NEWER = (newer!(" AND failure_count > 0"));
    FAILING_COUNT = (count!(" AND failure_count > 0"));
    /// The condition is that of the index `account_scope_gap`, word for word.
    GAP_OLDER = (older!(" AND granted_scopes <> wanted_scopes AND granted_scopes <> '[]'"));
    GAP_NEWER = (newer!(" AND granted_scopes <> wanted_scopes AND granted_scopes <> '[]'"));
    GAP_COUNT = (count!(" AND granted_scopes <> wanted_scopes AND granted_scopes <> '[]'"));
    /// All of one person, over all connections.
    PERSON_ALL = (
        "SELECT ", account_columns!(), " FROM account WHERE environment_id = $1 AND identifier = $2 \
         ORDER BY created_at DESC, id DESC LIMIT $3");
    /// What leaves with a person besides their accounts: the events about them but the last, which tells of the end.
    PERSON_EVENTS = (
        "DELETE FROM event WHERE environment_id = $1 AND account_id = $2 AND event_type <> $3");
    PERSON_DELIVERIES = (
        "DELETE FROM webhook_delivery WHERE environment_id = $1 AND account_id = $2 AND event_id NOT IN \
         (SELECT e.id FROM event e WHERE e.account_id = CAST($2 AS TEXT))");
    PERSON_CALLS = ("DELETE FROM call_log WHERE environment_id = $1 AND account_id = $2");
}
