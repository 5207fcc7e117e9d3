use url::Url;

use super::values::Values;
use super::{Context, EngineError, urls};
use crate::template::has_dot_segment;

/// Longest path and query that is taken.
const MAX_TARGET: usize = 16 * 1024;

/// The address that every call is below.
///
/// # Errors
/// A missing value, a value that would leave its place, or a host that is not pinned.
pub fn base_url(context: &Context<'_>) -> Result<Url, EngineError> {
    let values = Values::new(context);
    base(&values)
}

pub(crate) fn base(values: &Values<'_>) -> Result<Url, EngineError> {
    let api = values.context.api();
    let text = api.base_url.ok_or(EngineError::NotOffered("base_url"))?;
    let pins = api.pinned_hosts.as_ref().unwrap_or(&values.context.method.pinned_hosts);
    urls::fill_within(&text, values, "base_url", pins)
}

/// The address of a proxied call: the base address and the caller's path and query below it.
///
/// # Errors
/// [`EngineError::Path`] for every spelling that could leave the base address, also after decoding twice; else like
/// [`base_url`].
pub fn proxy_target(context: &Context<'_>, path_and_query: &str) -> Result<Url, EngineError> {
    below(&base_url(context)?, path_and_query)
}

/// `path_and_query` below `base`.
pub(crate) fn below(base: &Url, path_and_query: &str) -> Result<Url, EngineError> {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    check_text(path_and_query)?;
    check_path(path)?;
    let base_path = base.path().trim_end_matches('/');
    let expected = match path.strip_prefix('/').unwrap_or(path) {
        "" if path.is_empty() => base.path().to_owned(),
        rest => format!("{base_path}/{rest}"),
    };
    let mut written = format!("{}{expected}", origin(base));
    if let Some(query) = query {
        written.push('?');
        written.push_str(query);
    }
    let target = Url::parse(&written).map_err(|_| EngineError::Path("must be a path of the service"))?;
    let stays = target.origin() == base.origin()
        && target.scheme() == base.scheme()
        && target.username().is_empty()
        && target.password().is_none()
        && (target.path() == base.path() || target.path().starts_with(&format!("{base_path}/")))
        && target.fragment().is_none()
        && !has_dot_segment(target.path());
    if stays { Ok(target) } else { Err(EngineError::Path("must stay below the connector's base address")) }
}

fn origin(base: &Url) -> String {
    base.origin().ascii_serialization()
}

fn check_text(text: &str) -> Result<(), EngineError> {
    if text.len() > MAX_TARGET {
        return Err(EngineError::Path("must have at most 16384 characters"));
    }
    if !text.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
        return Err(EngineError::Path("must be percent-encoded ASCII without white space"));
    }
    if text.contains(['\\', '#']) {
        return Err(EngineError::Path("must not hold `\\` or `#`"));
    }
    Ok(())
}

fn check_path(path: &str) -> Result<(), EngineError> {
    let first = path.split('/').next().unwrap_or_default();
    if first.contains(':') {
        return Err(EngineError::Path("must be a path, not a complete address"));
    }
    let once = percent_encoding::percent_decode_str(path).collect::<Vec<u8>>();
    let twice = percent_encoding::percent_decode(&once).collect::<Vec<u8>>();
    for form in [path.as_bytes(), &once, &twice] {
        if form.starts_with(b"//") || form.starts_with(b"/\\") || form.contains(&b'\\') {
            return Err(EngineError::Path("must not start with `//` or hold `\\`"));
        }
        if form.iter().any(u8::is_ascii_control) {
            return Err(EngineError::Path("must not hold control characters"));
        }
    }
    if has_dot_segment(path) {
        return Err(EngineError::Path("must not hold `.` or `..` as a path segment"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn target(path: &str) -> Result<String, EngineError> {
        below(&Url::parse("https://api.good.com/v1/").unwrap(), path).map(|url| url.to_string())
    }

    #[test]
    fn paths_stay_below_the_base() {
        assert_eq!(target("/users?x=1&y=%2F").unwrap(), "https://api.good.com/v1/users?x=1&y=%2F");
        assert_eq!(target("users/").unwrap(), "https://api.good.com/v1/users/");
        assert_eq!(target("").unwrap(), "https://api.good.com/v1/");
        assert_eq!(target("/").unwrap(), "https://api.good.com/v1/");
        assert_eq!(target("?a=b").unwrap(), "https://api.good.com/v1/?a=b");
        assert_eq!(target("/projects/a%2Fb").unwrap(), "https://api.good.com/v1/projects/a%2Fb");
        assert_eq!(target("/fetch/https://x.y/z").unwrap(), "https://api.good.com/v1/fetch/https://x.y/z");
        assert_eq!(target("/a:b@c").unwrap(), "https://api.good.com/v1/a:b@c");
    }

    #[test]
    fn spellings_that_leave_the_base_are_refused() {
        for path in [
            "https://evil/x",
            "//evil/x",
            "/\\evil/x",
            "\\\\evil/x",
            "\t//evil/x",
            "/\n/evil/x",
            "javascript:alert(1)",
            "../../admin",
            "/..",
            "/.",
            "/a/../../admin",
            "%2e%2e/%2e%2e/admin",
            "/%2e%2e/admin",
            "..%2f..%2fadmin",
            "/..%2f..%2fadmin",
            "/%252e%252e/admin",
            "/%252e%252e%252fadmin",
            "/..;/admin",
            "/a/..;x=1/admin",
            "/a#b",
            "/a b",
            "/é",
            "/%5c..%5cadmin",
            "/%2f/evil",
            "/%2F%2Fevil",
            "/%00",
            "/a%0d%0ab",
            "/%255c",
            "@evil.com:80/x:",
            "/./a",
            "/a/.",
            "/%2e",
        ] {
            assert!(matches!(target(path), Err(EngineError::Path(_))), "{path} gave {:?}", target(path));
        }
    }

    #[test]
    fn an_endpoint_without_trailing_slash_is_reached_itself() {
        let base = Url::parse("https://mcp.good.com/mcp").unwrap();
        assert_eq!(below(&base, "").unwrap().as_str(), "https://mcp.good.com/mcp");
        assert_eq!(below(&base, "/x").unwrap().as_str(), "https://mcp.good.com/mcp/x");
    }

    proptest! {
        #[test]
        fn no_path_ever_leaves_the_base(path in "([a-z]{0,3}|/|\\\\|%2f|%2e|%25|\\.|:|@|\\?|#|;|%5c|//|evil\\.com|\\PC){0,12}") {
            let base = Url::parse("https://api.good.com/v1").unwrap();
            if let Ok(url) = below(&base, &path) {
                prop_assert_eq!(url.origin(), base.origin());
                prop_assert!(url.path() == "/v1" || url.path().starts_with("/v1/"));
                prop_assert!(!has_dot_segment(url.path()));
            }
        }
    }
}
