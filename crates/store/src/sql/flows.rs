use super::sql;

macro_rules! flow_columns {
    () => {
        "id, environment_id, connection_id, account_id, kind, token_hash, state, app_state, user_verify_url, \
         scope_selection, sealed_input, expires_at, created_at, finished_at, failure, superseded, locale, \
         return_url, note"
    };
}

macro_rules! attempt_columns {
    () => {
        "state_hash, flow_id, environment_id, status, sealed, auth_request_hash, misses, failure, reference, \
         created_at, updated_at"
    };
}

sql! {
    FLOW_INSERT = (
        "INSERT INTO flow (", flow_columns!(), ") VALUES \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)");
    FLOW_SUPERSEDE = (
        "UPDATE flow SET superseded = $3, sealed_input = NULL \
         WHERE account_id = $1 AND id <> $2 AND finished_at IS NULL AND superseded <> $3");
    FLOW_GET = ("SELECT ", flow_columns!(), " FROM flow WHERE id = $1");
    FLOW_BY_TOKEN = ("SELECT ", flow_columns!(), " FROM flow WHERE token_hash = $1");
    FLOW_LATEST = (
        "SELECT ", flow_columns!(), " FROM flow WHERE account_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1");
    FLOW_STATE = (
        "UPDATE flow SET state = $2 WHERE id = $1 AND finished_at IS NULL AND superseded <> $3");
    FLOW_INPUT = (
        "UPDATE flow SET sealed_input = $2, scope_selection = $3 WHERE id = $1 AND finished_at IS NULL");
    FLOW_FINISH = (
        "UPDATE flow SET state = $2, failure = $3, finished_at = $4, sealed_input = NULL \
         WHERE id = $1 AND finished_at IS NULL");
    FLOW_FAILURE = ("UPDATE flow SET failure = $2 WHERE id = $1 AND finished_at IS NULL");
    FLOW_EXPIRE = (
        "UPDATE flow SET state = 'failed', failure = 'expired', finished_at = $1, sealed_input = NULL \
         WHERE finished_at IS NULL AND expires_at < $2");
    /// Codes and form input do not outlive their flow.
    ATTEMPT_EXPIRE = (
        "UPDATE flow_attempt SET status = 'failed', failure = 'expired', sealed = NULL, updated_at = $1 \
         WHERE status NOT IN ('done', 'failed', 'exchanging') AND flow_id IN \
         (SELECT flow.id FROM flow WHERE flow.finished_at IS NOT NULL AND flow.expires_at < $2)");
    FLOW_DELETE_OLD = ("DELETE FROM flow WHERE finished_at IS NOT NULL AND finished_at < $1");

    ATTEMPT_INSERT = (
        "INSERT INTO flow_attempt (", attempt_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (state_hash) DO NOTHING");
    ATTEMPT_GET = ("SELECT ", attempt_columns!(), " FROM flow_attempt WHERE state_hash = $1");
    ATTEMPT_BY_AUTH_REQUEST = (
        "SELECT ", attempt_columns!(), " FROM flow_attempt WHERE auth_request_hash = $1");
    ATTEMPT_WAITING = (
        "SELECT ", attempt_columns!(), " FROM flow_attempt WHERE environment_id = $1 AND status = $2 \
         AND created_at > $3 ORDER BY created_at DESC, state_hash LIMIT $4");
    ATTEMPT_LIST = (
        "SELECT ", attempt_columns!(), " FROM flow_attempt WHERE flow_id = $1 ORDER BY created_at, state_hash");
    ATTEMPT_MOVE = (
        "UPDATE flow_attempt SET status = $3, updated_at = $4 WHERE state_hash = $1 AND status = $2");
    ATTEMPT_RECEIVE = (
        "UPDATE flow_attempt SET status = $3, sealed = $4, auth_request_hash = $5, updated_at = $6 \
         WHERE state_hash = $1 AND status = $2");
    /// The code leaves the row with the end of the attempt.
    ATTEMPT_FINISH = (
        "UPDATE flow_attempt SET status = $2, failure = $3, reference = $4, updated_at = $5, sealed = NULL \
         WHERE state_hash = $1 AND status NOT IN ('done', 'failed')");
    ATTEMPT_MISS = (
        "UPDATE flow_attempt SET misses = misses + 1, updated_at = $2 \
         WHERE state_hash = $1 AND status = 'awaiting_verification' RETURNING misses");
    ATTEMPT_STALE = (
        "SELECT ", attempt_columns!(), " FROM flow_attempt WHERE status = 'exchanging' AND updated_at < $1 \
         ORDER BY updated_at, state_hash LIMIT $2");
}
