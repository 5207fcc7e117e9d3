//! Addresses at which nothing is.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use axum::routing::Router;
use http::header;
use keybearer_core::{Code, Entropy, Error, Reference};
use url::Url;

use super::{headers, hosted, is_lasting_tls};
use crate::api::Failure;

/// Answers what no other route does: a page for people, an error for programs.
pub fn lost(public_url: &Url, entropy: Arc<dyn Entropy>) -> Router {
    let lasting_tls = is_lasting_tls(public_url);
    Router::new().fallback(move |request: Request| {
        let entropy = Arc::clone(&entropy);
        async move {
            if wants_a_page(&request) {
                return headers::dress(hosted::absent(request.headers()), lasting_tls);
            }
            nothing(entropy.as_ref())
        }
    })
}

/// Browsers say that they read HTML; everything below `/api` is for programs whatever they say.
fn wants_a_page(request: &Request) -> bool {
    let path = request.uri().path();
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    path != "/api" && !path.starts_with("/api/") && accept.is_some_and(|accept| accept.contains("text/html"))
}

fn nothing(entropy: &dyn Entropy) -> Response {
    let error = Error::new(Code::NotFound, "there is nothing at this address");
    let reference = Reference::new(entropy).unwrap_or_else(|_| Reference::unknown());
    Failure::new(&error, &reference).into_rest()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt as _;
    use keybearer_core::SeededEntropy;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(path: &str, accept: &str, language: &str) -> (u16, String, String) {
        let site = lost(&Url::parse("https://keys.example").unwrap(), Arc::new(SeededEntropy::new(1)));
        let request =
            Request::get(path).header(header::ACCEPT, accept).header(header::ACCEPT_LANGUAGE, language);
        let answer = site.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    #[tokio::test]
    async fn people_get_a_page_in_their_language() {
        let (status, kind, body) = ask("/conections", BROWSER, "de-CH").await;
        assert_eq!((status, kind.as_str()), (404, "text/html; charset=utf-8"));
        assert!(body.contains("<html lang=\"de\"") && body.contains("Unter dieser Adresse ist nichts"));
    }

    #[tokio::test]
    async fn programs_get_an_error_and_so_does_everybody_below_api() {
        for (path, accept) in [("/nothing", "*/*"), ("/nothing", "application/json"), ("/api/v9/x", BROWSER)]
        {
            let (status, kind, body) = ask(path, accept, "").await;
            assert_eq!((status, kind.as_str()), (404, "application/json"), "{path} {accept}");
            assert!(body.contains("there is nothing at this address"), "{body}");
        }
    }
}
