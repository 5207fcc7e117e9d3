use super::sql;

macro_rules! test_columns {
    () => {
        "flow_id, environment_id, connection_id, tested_by, created_at, finished_at, good, total"
    };
}

sql! {
    TEST_INSERT = ("INSERT INTO connection_test (", test_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    TEST_GET = ("SELECT ", test_columns!(), " FROM connection_test WHERE flow_id = $1");
    TEST_LATEST = (
        "SELECT ", test_columns!(), " FROM connection_test WHERE connection_id = $1 \
         ORDER BY created_at DESC, flow_id DESC LIMIT 1");
    TEST_FINISH = (
        "UPDATE connection_test SET finished_at = $2, good = $3, total = $4 WHERE flow_id = $1");
    /// Only for links that are tests of the dashboard; for all others nothing is written.
    TEST_NOTE = (
        "INSERT INTO connection_test_step (flow_id, step, outcome, duration_ms, detail, at) \
         SELECT t.flow_id, CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS TEXT), \
         CAST($6 AS BIGINT) FROM connection_test t WHERE t.flow_id = $1 \
         ON CONFLICT (flow_id, step) DO UPDATE SET outcome = excluded.outcome, \
         duration_ms = excluded.duration_ms, detail = excluded.detail, at = excluded.at");
    TEST_STEPS = (
        "SELECT step, outcome, duration_ms, detail, at FROM connection_test_step WHERE flow_id = $1 \
         ORDER BY at, step");
    /// All but the newest of each connection.
    TEST_FORGET = (
        "DELETE FROM connection_test WHERE created_at < $1 AND EXISTS (SELECT 1 FROM connection_test n \
         WHERE n.connection_id = connection_test.connection_id AND n.created_at > connection_test.created_at)");
}
