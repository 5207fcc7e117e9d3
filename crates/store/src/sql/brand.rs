use super::sql;

sql! {
    BRAND_GET = ("SELECT environment_id, version, settings, updated_at FROM brand WHERE environment_id = $1");
    BRAND_LIST = ("SELECT environment_id, version, settings, updated_at FROM brand ORDER BY environment_id");
    BRAND_INSERT = (
        "INSERT INTO brand (environment_id, version, settings, updated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (environment_id) DO NOTHING");
    BRAND_UPDATE = (
        "UPDATE brand SET version = $3, settings = $4, updated_at = $5 WHERE environment_id = $1 AND version = $2");
    BRAND_APP_NAME = ("UPDATE environment SET app_name = $2, updated_at = $3 WHERE id = $1");

    LOGO_PUT = (
        "INSERT INTO brand_logo (environment_id, variant, kind, hash, content) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (environment_id, variant) DO UPDATE SET kind = excluded.kind, hash = excluded.hash, \
         content = excluded.content");
    LOGO_DELETE = ("DELETE FROM brand_logo WHERE environment_id = $1 AND variant = $2");
    LOGO_LIST = ("SELECT variant, kind, hash FROM brand_logo WHERE environment_id = $1 ORDER BY variant");
    LOGO_BY_HASH = (
        "SELECT variant, kind, hash, content FROM brand_logo WHERE hash = $1 ORDER BY environment_id, variant LIMIT 1");
}
