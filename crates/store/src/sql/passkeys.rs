//! What members prove themselves with besides a password, and the challenges that were used.

use super::sql;

macro_rules! passkey_columns {
    () => {
        "id, member_id, credential_id, public_key, sign_count, backup_eligible, backed_up, transports, name, \
         created_at, used_at"
    };
}

macro_rules! identity_columns {
    () => {
        "issuer, subject, member_id, email, created_at, used_at"
    };
}

sql! {
    PASSKEY_INSERT = (
        "INSERT INTO member_passkey (", passkey_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    PASSKEY_BY_CREDENTIAL = ("SELECT ", passkey_columns!(), " FROM member_passkey WHERE credential_id = $1");
    PASSKEY_LIST = (
        "SELECT ", passkey_columns!(), " FROM member_passkey WHERE member_id = $1 ORDER BY created_at, id");
    /// No row when the counter does not rise: somebody has a copy of the key. Authenticators that do not count say 0.
    PASSKEY_USE = (
        "UPDATE member_passkey SET sign_count = $2, backed_up = $3, used_at = $4 \
         WHERE id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))");
    PASSKEY_RENAME = ("UPDATE member_passkey SET name = $3 WHERE member_id = $1 AND id = $2");
    PASSKEY_DELETE = ("DELETE FROM member_passkey WHERE member_id = $1 AND id = $2");

    IDENTITY_INSERT = ("INSERT INTO member_identity (", identity_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6)");
    IDENTITY_GET = (
        "SELECT ", identity_columns!(), " FROM member_identity WHERE issuer = $1 AND subject = $2");
    IDENTITY_LIST = (
        "SELECT ", identity_columns!(), " FROM member_identity WHERE member_id = $1 ORDER BY created_at, issuer, subject");
    IDENTITY_LIST_ALL = (
        "SELECT ", identity_columns!(), " FROM member_identity ORDER BY member_id, created_at, issuer, subject");
    IDENTITY_DELETE = ("DELETE FROM member_identity WHERE member_id = $1 AND issuer = $2 AND subject = $3");
    IDENTITY_USE = (
        "UPDATE member_identity SET email = $3, used_at = $4 WHERE issuer = $1 AND subject = $2");

    /// One of all equal calls inserts a row.
    CHALLENGE_SPEND = (
        "INSERT INTO spent_challenge (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING");
    CHALLENGE_DELETE_OLD = ("DELETE FROM spent_challenge WHERE expires_at < $1");
}
