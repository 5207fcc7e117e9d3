//! Sums for the pictures. A slot is a number: microseconds since `$2` divided by a width, from 0.

use super::sql;

macro_rules! of_connection {
    ($column:literal) => {
        concat!("(CAST($4 AS TEXT) IS NULL OR ", $column, " = CAST($4 AS TEXT))")
    };
}

sql! {
    /// First try, later try, or failed for now or for good.
    REFRESHES_BY_SLOT = (
        "SELECT (r.at - $2) / $5 AS slot, CASE WHEN r.outcome <> 'refreshed' THEN 'failed' \
           WHEN r.attempt > 1 THEN 'retried' ELSE 'first' END AS outcome, COUNT(*) AS refreshes \
         FROM refresh_log r WHERE r.environment_id = $1 AND r.at >= $2 AND r.at < $3 AND ",
        of_connection!("r.connection_id"), " GROUP BY 1, 2 ORDER BY 1, 2");
    /// Whether calls and refreshes of each connection went well, for a strip of its states.
    CALL_STRIP = (
        "SELECT l.connection_id AS connection_id, (l.started_at - $2) / $5 AS slot, COUNT(*) AS total, \
         CAST(SUM(CASE WHEN l.outcome = 'success' THEN 0 ELSE 1 END) AS BIGINT) AS failed \
         FROM call_log l WHERE l.environment_id = $1 AND l.started_at >= $2 AND l.started_at < $3 \
         AND l.connection_id IS NOT NULL AND ", of_connection!("l.connection_id"),
        " GROUP BY 1, 2 ORDER BY 1, 2");
    REFRESH_STRIP = (
        "SELECT r.connection_id AS connection_id, (r.at - $2) / $5 AS slot, COUNT(*) AS total, \
         CAST(SUM(CASE WHEN r.outcome = 'refreshed' THEN 0 ELSE 1 END) AS BIGINT) AS failed \
         FROM refresh_log r WHERE r.environment_id = $1 AND r.at >= $2 AND r.at < $3 \
         AND r.connection_id IS NOT NULL AND ", of_connection!("r.connection_id"),
        " GROUP BY 1, 2 ORDER BY 1, 2");
    /// The newest calls of a span: percentiles are taken of them.
    LATENCIES = (
        "SELECT (l.started_at - $2) / $5 AS slot, l.duration_ms AS duration_ms, l.provider_ms AS provider_ms \
         FROM call_log l WHERE l.environment_id = $1 AND l.started_at >= $2 AND l.started_at < $3 AND ",
        of_connection!("l.connection_id"), " ORDER BY l.started_at DESC LIMIT $6");
    /// How far links of a span got. What a later step proves, an earlier one did too.
    FUNNEL = (
        "SELECT COUNT(*) AS made, \
         COUNT(CASE WHEN f.opened_at IS NOT NULL OR f.state = 'done' THEN 1 END) AS opened, \
         COUNT(CASE WHEN f.left_at IS NOT NULL OR f.state = 'done' THEN 1 END) AS gone, \
         COUNT(CASE WHEN f.returned_at IS NOT NULL OR f.state = 'done' THEN 1 END) AS returned, \
         COUNT(CASE WHEN f.state = 'done' THEN 1 END) AS done FROM flow f \
         WHERE f.environment_id = $1 AND f.created_at >= $2 AND f.created_at < $3 AND f.kind = 'connect' AND ",
        of_connection!("f.connection_id"));
    /// Where links that did not get to the end stopped, and why.
    FUNNEL_LOSSES = (
        "SELECT CASE WHEN f.returned_at IS NOT NULL THEN 'returned' WHEN f.left_at IS NOT NULL THEN 'gone' \
           WHEN f.opened_at IS NOT NULL THEN 'opened' ELSE 'made' END AS stage, \
         COALESCE(f.trouble, CASE WHEN f.superseded = $5 THEN 'newer_link' END, f.failure, 'open') AS reason, \
         COUNT(*) AS times FROM flow f \
         WHERE f.environment_id = $1 AND f.created_at >= $2 AND f.created_at < $3 AND f.kind = 'connect' \
         AND f.state <> 'done' AND ", of_connection!("f.connection_id"),
        " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 40");
    /// Why accounts stand still, for those that stopped within a span.
    STOPPED = (
        "SELECT a.status AS stage, a.reason AS reason, COUNT(*) AS times FROM account a \
         WHERE a.environment_id = $1 AND a.updated_at >= $2 AND a.updated_at < $3 \
         AND a.status IN ('EXPIRED', 'DISCONNECTED') AND ", of_connection!("a.connection_id"),
        " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20");
    /// When refresh tokens of active accounts end.
    ENDS_BY_SLOT = (
        "SELECT (a.refresh_expires_at - $2) / $5 AS slot, 'refresh_token' AS outcome, COUNT(*) AS refreshes \
         FROM account a WHERE a.environment_id = $1 AND a.refresh_expires_at >= $2 AND a.refresh_expires_at < $3 \
         AND a.status = 'ACTIVE' AND ", of_connection!("a.connection_id"), " GROUP BY 1, 2 ORDER BY 1, 2");
    CENSUS = (
        "SELECT n.day AS day, n.status AS status, CAST(SUM(n.accounts) AS BIGINT) AS accounts FROM account_census n \
         WHERE n.environment_id = $1 AND n.day >= $2 AND n.day < $3 AND ", of_connection!("n.connection_id"),
        " GROUP BY 1, 2 ORDER BY 1, 2");
    CENSUS_CLEAR = ("DELETE FROM account_census WHERE day = $1 OR day < $2");
    CENSUS_TAKE = (
        "INSERT INTO account_census (environment_id, day, connection_id, status, accounts) \
         SELECT a.environment_id, CAST($1 AS BIGINT), a.connection_id, a.status, COUNT(*) FROM account a \
         JOIN environment e ON e.id = a.environment_id GROUP BY a.environment_id, a.connection_id, a.status");
}
