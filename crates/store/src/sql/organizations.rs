use super::accounts::account_columns;
use super::sql;

macro_rules! organization_columns {
    () => {
        "id, environment_id, display_name, region, external_id, slug, logo_url, metadata, created_at, updated_at"
    };
}

macro_rules! organization_filter {
    () => {
        "environment_id = $1 AND (CAST($2 AS TEXT) IS NULL OR external_id = CAST($2 AS TEXT))"
    };
}

sql! {
    ORGANIZATION_INSERT = (
        "INSERT INTO organization (", organization_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    ORGANIZATION_GET = (
        "SELECT ", organization_columns!(), " FROM organization WHERE environment_id = $1 AND id = $2");
    ORGANIZATION_BY_EXTERNAL_ID = (
        "SELECT ", organization_columns!(), " FROM organization WHERE environment_id = $1 AND external_id = $2");
    ORGANIZATION_OLDER = (
        "SELECT ", organization_columns!(), " FROM organization WHERE ", organization_filter!(),
        " AND (created_at, id) < ($3, $4) ORDER BY created_at DESC, id DESC LIMIT $5");
    ORGANIZATION_NEWER = (
        "SELECT ", organization_columns!(), " FROM organization WHERE ", organization_filter!(),
        " AND (created_at, id) > ($3, $4) ORDER BY created_at, id LIMIT $5");
    ORGANIZATION_TOTAL = ("SELECT COUNT(*) FROM organization WHERE ", organization_filter!());
    /// Reads the row and keeps other writers off it until the transaction ends, on both servers.
    ORGANIZATION_LOCK = (
        "UPDATE organization SET updated_at = updated_at WHERE environment_id = $1 AND id = $2 \
         RETURNING ", organization_columns!());
    ORGANIZATION_WRITE = (
        "UPDATE organization SET display_name = $3, external_id = $4, slug = $5, logo_url = $6, metadata = $7, \
         updated_at = $8 WHERE environment_id = $1 AND id = $2");
    ORGANIZATION_DELETE = ("DELETE FROM organization WHERE environment_id = $1 AND id = $2");
    ORGANIZATION_ACCOUNTS = (
        "SELECT ", account_columns!(), " FROM account WHERE environment_id = $1 AND organization_id = $2 \
         ORDER BY created_at, id");

    CONTEXT_GET = (
        "SELECT context FROM connection_context WHERE connection_id = $1 AND organization_id = $2");
    CONTEXT_SET = (
        "INSERT INTO connection_context (connection_id, organization_id, context, updated_at) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (connection_id, organization_id) \
         DO UPDATE SET context = excluded.context, updated_at = excluded.updated_at");
    CONTEXT_FORGET = (
        "DELETE FROM connection_context WHERE organization_id = $2 AND connection_id IN \
         (SELECT c.id FROM connection c WHERE c.environment_id = $1)");
}
