use super::sql;

macro_rules! event_columns {
    () => {
        "id, environment_id, account_id, sequence, event_type, payload, created_at, organization_id, \
         connection_id, sample"
    };
}

macro_rules! event_filter {
    () => {
        "environment_id = $1 AND (CAST($2 AS TEXT) IS NULL OR account_id = CAST($2 AS TEXT)) \
         AND (CAST($3 AS TEXT) = '[]' \
           OR replace(CAST($3 AS TEXT), '\"' || event_type || '\"', '') <> CAST($3 AS TEXT)) \
         AND created_at >= $4 AND created_at < $5 \
         AND (CAST($6 AS TEXT) IS NULL OR organization_id = CAST($6 AS TEXT)) \
         AND (CAST($7 AS TEXT) IS NULL OR connection_id = CAST($7 AS TEXT)) AND NOT sample"
    };
}

macro_rules! audit_columns {
    () => {
        "id, environment_id, actor, action, target, detail, reference, created_at"
    };
}

macro_rules! audit_filter {
    () => {
        "environment_id = $1 AND (CAST($2 AS TEXT) IS NULL OR target = CAST($2 AS TEXT)) \
         AND (CAST($3 AS TEXT) IS NULL OR actor = CAST($3 AS TEXT)) \
         AND (CAST($4 AS TEXT) IS NULL OR substr(action, 1, length(CAST($4 AS TEXT))) = CAST($4 AS TEXT)) \
         AND (CAST($5 AS BIGINT) IS NULL OR created_at >= CAST($5 AS BIGINT)) \
         AND (CAST($6 AS BIGINT) IS NULL OR created_at < CAST($6 AS BIGINT))"
    };
}

macro_rules! call_columns {
    () => {
        "id, environment_id, reference, source, connection_id, account_id, method, path, status, error_code, \
         duration_ms, started_at, outcome, connector, connection_name, tool_name, agent_run_id, error_message, \
         provider_ms"
    };
}

macro_rules! call_filter {
    () => {
        "environment_id = $1 AND (CAST($2 AS TEXT) IS NULL OR connection_id = CAST($2 AS TEXT)) \
         AND (CAST($3 AS TEXT) IS NULL OR account_id = CAST($3 AS TEXT))"
    };
}

sql! {
    EVENT_INSERT = ("INSERT INTO event (", event_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    EVENT_GET = ("SELECT ", event_columns!(), " FROM event WHERE id = $1");
    EVENT_OLDER = (
        "SELECT ", event_columns!(), " FROM event WHERE ", event_filter!(),
        " AND (created_at, id) < ($8, $9) ORDER BY created_at DESC, id DESC LIMIT $10");
    EVENT_NEWER = (
        "SELECT ", event_columns!(), " FROM event WHERE ", event_filter!(),
        " AND (created_at, id) > ($8, $9) ORDER BY created_at, id LIMIT $10");
    EVENT_TOTAL = ("SELECT COUNT(*) FROM event WHERE ", event_filter!());
    EVENT_OF_ACCOUNT = (
        "SELECT ", event_columns!(), " FROM event WHERE account_id = $1 AND sequence > $2 \
         ORDER BY sequence LIMIT $3");

    AUDIT_INSERT = ("INSERT INTO audit (", audit_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    AUDIT_OLDER = (
        "SELECT ", audit_columns!(), " FROM audit WHERE ", audit_filter!(),
        " AND (created_at, id) < ($7, $8) ORDER BY created_at DESC, id DESC LIMIT $9");
    AUDIT_NEWER = (
        "SELECT ", audit_columns!(), " FROM audit WHERE ", audit_filter!(),
        " AND (created_at, id) > ($7, $8) ORDER BY created_at, id LIMIT $9");
    AUDIT_TOTAL = ("SELECT COUNT(*) FROM audit WHERE ", audit_filter!());

    CALL_INSERT = (
        "INSERT INTO call_log (", call_columns!(), ") VALUES \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)");
    CALL_BY_REFERENCE = (
        "SELECT ", call_columns!(), " FROM call_log WHERE environment_id = $1 AND reference = $2 \
         ORDER BY started_at, id");
    CALL_OLDER = (
        "SELECT ", call_columns!(), " FROM call_log WHERE ", call_filter!(),
        " AND (started_at, id) < ($4, $5) ORDER BY started_at DESC, id DESC LIMIT $6");
    CALL_NEWER = (
        "SELECT ", call_columns!(), " FROM call_log WHERE ", call_filter!(),
        " AND (started_at, id) > ($4, $5) ORDER BY started_at, id LIMIT $6");
    CALL_TOTAL = ("SELECT COUNT(*) FROM call_log WHERE ", call_filter!());
    CALL_DELETE_OLD = ("DELETE FROM call_log WHERE started_at < $1");

    JOB_TAKE = (
        "INSERT INTO job_lease (name, owner, until) VALUES ($1, $2, (SELECT micros FROM database_clock) + $3) \
         ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until \
         WHERE job_lease.owner = excluded.owner OR job_lease.until < (SELECT micros FROM database_clock)");
    JOB_RELEASE = ("DELETE FROM job_lease WHERE name = $1 AND owner = $2");
}
