use super::sql;

sql! {
    SCHEMA_VERSION = ("SELECT MAX(version) FROM _sqlx_migrations");
    /// What an endpoint that takes deliveries should have had by now.
    DELIVERIES_DUE = (
        "SELECT COUNT(*) AS waiting, MIN(d.next_try_at) AS oldest FROM webhook_delivery d \
         WHERE d.environment_id = $1 AND d.state = 'pending' AND d.next_try_at <= $2 \
         AND EXISTS (SELECT 1 FROM webhook_endpoint w WHERE w.id = d.endpoint_id AND w.state = 'active')");
    /// In pieces, so that nobody waits long for the lock.
    CALLS_DELETE_OLD_OF = (
        "DELETE FROM call_log WHERE id IN (SELECT id FROM call_log WHERE environment_id = $1 AND started_at < $2 \
         ORDER BY started_at LIMIT $3)");
    REFRESHES_DUE = (
        "SELECT COUNT(*) AS waiting, MIN(next_refresh_at) AS oldest FROM account \
         WHERE environment_id = $1 AND status = 'ACTIVE' AND next_refresh_at <= $2");
    REFRESHES_FAILING = (
        "SELECT COUNT(*) AS waiting, MIN(failing_since) AS oldest FROM account \
         WHERE environment_id = $1 AND status = 'ACTIVE' AND failing_since IS NOT NULL AND failing_since <= $2");
}
