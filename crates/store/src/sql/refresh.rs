use super::accounts::account_columns;
use super::sql;

sql! {
    /// The write-ahead intent. The database's clock decides, and one lease excludes every other.
    LEASE = (
        "UPDATE account SET lease_owner = $3, lease_until = (SELECT micros FROM database_clock) + $4, \
         in_flight_since = CASE WHEN refresh_state = 'idle' THEN (SELECT micros FROM database_clock) \
           ELSE COALESCE(in_flight_since, (SELECT micros FROM database_clock)) END, \
         refresh_state = 'in_flight' \
         WHERE id = $1 AND generation = $2 \
         AND (lease_owner IS NULL OR lease_until < (SELECT micros FROM database_clock)) \
         RETURNING ", account_columns!());
    /// The fence: a writer whose generation or lease is gone changes nothing.
    FINISH = (
        "UPDATE account SET sealed_grant = $4, access_expires_at = $5, refresh_expires_at = $6, \
         next_refresh_at = $7, granted_scopes = $8, variables = $9, status = $10, reason = $11, \
         generation = generation + 1, lease_owner = NULL, lease_until = NULL, refresh_state = 'idle', \
         in_flight_since = NULL, failure_count = 0, failing_since = NULL, last_failure = NULL, updated_at = $12, \
         event_sequence = event_sequence + $13 \
         WHERE id = $1 AND generation = $2 AND lease_owner = $3 RETURNING ", account_columns!());
    RELEASE = (
        "UPDATE account SET lease_owner = NULL, lease_until = NULL, refresh_state = $3, \
         in_flight_since = CASE WHEN CAST($3 AS TEXT) = 'idle' THEN NULL ELSE in_flight_since END \
         WHERE id = $1 AND lease_owner = $2");
    FAIL_TRANSIENT = (
        "UPDATE account SET lease_owner = NULL, lease_until = NULL, refresh_state = $4, \
         in_flight_since = CASE WHEN CAST($4 AS TEXT) = 'idle' THEN NULL ELSE in_flight_since END, \
         failure_count = failure_count + 1, failing_since = COALESCE(failing_since, $5), last_failure = $6, \
         next_refresh_at = $7, updated_at = $5, event_sequence = event_sequence + $8 \
         WHERE id = $1 AND generation = $2 AND lease_owner = $3 RETURNING ", account_columns!());
    FAIL_TERMINAL = (
        "UPDATE account SET lease_owner = NULL, lease_until = NULL, refresh_state = 'idle', \
         in_flight_since = NULL, failure_count = failure_count + 1, failing_since = COALESCE(failing_since, $6), \
         last_failure = $7, next_refresh_at = NULL, status = $4, reason = $5, updated_at = $6, \
         event_sequence = event_sequence + $8 \
         WHERE id = $1 AND generation = $2 AND lease_owner = $3 RETURNING ", account_columns!());
    RESCHEDULE = ("UPDATE account SET next_refresh_at = $3 WHERE id = $1 AND generation = $2");
    UNSETTLED = (
        "SELECT ", account_columns!(), " FROM account WHERE refresh_state <> 'idle' \
         AND (lease_owner IS NULL OR lease_until < (SELECT micros FROM database_clock)) \
         ORDER BY lease_until, id LIMIT $1");
    DUE = (
        "SELECT ", account_columns!(), " FROM account WHERE status = 'ACTIVE' AND next_refresh_at IS NOT NULL \
         AND next_refresh_at <= $1 AND refresh_state <> 'in_flight' AND lease_owner IS NULL \
         ORDER BY next_refresh_at, id LIMIT $2");
    /// `lease_until = 0` ends a lease and keeps the intent, so that recovery finds the row.
    END_LEASES = (
        "UPDATE account SET lease_until = 0 \
         WHERE lease_owner IS NOT NULL AND substr(lease_owner, 1, length(CAST($1 AS TEXT))) = CAST($1 AS TEXT)");
    END_JOB_LEASES = (
        "DELETE FROM job_lease WHERE substr(owner, 1, length(CAST($1 AS TEXT))) = CAST($1 AS TEXT)");

    /// A try that follows a failed one counts on from it. The account's row is that after the change.
    REFRESH_LOG_INSERT = (
        "INSERT INTO refresh_log (id, account_id, at, outcome, reason, generation, duration_ms, environment_id, \
         connection_id, next_try_at, attempt) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT a.environment_id FROM account a WHERE a.id = $2), \
         (SELECT a.connection_id FROM account a WHERE a.id = $2), \
         (SELECT a.next_refresh_at FROM account a WHERE a.id = $2), \
         COALESCE((SELECT CASE WHEN p.outcome IN ('transient', 'uncertain') THEN p.attempt + 1 ELSE 1 END \
           FROM refresh_log p WHERE p.account_id = $2 ORDER BY p.at DESC, p.id DESC LIMIT 1), 1))");
    REFRESH_LOG_LIST = (
        "SELECT id, account_id, at, outcome, reason, generation, duration_ms FROM refresh_log \
         WHERE account_id = $1 ORDER BY at DESC, id DESC LIMIT $2");
}
