//! The dashboard: what a developer sees. Every page works without scripts; scripts only save a step.
//!
//! A handler reads the form, asks use cases as the signed-in member, and renders. Permissions are decided in `app`.

mod accounts;
mod answer;
mod audit;
mod branding;
mod branding_phone;
mod branding_preview;
mod branding_view;
mod branding_words;
mod catalogue;
mod confirm;
mod confirm_person;
mod connection;
mod connections;
mod connectors;
mod cookie;
mod credentials;
mod encryption;
mod entry;
mod entry_view;
mod environment;
mod environments;
mod explain;
mod fields;
mod find;
mod first_run;
mod first_steps;
mod flash;
mod form;
mod frame;
mod guard;
mod handed;
mod keeping;
mod keys;
mod keys_view;
mod links;
mod logs;
mod overview;
mod passkeys;
mod people;
mod permissions;
mod pictures;
mod readable;
mod redefined;
mod redirect_checks;
mod retention;
mod review;
mod sandbox;
mod sandbox_view;
mod scopes;
mod settings;
mod setup;
mod setup_view;
mod snippets;
mod sso;
#[cfg(debug_assertions)]
mod styleguide;
mod system;
mod test_fix;
mod test_view;
mod testing;
mod ties;
mod transfer;
mod try_it;
mod try_view;
mod upload;
mod uri_diff;
mod verification;
mod webhook_delivery;
mod webhooks;
mod webhooks_view;
mod when;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderValue, header};
use keybearer_app::App;

pub use sandbox::Beside;

/// Scripts and requests of our own, from files of our own. Forms post to us alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; font-src 'self'; \
                      img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Dashboard {
    pub app: App,
    /// The sandbox, where this process runs one.
    pub sandbox: Option<Beside>,
}

impl Dashboard {
    fn is_secure(&self) -> bool {
        self.app.config().public_url.scheme() == "https"
    }
}

/// Every route of the dashboard, `/` included.
pub(super) fn routes(app: App, sandbox: Option<Beside>) -> Router {
    let routes = Router::new()
        .merge(signing_in())
        .merge(connection_routes())
        .merge(people_routes())
        .merge(key_routes())
        .merge(webhook_routes())
        .merge(sandbox_routes())
        .merge(system_routes())
        .merge(proof_routes())
        .merge(settings_routes())
        .merge(sso_routes())
        .merge(branding_routes())
        .route("/", get(overview::show))
        .route("/find", get(find::show))
        .merge(accounts::routes())
        .merge(connectors::routes())
        .merge(pictures::routes())
        .route("/links", get(links::ask).post(links::make))
        .route("/links/made", get(handed::link))
        .route("/links/page", get(handed::page))
        .route("/users/{person}/page", post(links::own_page))
        .route("/users/{person}/pages/end", post(links::end_pages))
        .route("/logs", get(logs::list))
        .route("/logs/{reference}", get(logs::show))
        .route("/try", get(try_it::ask).post(try_it::send));
    #[cfg(debug_assertions)]
    let routes = routes.route("/_styleguide", get(styleguide::show));
    routes.with_state(Dashboard { app, sandbox }).layer(map_response(guarded))
}

fn signing_in() -> Router<Dashboard> {
    Router::new()
        .route("/login", get(entry::ask).post(entry::sign_in))
        .route("/link", post(entry::redeem))
        .route("/setup", get(entry::ask_owner).post(entry::make_owner))
        .route("/setup/checks", get(first_run::checks))
        .route("/welcome", get(entry::ask_password).post(entry::choose_password))
        .route("/sign-out", post(entry::sign_out))
        .route("/theme", post(entry::theme))
}

fn proof_routes() -> Router<Dashboard> {
    Router::new()
        .route("/login/passkey", post(entry::sign_in_with_passkey))
        .route("/login/kept", post(keeping::resume))
        .route("/settings/passkeys", post(passkeys::add))
        .route("/settings/passkeys/new", get(passkeys::ask))
        .route("/settings/passkeys/{id}/rename", post(passkeys::rename))
        .route("/settings/passkeys/{id}/remove", post(passkeys::remove))
        .route("/settings/confirm", get(confirm::ask).post(confirm::confirm))
        .route("/settings/confirm/passkey", post(confirm::confirm_with_passkey))
}

fn sso_routes() -> Router<Dashboard> {
    Router::new()
        .route("/login/sso", get(sso::leave))
        .route("/login/sso/callback", get(sso::arrive))
        .route("/settings/confirm/sso", get(sso::leave_to_confirm))
        .route("/connect/confirm", get(confirm_person::confirm))
}

fn connection_routes() -> Router<Dashboard> {
    Router::new()
        .route("/connections", get(connections::list))
        .route("/connections/new", get(catalogue::list))
        .route("/connections/new/{connector}", get(catalogue::ask).post(catalogue::begin))
        .route("/connections/{name}", get(connection::show))
        .route("/connections/{name}/setup", get(setup::show).post(setup::save))
        .route("/connections/{name}/review", get(review::ask).post(review::save))
        .route("/connections/{name}/credentials", get(credentials::ask).post(credentials::replace))
        .route("/connections/{name}/test", post(testing::begin))
        .route("/connections/{name}/test/{flow}", get(testing::show))
        .route("/connections/{name}/test/{flow}/refresh", post(testing::refresh))
        .route("/connections/{name}/test/{flow}/stop", post(testing::stop))
        .route("/connections/{name}/test/{flow}/remove", post(testing::remove))
        .route("/connections/{name}/pause", post(connection::pause))
        .route("/connections/{name}/duplicate", post(connection::duplicate))
        .route("/connections/{name}/links", post(review::links))
        .route("/connections/{name}/definition", post(redefined::reviewed))
        .route("/connections/{name}/resume", post(connection::resume))
        .route("/connections/{name}/delete", get(connection::ask_delete).post(connection::delete))
}

fn system_routes() -> Router<Dashboard> {
    Router::new()
        .route("/system", get(system::show).post(system::again))
        .route("/environment", post(environment::choose))
}

fn settings_routes() -> Router<Dashboard> {
    Router::new()
        .route("/settings/general", get(settings::show).post(settings::check))
        .route("/settings/first-steps", post(first_steps::decide))
        .route("/settings/verification", get(verification::show).post(verification::save))
        .route("/settings/verification/simulate", post(verification::simulate))
        .route("/settings/environments", get(environments::list).post(environments::make))
        .route("/settings/environments/{id}", get(environments::show).post(environments::rename))
        .route("/settings/encryption", get(encryption::show))
        .route("/settings/encryption/rotate", post(encryption::rotate))
        .route("/settings/encryption/stage", post(encryption::stage))
        .route("/settings/encryption/move", post(encryption::move_values))
        .route("/settings/encryption/signing", post(encryption::rotate_signing))
        .route("/settings/encryption/{version}/activate", post(encryption::activate))
        .route(
            "/settings/encryption/{version}/destroy",
            get(encryption::ask_destroy).post(encryption::destroy),
        )
        .route("/settings/retention", get(retention::show).post(retention::save))
        .route("/settings/transfer", get(transfer::show).post(transfer::bring))
        .route("/settings/connections.json", get(transfer::file))
        .route("/settings/audit", get(audit::show))
        .route("/settings/audit.csv", get(audit::file))
}

fn people_routes() -> Router<Dashboard> {
    Router::new()
        .route("/settings", get(people::you))
        .route("/settings/password", post(people::password))
        .route("/settings/sessions/{id}/end", post(people::end_session))
        .route("/settings/sessions/end-others", post(people::end_others))
        .route("/settings/people", get(people::list).post(people::invite))
        .route("/settings/people/{id}/role", post(people::role))
        .route("/settings/people/{id}/link", post(people::link))
        .route("/settings/people/{id}/remove", post(people::remove))
        .route("/settings/people/{id}/ties/{key}", get(ties::ask).post(ties::untie))
}

fn key_routes() -> Router<Dashboard> {
    Router::new()
        .route("/api-keys", get(keys::list))
        .route("/api-keys/new", get(keys::ask).post(keys::make))
        .route("/api-keys/{id}", get(keys::show).post(keys::save))
        .route("/api-keys/{id}/rotate", post(keys::rotate))
        .route("/api-keys/{id}/secrets/{secret}/end", post(keys::end))
        .route("/api-keys/{id}/delete", get(keys::ask_delete).post(keys::delete))
}

fn webhook_routes() -> Router<Dashboard> {
    Router::new()
        .route("/webhooks", get(webhooks::list))
        .route("/webhooks/new", get(webhooks::ask).post(webhooks::make))
        .route("/webhooks/{id}", get(webhooks::show))
        .route("/webhooks/{id}/edit", get(webhooks::ask_edit).post(webhooks::save))
        .route("/webhooks/{id}/test", post(webhooks::test))
        .route("/webhooks/{id}/pause", post(webhooks::pause))
        .route("/webhooks/{id}/resume", post(webhooks::resume))
        .route("/webhooks/{id}/rotate", post(webhooks::rotate))
        .route("/webhooks/{id}/replay", post(webhooks::replay_since))
        .route("/webhooks/{id}/deliveries/{event}", get(webhooks::delivery))
        .route("/webhooks/{id}/deliveries/{event}/replay", post(webhooks::replay))
        .route("/webhooks/{id}/delete", get(webhooks::ask_delete).post(webhooks::delete))
}

fn sandbox_routes() -> Router<Dashboard> {
    Router::new()
        .route("/sandbox", get(sandbox::show).post(sandbox::set))
        .route("/sandbox/clock", post(sandbox::clock))
        .route("/sandbox/people/{id}/withdraw", post(sandbox::withdraw))
        .route("/sandbox/requests/clear", post(sandbox::clear))
        .route("/sandbox/reset", post(sandbox::reset))
}

fn branding_routes() -> Router<Dashboard> {
    Router::new()
        .route("/branding", get(branding::show).post(branding::save))
        .route("/branding/preview/{screen}", get(branding_preview::show))
        .route("/branding/theme.css", get(branding_preview::sheet))
        .route("/branding/phone", get(branding_phone::ask))
        .route("/preview/{token}", get(branding_phone::show))
        .route("/preview/{token}/theme.css", get(branding_phone::sheet))
        .route("/branding/contrast", get(branding_preview::told))
        .route("/branding/words", get(branding_words::show).post(branding_words::save))
}

/// Our own policy, instead of the one of the hosted pages.
async fn guarded(mut answer: Response) -> Response {
    // D21 and its preview have policies of their own
    let policy = answer.headers_mut().entry(header::CONTENT_SECURITY_POLICY);
    policy.or_insert(HeaderValue::from_static(POLICY));
    answer
}
