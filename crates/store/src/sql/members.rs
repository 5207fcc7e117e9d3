use super::sql;

macro_rules! member_columns {
    () => {
        "id, email, name, role, password_hash, created_at, updated_at, signed_in_at"
    };
}

macro_rules! session_columns {
    () => {
        "id, member_id, token_hash, means, address, agent, created_at, seen_at, expires_at, environment_id, confirmed_at"
    };
}

macro_rules! ticket_columns {
    () => {
        "token_hash, kind, member_id, created_at, expires_at, used_at, on_machine"
    };
}

/// How long the next wait is. Four wrong tries cost nothing, then one second, doubled up to a minute.
macro_rules! next_wait {
    () => {
        "CASE WHEN sign_in_attempt.updated_at < $3 OR sign_in_attempt.failures < 4 THEN 0 \
         WHEN sign_in_attempt.wait_micros = 0 THEN 1000000 \
         WHEN sign_in_attempt.wait_micros > 30000000 THEN 60000000 \
         ELSE sign_in_attempt.wait_micros * 2 END"
    };
}

sql! {
    /// Keeps every other change of members waiting until the transaction ends, on both servers.
    MEMBER_LOCK = ("UPDATE installation SET epoch = epoch");
    MEMBER_INSERT = ("INSERT INTO member (", member_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    MEMBER_COUNT = ("SELECT COUNT(*) FROM member");
    MEMBER_OTHER_OWNERS = ("SELECT COUNT(*) FROM member WHERE role = $1 AND id <> $2");
    MEMBER_GET = ("SELECT ", member_columns!(), " FROM member WHERE id = $1");
    MEMBER_BY_EMAIL = ("SELECT ", member_columns!(), " FROM member WHERE email = $1");
    MEMBER_LIST = ("SELECT ", member_columns!(), " FROM member ORDER BY created_at, id");
    MEMBER_WRITE = (
        "UPDATE member SET name = $2, role = $3, password_hash = $4, updated_at = $5 WHERE id = $1");
    MEMBER_EMAIL = ("UPDATE member SET email = $2, updated_at = $3 WHERE id = $1");
    MEMBER_SIGNED_IN = ("UPDATE member SET signed_in_at = $2 WHERE id = $1");
    MEMBER_DELETE = ("DELETE FROM member WHERE id = $1");

    MEMBER_SESSION_INSERT = (
        "INSERT INTO member_session (", session_columns!(), ") VALUES \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    MEMBER_SESSION_GET = ("SELECT ", session_columns!(), " FROM member_session WHERE token_hash = $1");
    MEMBER_SESSION_LIST = (
        "SELECT ", session_columns!(), " FROM member_session WHERE member_id = $1 ORDER BY created_at DESC, id DESC");
    MEMBER_SESSION_SEEN = ("UPDATE member_session SET seen_at = $2 WHERE id = $1 AND seen_at < $3");
    MEMBER_SESSION_ENTER = (
        "UPDATE member_session SET environment_id = $3 WHERE member_id = $1 AND id = $2");
    MEMBER_SESSION_CONFIRM = ("UPDATE member_session SET confirmed_at = $2 WHERE id = $1");
    MEMBER_SESSION_DELETE = ("DELETE FROM member_session WHERE member_id = $1 AND id = $2");
    MEMBER_SESSION_DELETE_OTHERS = ("DELETE FROM member_session WHERE member_id = $1 AND id <> $2");
    MEMBER_SESSION_DELETE_OLD = ("DELETE FROM member_session WHERE expires_at < $1 OR seen_at < $2");

    TICKET_INSERT = ("INSERT INTO member_ticket (", ticket_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7)");
    TICKET_GET = ("SELECT ", ticket_columns!(), " FROM member_ticket WHERE token_hash = $1");
    /// One of all equal calls changes a row.
    TICKET_USE = (
        "UPDATE member_ticket SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2");
    TICKET_DELETE_OF = ("DELETE FROM member_ticket WHERE member_id = $1 AND kind = $2 AND used_at IS NULL");
    TICKET_DELETE_OLD = ("DELETE FROM member_ticket WHERE expires_at < $1");

    /// Counts a try before the password is looked at; no row while its subject has to wait.
    SIGN_IN_TRY = (
        "INSERT INTO sign_in_attempt (subject, failures, wait_micros, blocked_until, updated_at) \
         VALUES ($1, 1, 0, 0, $2) ON CONFLICT (subject) DO UPDATE SET \
         failures = CASE WHEN sign_in_attempt.updated_at < $3 THEN 1 ELSE sign_in_attempt.failures + 1 END, \
         wait_micros = ", next_wait!(), ", blocked_until = $2 + ", next_wait!(), ", updated_at = $2 \
         WHERE sign_in_attempt.blocked_until <= $2 RETURNING failures");
    SIGN_IN_BLOCKED_UNTIL = ("SELECT blocked_until FROM sign_in_attempt WHERE subject = $1");
    SIGN_IN_FORGET = ("DELETE FROM sign_in_attempt WHERE subject = $1");
    SIGN_IN_DELETE_OLD = ("DELETE FROM sign_in_attempt WHERE updated_at < $1");
}
