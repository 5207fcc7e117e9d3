use super::sql;

macro_rules! user_page_columns {
    () => {
        "id, environment_id, token_hash, kind, identifier, organization_id, user_id, connections, user_verify_url, \
         app_state, return_url, locale, note, created_at, expires_at"
    };
}

sql! {
    USER_PAGE_INSERT = (
        "INSERT INTO user_page (", user_page_columns!(), ") VALUES \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)");
    USER_PAGE_BY_TOKEN = ("SELECT ", user_page_columns!(), " FROM user_page WHERE token_hash = $1");
    USER_PAGE_DELETE_OLD = ("DELETE FROM user_page WHERE expires_at < $1");
    USER_PAGE_DELETE_PERSON = ("DELETE FROM user_page WHERE environment_id = $1 AND identifier = $2");
}
