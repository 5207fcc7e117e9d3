//! The pages people see, served without any script.

mod assets;
mod cookie;
mod headers;
pub mod hosted;

use std::sync::Arc;

use axum::Router;
use axum::middleware::map_response;
use axum::routing::get;
use keybearer_core::Entropy;
use url::{Host, Url};

pub use hosted::Flows;

/// What the pages need to know about this server.
#[derive(Clone)]
pub struct Web<F> {
    /// The use cases behind the pages.
    pub flows: F,
    /// Where people reach this server; decides the cookie's name and HSTS, whatever `Host` a request names.
    pub public_url: Url,
    /// Where cookie values and references come from.
    pub entropy: Arc<dyn Entropy>,
}

impl<F> Web<F> {
    fn is_secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Whether browsers shall insist on TLS from now on. Not on a developer's own machine, where a port is shared.
    fn is_lasting_tls(&self) -> bool {
        self.is_secure() && matches!(self.public_url.host(), Some(Host::Domain(name)) if name != "localhost")
    }
}

/// Every route of the pages: `/c/…`, the OAuth callback, `/connect/success`, `/static/…`, `/favicon.ico`.
pub fn router<F: Flows>(web: Web<F>) -> Router {
    let lasting_tls = web.is_lasting_tls();
    let routes = hosted::routes(web)
        .route("/static/{hash}/{file}", get(assets::file))
        .route("/favicon.ico", get(assets::favicon));
    routes.layer(map_response(move |answer| async move { headers::dress(answer, lasting_tls) }))
}
