use super::sql;

macro_rules! endpoint_columns {
    () => {
        "id, environment_id, url, description, event_types, state, disabled_reason, failure_count, failing_since, \
         retry_at, last_success_at, created_at, updated_at"
    };
}

macro_rules! secret_columns {
    () => {
        "id, environment_id, endpoint_id, sealed, created_at, expires_at"
    };
}

macro_rules! delivery_columns {
    () => {
        "endpoint_id, event_id, environment_id, account_id, sequence, state, failure, attempts, tries, \
         first_try_at, next_try_at, created_at, finished_at"
    };
}

macro_rules! with_type {
    () => {
        "d.endpoint_id, d.event_id, d.environment_id, d.account_id, d.sequence, d.state, d.failure, d.attempts, \
         d.tries, d.first_try_at, d.next_try_at, d.created_at, d.finished_at, e.event_type, \
         t.status AS last_status, t.duration_ms AS last_duration_ms"
    };
}

/// Deliveries with the type of their event and their last try.
macro_rules! deliveries {
    () => {
        "webhook_delivery d JOIN event e ON e.id = d.event_id LEFT JOIN webhook_attempt t \
         ON t.endpoint_id = d.endpoint_id AND t.event_id = d.event_id AND t.number = d.attempts"
    };
}

macro_rules! delivery_filter {
    () => {
        "d.environment_id = $1 AND d.endpoint_id = $2 \
         AND (CAST($3 AS TEXT) IS NULL OR d.state = CAST($3 AS TEXT))"
    };
}

/// Whether the endpoint `w` wants an event of the type `$…`: its list of types is JSON, and empty for all.
macro_rules! wants {
    ($event_type:literal) => {
        concat!(
            "(w.event_types = '[]' OR replace(w.event_types, '\"' || ",
            $event_type,
            " || '\"', '') <> w.event_types)"
        )
    };
}

sql! {
    ENDPOINT_INSERT = (
        "INSERT INTO webhook_endpoint (", endpoint_columns!(), ") \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)");
    ENDPOINT_GET = ("SELECT ", endpoint_columns!(), " FROM webhook_endpoint WHERE environment_id = $1 AND id = $2");
    ENDPOINT_LIVE = ("SELECT ", endpoint_columns!(), " FROM webhook_endpoint WHERE id = $1");
    ENDPOINT_OLDER = (
        "SELECT ", endpoint_columns!(), " FROM webhook_endpoint WHERE environment_id = $1 \
         AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4");
    ENDPOINT_NEWER = (
        "SELECT ", endpoint_columns!(), " FROM webhook_endpoint WHERE environment_id = $1 \
         AND (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4");
    ENDPOINT_TOTAL = ("SELECT COUNT(*) FROM webhook_endpoint WHERE environment_id = $1");
    ENDPOINT_UPDATE = (
        "UPDATE webhook_endpoint SET url = $3, description = $4, event_types = $5, state = $6, \
         disabled_reason = CASE WHEN CAST($6 AS TEXT) = 'disabled' THEN disabled_reason END, failure_count = 0, \
         failing_since = NULL, retry_at = NULL, updated_at = $7 \
         WHERE environment_id = $1 AND id = $2 AND updated_at = $8");
    ENDPOINT_DELETE = ("DELETE FROM webhook_endpoint WHERE environment_id = $1 AND id = $2");
    ENDPOINT_HEALTH = (
        "UPDATE webhook_endpoint SET failure_count = $2, failing_since = $3, retry_at = $4, last_success_at = $5 \
         WHERE id = $1 AND state = 'active'");
    ENDPOINT_DISABLE = (
        "UPDATE webhook_endpoint SET state = 'disabled', disabled_reason = $2, updated_at = $3 \
         WHERE id = $1 AND state = 'active'");
    /// Endpoints with something to send; `ready` decides between them and their breaker.
    ENDPOINT_READY = (
        "SELECT w.id FROM webhook_endpoint w WHERE w.state = 'active' AND (w.retry_at IS NULL OR w.retry_at <= $1) \
         AND EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.endpoint_id = w.id AND d.state = 'pending' \
           AND d.next_try_at <= $1) ORDER BY w.id");

    SECRET_INSERT = (
        "INSERT INTO webhook_secret (", secret_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6)");
    SECRET_LIST = (
        "SELECT ", secret_columns!(), " FROM webhook_secret WHERE endpoint_id = $1 \
         AND (expires_at IS NULL OR expires_at > $2) ORDER BY created_at DESC, id DESC");
    SECRET_END = (
        "UPDATE webhook_secret SET expires_at = $2 \
         WHERE endpoint_id = $1 AND (expires_at IS NULL OR expires_at > $2)");
    SECRET_TIDY = ("DELETE FROM webhook_secret WHERE expires_at IS NOT NULL AND expires_at <= $1");

    /// The fan-out, in the transaction of the event: no cursor that could pass an event which commits late.
    DELIVERY_FAN_OUT = (
        "INSERT INTO webhook_delivery (", delivery_columns!(), ") \
         SELECT w.id, CAST($2 AS TEXT), w.environment_id, CAST($3 AS TEXT), CAST($4 AS BIGINT), 'pending', NULL, 0, 0, \
           NULL, CAST($6 AS BIGINT), CAST($6 AS BIGINT), NULL \
         FROM webhook_endpoint w WHERE w.environment_id = $1 AND w.state <> 'disabled' AND ",
        wants!("CAST($5 AS TEXT)"));
    DELIVERY_ONE = (
        "INSERT INTO webhook_delivery (", delivery_columns!(), ") \
         SELECT w.id, CAST($3 AS TEXT), w.environment_id, NULL, 0, 'pending', NULL, 0, 0, NULL, CAST($4 AS BIGINT), \
           CAST($4 AS BIGINT), NULL \
         FROM webhook_endpoint w WHERE w.environment_id = $1 AND w.id = $2");
    DELIVERY_GET = (
        "SELECT ", with_type!(), " FROM ", deliveries!(), " WHERE d.environment_id = $1 AND d.endpoint_id = $2 AND d.event_id = $3");
    DELIVERY_OLDER = (
        "SELECT ", with_type!(), " FROM ", deliveries!(), " WHERE ",
        delivery_filter!(),
        " AND (d.created_at, d.event_id) < ($4, $5) ORDER BY d.created_at DESC, d.event_id DESC LIMIT $6");
    DELIVERY_NEWER = (
        "SELECT ", with_type!(), " FROM ", deliveries!(), " WHERE ",
        delivery_filter!(),
        " AND (d.created_at, d.event_id) > ($4, $5) ORDER BY d.created_at, d.event_id LIMIT $6");
    DELIVERY_TOTAL = ("SELECT COUNT(*) FROM webhook_delivery d WHERE ", delivery_filter!());
    /// What may be sent now: the first pending event of each account, and the events that are about none.
    DELIVERY_DUE = (
        "SELECT ", with_type!(), " FROM ", deliveries!(), " WHERE d.endpoint_id = $1 AND d.state = 'pending' AND d.next_try_at <= $2 \
         AND (d.account_id IS NULL OR NOT EXISTS (SELECT 1 FROM webhook_delivery p \
           WHERE p.endpoint_id = d.endpoint_id AND p.account_id = d.account_id AND p.sequence < d.sequence \
           AND p.state = 'pending')) \
         ORDER BY d.next_try_at, d.event_id LIMIT $3");
    /// The fence: a result counts once, for the attempt that was expected.
    DELIVERY_RESULT = (
        "UPDATE webhook_delivery SET state = $4, failure = $5, attempts = attempts + 1, tries = tries + 1, \
         first_try_at = COALESCE(first_try_at, $6), next_try_at = $7, finished_at = $8 \
         WHERE endpoint_id = $1 AND event_id = $2 AND attempts = $3 AND state = 'pending'");
    /// After an outage everything goes out at once, still in the order of each account.
    DELIVERY_HASTEN = (
        "UPDATE webhook_delivery SET next_try_at = $2 \
         WHERE endpoint_id = $1 AND state = 'pending' AND next_try_at > $2");
    DELIVERY_GIVE_UP = (
        "UPDATE webhook_delivery SET state = 'failed', failure = $2, finished_at = $3 \
         WHERE endpoint_id = $1 AND state = 'pending'");
    DELIVERY_REPLAY = (
        "UPDATE webhook_delivery SET state = 'pending', failure = NULL, tries = 0, first_try_at = NULL, \
         next_try_at = $4, finished_at = NULL WHERE environment_id = $1 AND endpoint_id = $2 AND event_id = $3 \
         AND state <> 'pending'");
    /// `$5` takes deliveries that succeeded along; events the endpoint never got are queued.
    DELIVERY_REPLAY_SINCE = (
        "INSERT INTO webhook_delivery (", delivery_columns!(), ") \
         SELECT w.id, e.id, w.environment_id, e.account_id, e.sequence, 'pending', NULL, 0, 0, NULL, CAST($4 AS BIGINT), \
           e.created_at, NULL \
         FROM webhook_endpoint w JOIN event e ON e.environment_id = w.environment_id \
         WHERE w.environment_id = $1 AND w.id = $2 AND e.created_at >= $3 AND NOT e.sample AND ",
        wants!("e.event_type"),
        " ON CONFLICT (endpoint_id, event_id) DO UPDATE SET state = 'pending', failure = NULL, tries = 0, \
         first_try_at = NULL, next_try_at = excluded.next_try_at, finished_at = NULL \
         WHERE webhook_delivery.state = 'failed' \
         OR (webhook_delivery.state = 'delivered' AND CAST($5 AS TEXT) = 'all')");
    DELIVERY_DELETE = ("DELETE FROM webhook_delivery WHERE environment_id = $1 AND endpoint_id = $2");
    DELIVERY_TIDY = (
        "DELETE FROM webhook_delivery WHERE (endpoint_id, event_id) IN (SELECT endpoint_id, event_id \
         FROM webhook_delivery WHERE finished_at IS NOT NULL AND finished_at < $1 ORDER BY finished_at LIMIT $2)");
    /// Events that were queued while their endpoint went away, or was disabled.
    DELIVERY_TIDY_ORPHANS = (
        "DELETE FROM webhook_delivery WHERE NOT EXISTS \
         (SELECT 1 FROM webhook_endpoint w WHERE w.id = webhook_delivery.endpoint_id)");
    DELIVERY_TIDY_DISABLED = (
        "UPDATE webhook_delivery SET state = 'failed', failure = $1, finished_at = $2 WHERE state = 'pending' \
         AND EXISTS (SELECT 1 FROM webhook_endpoint w \
           WHERE w.id = webhook_delivery.endpoint_id AND w.state = 'disabled')");
    DELIVERY_TIDY_KEPT = (
        "UPDATE webhook_delivery SET state = 'failed', failure = $1, finished_at = $2 WHERE state = 'pending' \
         AND next_try_at < $3 AND EXISTS (SELECT 1 FROM webhook_endpoint w \
           WHERE w.id = webhook_delivery.endpoint_id AND w.state = 'paused')");

    ATTEMPT_INSERT = (
        "INSERT INTO webhook_attempt (endpoint_id, event_id, number, started_at, duration_ms, status, failure) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)");
    ATTEMPT_LIST = (
        "SELECT endpoint_id, event_id, number, started_at, duration_ms, status, failure FROM webhook_attempt \
         WHERE endpoint_id = $1 AND event_id = $2 ORDER BY number DESC LIMIT 100");
}
