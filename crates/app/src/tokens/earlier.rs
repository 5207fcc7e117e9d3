//! The client secret before the present one, while both are tried.

use keybearer_connectors::Bindings;

use super::load::LoadedAccount;
use crate::grant;
use crate::state::App;

/// Says that refreshes go on with the former secret only.
const REFUSED: &str = "new_secret_refused";

/// What a call may use with the former secret in place of the present one; `None` when none is kept.
pub(super) async fn bindings(app: &App, account: &LoadedAccount) -> Option<Bindings> {
    let id = account.row.credential_id.as_ref().or(account.connection.row.credential_id.as_ref())?;
    let found = app.db().find_credential(id).await;
    let credential =
        found.inspect_err(|error| tracing::warn!(%error, "an earlier secret is unknown")).ok()??;
    let opened = grant::open_earlier_credential(app, &credential);
    let secrets =
        opened.inspect_err(|error| tracing::error!(code = %error.code, "an earlier secret does not open"));
    let mut developer = account.developer.clone();
    developer.extend(secrets.ok()??);
    LoadedAccount { developer, ..account.clone() }.bindings().ok()
}

/// Tells the developer that the new secret is not accepted, while nobody is harmed yet.
pub(super) async fn new_one_is_refused(app: &App, account: &LoadedAccount) {
    flag(app, account, Some(REFUSED)).await;
}

/// The new secret is accepted after all.
pub(super) async fn new_one_works(app: &App, account: &LoadedAccount) {
    if account.connection.row.attention.as_deref() == Some(REFUSED) {
        flag(app, account, None).await;
    }
}

async fn flag(app: &App, account: &LoadedAccount, attention: Option<&str>) {
    let connection = &account.connection.row;
    // a refusal of a former app says nothing about the one in use
    if account.row.credential_id.is_some() && account.row.credential_id != connection.credential_id {
        return;
    }
    if let Err(error) = app.db().flag_connection(&connection.id, attention, app.now()).await {
        tracing::warn!(%error, "a connection could not be flagged");
    }
}
