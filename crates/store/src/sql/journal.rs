//! One log out of five tables: connects, refreshes, calls, webhooks, changes. Each statement gives rows of one shape, so
//! that the pages of all of them can be merged by time.

use super::sql;

/// The rest of a row: whose account, on which connection.
macro_rules! names {
    ($account:literal, $connection:literal) => {
        concat!(
            "a.identifier AS person, c.name AS connection_name, ",
            $account,
            " AS account_id, ",
            $connection,
            " AS connection_id"
        )
    };
}

macro_rules! joins {
    ($environment:literal, $account:literal, $connection:literal) => {
        concat!(
            " LEFT JOIN account a ON a.id = ",
            $account,
            " AND a.environment_id = ",
            $environment,
            " LEFT JOIN connection c ON c.id = ",
            $connection,
            " AND c.environment_id = ",
            $environment
        )
    };
}

macro_rules! page {
    ($rows:expr, $environment:literal, $account:literal, $connection:literal, $at:literal, $id:literal,
     $failed:literal, $what:literal) => {
        concat!(
            $rows,
            " WHERE ",
            $environment,
            " = $1 AND (CAST($2 AS TEXT) IS NULL OR ",
            $connection,
            " = CAST($2 AS TEXT)) AND (CAST($3 AS TEXT) IS NULL OR ",
            $account,
            " = CAST($3 AS TEXT)) AND (CAST($4 AS TEXT) IS NULL OR ",
            $account,
            " IN (SELECT b.id FROM account b WHERE b.environment_id = $1 AND b.identifier = CAST($4 AS TEXT))) AND ",
            $at,
            " >= $5 AND ",
            $at,
            " < $6 AND (CAST($7 AS BIGINT) IS NULL OR ",
            $failed,
            " = CAST($7 AS BIGINT)) AND (CAST($8 AS TEXT) IS NULL OR lower(",
            $what,
            ") LIKE CAST($8 AS TEXT) ESCAPE '\\') AND ",
            $at,
            " <= $9 AND (",
            $at,
            ", ",
            $id,
            ") < ($9, $10) ORDER BY ",
            $at,
            " DESC, ",
            $id,
            " DESC LIMIT $11"
        )
    };
}

macro_rules! find {
    ($rows:expr, $environment:literal, $id:literal, $reference:literal) => {
        concat!(
            $rows,
            " WHERE ",
            $environment,
            " = $1 AND (",
            $id,
            " = $2 OR ",
            $reference,
            " = $2) ORDER BY 2, 3 LIMIT 20"
        )
    };
}

macro_rules! calls {
    () => {
        concat!(
            "SELECT 'call' AS kind, l.started_at AS at, l.id AS id, l.reference AS reference, l.source AS actor, \
             l.method || ' ' || l.path AS what, CAST(l.status AS TEXT) AS status, l.error_code AS reason, \
             l.error_message AS words, CAST(CASE WHEN l.outcome = 'success' THEN 0 ELSE 1 END AS BIGINT) AS failed, \
             l.duration_ms AS duration_ms, l.provider_ms AS provider_ms, NULL AS next_at, l.agent_run_id AS further, ",
            names!("l.account_id", "l.connection_id"),
            " FROM call_log l",
            joins!("l.environment_id", "l.account_id", "l.connection_id")
        )
    };
}

macro_rules! refreshes {
    () => {
        concat!(
            "SELECT 'refresh' AS kind, r.at AS at, r.id AS id, r.id AS reference, NULL AS actor, r.outcome AS what, \
             CAST(r.attempt AS TEXT) AS status, r.reason AS reason, NULL AS words, \
             CAST(CASE WHEN r.outcome = 'refreshed' THEN 0 ELSE 1 END AS BIGINT) AS failed, \
             r.duration_ms AS duration_ms, r.duration_ms AS provider_ms, r.next_try_at AS next_at, \
             CAST(r.generation AS TEXT) AS further, ",
            names!("r.account_id", "r.connection_id"),
            " FROM refresh_log r",
            joins!("r.environment_id", "r.account_id", "r.connection_id")
        )
    };
}

macro_rules! connects {
    () => {
        concat!(
            "SELECT 'connect' AS kind, f.created_at AS at, f.id AS id, COALESCE(f.reference, f.id) AS reference, \
             NULL AS actor, f.kind AS what, f.state AS status, COALESCE(f.trouble, f.failure) AS reason, \
             COALESCE(CAST(f.opened_at AS TEXT), '') || '|' || COALESCE(CAST(f.left_at AS TEXT), '') || '|' || \
             COALESCE(CAST(f.returned_at AS TEXT), '') || '|' || COALESCE(CAST(f.finished_at AS TEXT), '') || '|' || \
             COALESCE(CAST(f.trouble_at AS TEXT), '') AS words, CAST(CASE WHEN f.state = 'done' THEN 0 \
               WHEN f.trouble IS NOT NULL OR f.failure IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS failed, \
             NULL AS duration_ms, NULL AS provider_ms, f.expires_at AS next_at, f.note AS further, ",
            names!("f.account_id", "f.connection_id"),
            " FROM flow f",
            joins!("f.environment_id", "f.account_id", "f.connection_id")
        )
    };
}

macro_rules! webhooks {
    () => {
        concat!(
            "SELECT 'webhook' AS kind, d.created_at AS at, d.event_id || '.' || d.endpoint_id AS id, \
             d.event_id AS reference, d.endpoint_id AS actor, e.event_type AS what, d.state AS status, \
             d.failure AS reason, NULL AS words, CAST(CASE WHEN d.state = 'failed' OR d.failure IS NOT NULL \
               THEN 1 ELSE 0 END AS BIGINT) AS failed, \
             (SELECT t.duration_ms FROM webhook_attempt t WHERE t.endpoint_id = d.endpoint_id \
               AND t.event_id = d.event_id ORDER BY t.number DESC LIMIT 1) AS duration_ms, \
             NULL AS provider_ms, CASE WHEN d.state = 'pending' THEN d.next_try_at END AS next_at, \
             CAST(d.attempts AS TEXT) AS further, ",
            names!("d.account_id", "e.connection_id"),
            " FROM webhook_delivery d JOIN event e ON e.id = d.event_id",
            joins!("d.environment_id", "d.account_id", "e.connection_id")
        )
    };
}

macro_rules! changes {
    () => {
        concat!(
            "SELECT 'change' AS kind, u.created_at AS at, u.id AS id, COALESCE(u.reference, u.id) AS reference, \
             u.actor AS actor, u.action AS what, u.target AS status, NULL AS reason, u.detail AS words, \
             CAST(0 AS BIGINT) AS failed, NULL AS duration_ms, NULL AS provider_ms, NULL AS next_at, NULL AS further, ",
            names!(
                "CASE WHEN substr(u.target, 1, 3) = 'ca_' THEN u.target END",
                "CASE WHEN substr(u.target, 1, 5) = 'conn_' THEN u.target END"
            ),
            " FROM audit u",
            joins!("u.environment_id", "u.target", "u.target")
        )
    };
}

macro_rules! events {
    () => {
        concat!(
            "SELECT 'event' AS kind, e.created_at AS at, e.id AS id, e.id AS reference, NULL AS actor, \
             e.event_type AS what, NULL AS status, NULL AS reason, e.payload AS words, CAST(0 AS BIGINT) AS failed, \
             NULL AS duration_ms, NULL AS provider_ms, NULL AS next_at, NULL AS further, ",
            names!("e.account_id", "e.connection_id"),
            " FROM event e",
            joins!("e.environment_id", "e.account_id", "e.connection_id")
        )
    };
}

sql! {
    CALLS = (page!(calls!(), "l.environment_id", "l.account_id", "l.connection_id", "l.started_at", "l.id",
        "(CASE WHEN l.outcome = 'success' THEN 0 ELSE 1 END)", "(l.method || ' ' || l.path)"));
    REFRESHES = (page!(refreshes!(), "r.environment_id", "r.account_id", "r.connection_id", "r.at", "r.id",
        "(CASE WHEN r.outcome = 'refreshed' THEN 0 ELSE 1 END)", "(r.outcome || ' ' || COALESCE(r.reason, ''))"));
    CONNECTS = (page!(connects!(), "f.environment_id", "f.account_id", "f.connection_id", "f.created_at", "f.id",
        "(CASE WHEN f.state = 'done' THEN 0 WHEN f.trouble IS NOT NULL OR f.failure IS NOT NULL THEN 1 ELSE 0 END)",
        "(f.kind || ' ' || f.state || ' ' || COALESCE(f.trouble, f.failure, ''))"));
    WEBHOOKS = (page!(webhooks!(), "d.environment_id", "d.account_id", "e.connection_id", "d.created_at",
        "(d.event_id || '.' || d.endpoint_id)",
        "(CASE WHEN d.state = 'failed' OR d.failure IS NOT NULL THEN 1 ELSE 0 END)", "e.event_type"));
    CHANGES = (page!(changes!(), "u.environment_id", "u.target", "u.target", "u.created_at", "u.id", "0",
        "(u.action || ' ' || u.target)"));
    EVENTS = (page!(events!(), "e.environment_id", "e.account_id", "e.connection_id", "e.created_at", "e.id", "0",
        "e.event_type"));

    CALLS_FIND = (find!(calls!(), "l.environment_id", "l.id", "l.reference"));
    REFRESHES_FIND = (find!(refreshes!(), "r.environment_id", "r.id", "r.id"));
    CONNECTS_FIND = (find!(connects!(), "f.environment_id", "f.id", "f.reference"));
    WEBHOOKS_FIND = (find!(webhooks!(), "d.environment_id", "d.event_id", "d.event_id"));
    CHANGES_FIND = (find!(changes!(), "u.environment_id", "u.id", "u.reference"));
    EVENTS_FIND = (find!(events!(), "e.environment_id", "e.id", "e.id"));

    /// The first time counts.
    FLOW_OPENED = ("UPDATE flow SET opened_at = $2 WHERE id = $1 AND opened_at IS NULL");
    FLOW_LEFT = (
        "UPDATE flow SET left_at = $2, opened_at = COALESCE(opened_at, $2) WHERE id = $1 AND left_at IS NULL");
    FLOW_RETURNED = (
        "UPDATE flow SET returned_at = $2, left_at = COALESCE(left_at, $2), opened_at = COALESCE(opened_at, $2) \
         WHERE id = $1 AND returned_at IS NULL");
    /// That a link is over is no reason why nobody got to its end.
    FLOW_TROUBLE = (
        "UPDATE flow SET trouble = CASE WHEN CAST($2 AS TEXT) IN ('link_expired', 'link_used') THEN trouble \
         ELSE CAST($2 AS TEXT) END, reference = $3, trouble_at = $4 WHERE id = $1");
}
