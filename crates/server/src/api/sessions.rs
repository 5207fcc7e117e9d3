//! The browser that opened a connect link, as a caller of the few methods that admit it (`docs/adr/0005`).

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{HeaderName, header};
use keybearer_app::Caller;
use keybearer_core::{Code, Error, Result, SecretString};
use url::Url;

use crate::api::auth::Call;
use crate::web::cookie;

type Check = dyn Fn(Held) -> BoxFuture<'static, Result<Caller>> + Send + Sync;

/// What the two cookies of a connect page hold.
#[derive(Clone, Debug)]
pub struct Held {
    /// The token of the link that was opened last.
    pub link: SecretString,
    /// What names the browser.
    pub browser: SecretString,
}

/// Turns the cookies of a connect page into a [`Caller`]; plugged in by whoever starts the server.
#[derive(Clone)]
pub struct LinkSessions {
    home: Url,
    check: Arc<Check>,
}

impl fmt::Debug for LinkSessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LinkSessions").field("home", &self.home.as_str()).finish_non_exhaustive()
    }
}

impl LinkSessions {
    /// From the address people reach this server by and an async function of the cookies.
    pub fn new<F, Fut>(home: Url, check: F) -> Self
    where
        F: Fn(Held) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Caller>> + Send + 'static,
    {
        Self { home, check: Arc::new(move |held| Box::pin(check(held))) }
    }

    /// The caller behind the cookies; `None` when the browser holds none.
    pub(super) async fn caller(&self, call: &Call<'_>) -> Result<Option<Caller>> {
        let secure = self.home.scheme() == "https";
        let link = cookie::link(call.headers, secure);
        let browser = cookie::visit(call.headers, secure).browser;
        let (Some(link), Some(browser)) = (link, browser) else {
            return Ok(None);
        };
        self.check_origin(call)?;
        (self.check)(Held { link: link.into(), browser: browser.into() }).await.map(Some)
    }

    /// Cookies travel with what other sites make a browser send. Browsers say where a request comes from, in a header
    /// that no page can set; one that says nothing may read but not change.
    fn check_origin(&self, call: &Call<'_>) -> Result<()> {
        let said = |name: HeaderName| call.headers.get_all(name).iter().collect::<Vec<_>>();
        let site = said(HeaderName::from_static("sec-fetch-site"));
        let from_here = match site.as_slice() {
            [] => match said(header::ORIGIN).as_slice() {
                [] => call.safe,
                [origin] => origin.to_str().is_ok_and(|text| self.is_home(text)),
                _ => false,
            },
            [site] => *site == "same-origin" || (call.safe && *site == "none"),
            _ => false,
        };
        if from_here {
            return Ok(());
        }
        Err(Error::new(Code::PermissionDenied, "a browser may call this from the pages of this server only")
            .with_help("call from the server with an API client instead"))
    }

    fn is_home(&self, origin: &str) -> bool {
        Url::parse(origin).is_ok_and(|url| url.origin() == self.home.origin())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use keybearer_core::Reference;

    use super::*;

    fn allowed(safe: bool, headers: &[(&'static str, &'static str)]) -> bool {
        let home = "https://keys.example".parse().unwrap();
        let sessions = LinkSessions::new(home, |_| async { Err(Error::internal("not asked")) });
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let reference = Reference::unknown();
        sessions.check_origin(&Call { headers: &headers, safe, reference: &reference }).is_ok()
    }

    #[test]
    fn only_this_origin_changes_anything() {
        assert!(allowed(false, &[("sec-fetch-site", "same-origin")]));
        assert!(allowed(false, &[("origin", "https://keys.example")]));
        for headers in [
            &[][..],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://keys.example")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://keys.example:8443")],
            &[("origin", "http://keys.example")],
            &[("origin", "null")],
        ] {
            assert!(!allowed(false, headers), "{headers:?}");
        }
    }

    #[test]
    fn another_site_does_not_read_either() {
        assert!(allowed(true, &[]));
        assert!(allowed(true, &[("sec-fetch-site", "none")]));
        for site in ["same-site", "cross-site"] {
            assert!(!allowed(true, &[("sec-fetch-site", site)]), "{site}");
        }
        assert!(!allowed(true, &[("origin", "https://evil.example")]));
    }

    #[test]
    fn a_header_that_came_twice_counts_for_nothing() {
        let mut headers = HeaderMap::new();
        for value in ["same-origin", "cross-site"] {
            headers.append("sec-fetch-site", value.parse().unwrap());
        }
        let home = "https://keys.example".parse().unwrap();
        let sessions = LinkSessions::new(home, |_| async { Err(Error::internal("not asked")) });
        let reference = Reference::unknown();
        assert!(
            sessions.check_origin(&Call { headers: &headers, safe: true, reference: &reference }).is_err()
        );
    }
}
