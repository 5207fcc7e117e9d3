//! Accounts: the list, one of them, one person, and what can be done to them.

pub(super) mod bulk;
pub(super) mod list;
pub(super) mod person;
pub(super) mod show;
mod story;

use axum::Router;
use axum::routing::{get, post};
use keybearer_app::accounts::{Account, Flag};
use keybearer_app::flows::TEST_USER;
use keybearer_core::{AccountStatus, StatusReason, Timestamp};

use super::Dashboard;
use super::connections::Badge;

/// A refresh token that ends sooner is told beside the state.
const SOON_SECONDS: u64 = 14 * 86_400;

/// The pages of this module.
pub(super) fn routes() -> Router<Dashboard> {
    Router::new()
        .route("/accounts", get(list::list))
        .route("/accounts/bulk", post(bulk::review))
        .route("/accounts/bulk/do", post(bulk::act))
        .route("/accounts/{id}", get(show::show))
        .route("/accounts/{id}/refresh", post(show::refresh))
        .route("/accounts/{id}/disconnect", get(show::ask_disconnect).post(show::disconnect))
        .route("/accounts/{id}/delete", get(show::ask_delete).post(show::delete))
        .route("/users/{person}", get(person::show))
        .route("/users/{person}/erase", get(person::ask).post(person::erase))
}

/// The state of an account as it is shown.
pub(super) fn badge(status: AccountStatus) -> Badge {
    match status {
        AccountStatus::Active => Badge { word: "Active", look: "ok", icon: "check" },
        AccountStatus::PendingAuth => Badge { word: "Waiting for user", look: "info", icon: "clock" },
        AccountStatus::PendingVerification => {
            Badge { word: "Waiting for your app", look: "info", icon: "clock" }
        }
        AccountStatus::Expired => Badge { word: "Needs sign-in", look: "bad", icon: "x" },
        AccountStatus::Disconnected => Badge { word: "Disconnected", look: "", icon: "x" },
    }
}

/// What is said beside the state.
fn flags(account: &Account, now: Timestamp) -> Vec<String> {
    let mut flags = Vec::new();
    if account.identifier == TEST_USER {
        flags.push("Test account".to_owned());
    }
    if !account.missing_scopes.is_empty() {
        flags.push("Scopes behind".to_owned());
    }
    if account.failure_count > 0 && account.status == AccountStatus::Active {
        flags.push(format!("Refresh failing ({} so far)", account.failure_count));
    }
    if account.on_earlier_client {
        flags.push("On an earlier client".to_owned());
    }
    let ends = account.refresh_expires_at.filter(|at| account.status == AccountStatus::Active && *at > now);
    if let Some(left) = ends.map(|at| at.since(now).as_secs()).filter(|left| *left < SOON_SECONDS) {
        let days = left / 86_400;
        flags.push(match days {
            0 => "Ends today".to_owned(),
            1 => "Ends in 1 day".to_owned(),
            days => format!("Ends in {days} days"),
        });
    }
    flags
}

/// A flag that accounts can be filtered by, in words.
fn flag_word(flag: Flag) -> &'static str {
    match flag {
        Flag::ScopesBehind => "Scopes behind",
        Flag::RefreshFailing => "Refresh failing",
        Flag::Test => "Test account",
    }
}

/// Where a link for the account is made.
fn link(account: &Account) -> String {
    let query = [("connection", account.connection_id.as_str()), ("user", account.identifier.as_str())];
    format!("/links?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish())
}

/// Why it is in its state.
fn why(reason: StatusReason) -> &'static str {
    match reason {
        StatusReason::Created => "A link was made; nobody has finished it yet.",
        StatusReason::Connected => "Its user agreed at the provider.",
        StatusReason::Imported => "Its credentials came in through the API.",
        StatusReason::AwaitingVerification => "The user agreed; your app has not confirmed the person yet.",
        StatusReason::VerificationMismatch => "Your app named another person than the one who agreed.",
        StatusReason::RevokedOrExpired => {
            "The provider refused the refresh token. Usually: password changed, app removed, or token limit reached."
        }
        StatusReason::RefreshInterrupted => {
            "The server stopped while a refresh was under way, and its answer was lost."
        }
        StatusReason::ExchangeInterrupted => "The server stopped while the code was being exchanged.",
        StatusReason::NoRefreshToken => {
            "The access token ended, and the provider gave nothing to refresh it with."
        }
        StatusReason::CredentialRejected => "The provider refused the user's own key.",
        StatusReason::IntegrityError => "The stored credential does not open.",
        StatusReason::DisconnectedByDeveloper => "You disconnected it.",
        StatusReason::DisconnectedByUser => "Its user disconnected it.",
    }
}
