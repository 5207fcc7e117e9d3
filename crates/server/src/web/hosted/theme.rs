//! The files of a brand. Their names are hashes of what they hold, so browsers keep them for a year.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};
use keybearer_app::brand::{Asset, AssetKind};

/// A logo does nothing, even where somebody opens it by itself.
const INERT: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// The file with its kind, for good.
pub(super) fn stored(asset: Asset) -> Response {
    let kind = match asset.kind {
        AssetKind::Css => "text/css; charset=utf-8",
        AssetKind::Svg => "image/svg+xml",
        AssetKind::Png => "image/png",
    };
    let mut answer = asset.bytes.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::CONTENT_SECURITY_POLICY, INERT),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}
