//! The pages people see: those for users, served without any script, and the dashboard.

mod assets;
pub(crate) mod cookie;
mod dashboard;
mod headers;
pub mod hosted;
mod lost;
mod reach;
mod report;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, map_response};
use axum::response::Response;
use axum::routing::get;
use http::header;
use keybearer_app::App;
use keybearer_core::Entropy;
use url::{Host, Url};

pub use dashboard::Beside;
pub use hosted::Flows;
pub use lost::lost;
pub use reach::router as reach;
pub use report::router as report;
pub(crate) use report::written as written_report;

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
}

/// Every route of the pages: `/c/…`, the OAuth callback, `/connect/success`, `/static/…`, `/favicon.ico`.
pub fn router<F: Flows>(web: Web<F>) -> Router {
    let lasting_tls = is_lasting_tls(&web.public_url);
    let host = web.public_url.host_str().unwrap_or_default().to_owned();
    let routes = hosted::routes(web)
        .layer(from_fn(move |request, next| at_home(host.clone(), request, next)))
        .route("/static/{hash}/{file}", get(assets::file))
        .route("/favicon.ico", get(assets::favicon));
    routes.layer(map_response(move |answer| async move { headers::dress(answer, lasting_tls) }))
}

/// Every route of the dashboard; `/` is its first page.
pub fn dashboard(app: App) -> Router {
    dashboard_beside(app, None)
}

/// Every route of the dashboard of a process that runs the sandbox, too.
pub fn dashboard_beside(app: App, sandbox: Option<Beside>) -> Router {
    let public_url = app.config().public_url.clone();
    let host = public_url.host_str().unwrap_or_default().to_owned();
    let lasting_tls = is_lasting_tls(&public_url);
    dashboard::routes(app, sandbox)
        .layer(map_response(move |answer| async move { headers::dress(answer, lasting_tls) }))
        .layer(from_fn(move |request, next| at_home(host.clone(), request, next)))
}

/// Whether browsers shall insist on TLS from now on. Not on a developer's own machine, where a port is shared.
fn is_lasting_tls(url: &Url) -> bool {
    url.scheme() == "https" && matches!(url.host(), Some(Host::Domain(name)) if name != "localhost")
}

/// 421 for a request that names another host than the one people reach this server by: cookies, links and redirect
/// URIs belong to that one only. The port is the business of whoever forwards.
async fn at_home(host: String, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let named = named.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    let name =
        |text: &str| text.parse::<http::uri::Authority>().ok().map(|authority| authority.host().to_owned());
    let foreign = named.is_some_and(|text| name(text).is_none_or(|name| !name.eq_ignore_ascii_case(&host)));
    if foreign { hosted::elsewhere(request.headers()) } else { next.run(request).await }
}
