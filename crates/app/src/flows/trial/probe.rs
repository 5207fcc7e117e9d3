//! Client id and secret without a user: the token endpoint is asked to exchange a code that cannot be valid. Where the
//! catalogue knows the provider's errors, the answer says which of the two was wrong.

use std::time::Duration;

use keybearer_connectors::engine::{Context, Grant as EngineGrant};
use keybearer_connectors::schema::AuthMethod;
use keybearer_connectors::{Bindings, Layers};
use keybearer_core::{Error, Result, random_token};
use keybearer_oauth::failure::Failure;

use super::{Cause, NoteOutcome, Seen, TrialStep, note};
use crate::access::{Caller, Permission};
use crate::exchange;
use crate::flows::open::OpenFlow;
use crate::grant;
use crate::state::App;
use crate::tokens::LoadedConnection;
use crate::{audit, connections};

const PATIENCE: Duration = Duration::from_secs(8);

/// What the provider says about client id and secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialCheck {
    /// It knows the client and refused only the code.
    Accepted {
        /// How long it took.
        duration_ms: i64,
    },
    /// It does not accept client id and secret together.
    Refused {
        /// In its own words, blanked.
        words: Option<String>,
    },
    /// It could not be told: the provider is away, or answered something else.
    Unclear {
        /// In its own words, or in ours.
        words: Option<String>,
    },
    /// The connector does not say how its provider answers.
    NotOffered,
}

/// Asks the provider about the client of a connection. What is given here and not empty takes the place of what is stored;
/// nothing is saved.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`, `FailedPrecondition` when the connector is gone.
pub async fn check_credentials(
    app: &App,
    caller: &Caller,
    connection: &str,
    client_id: Option<&str>,
    secrets: &Bindings,
) -> Result<CredentialCheck> {
    caller.require(Permission::ConnectorsWrite)?;
    let row = connections::row(app, &caller.environment, connection).await?;
    let loaded = LoadedConnection::of(app, row).await?;
    if loaded.method()?.credential_probe.is_none() {
        return Ok(CredentialCheck::NotOffered);
    }
    let credential = match &loaded.row.credential_id {
        Some(id) => app.db().find_credential(id).await?,
        None => None,
    };
    let mut values = grant::connection_bindings(app, &loaded.connector, &loaded.row, credential.as_ref())?;
    if let Some(id) = client_id.map(str::trim).filter(|id| !id.is_empty()) {
        values.insert("client_id", id);
    }
    for (name, value) in secrets.iter().filter(|(_, value)| !value.expose().trim().is_empty()) {
        values.insert(name, value.expose().trim());
    }
    let (checked, seen) = ask(app, &loaded, &values).await?;
    let detail = serde_json::json!({"outcome": format!("{:?}", seen.outcome)});
    audit::record(app, caller, "connection.credentials_checked", loaded.row.id.as_str(), detail).await?;
    Ok(checked)
}

/// Asks during a test, and notes the answer.
pub(super) async fn note_client(app: &App, open: &OpenFlow) {
    let asked = async {
        if open.connection.method()?.credential_probe.is_none() {
            return Ok(());
        }
        let values = open.developer(app).await?;
        let (_, answer) = ask(app, &open.connection, &values).await?;
        note(app, &open.flow.id, TrialStep::Client, answer.outcome, Some(answer.took), &answer.seen).await;
        Ok::<_, Error>(())
    };
    if let Err(error) = asked.await {
        tracing::info!(code = %error.code, "client id and secret could not be checked before the test");
    }
}

struct Answered {
    outcome: NoteOutcome,
    took: Duration,
    seen: Seen,
}

async fn ask(app: &App, loaded: &LoadedConnection, values: &Bindings) -> Result<(CredentialCheck, Answered)> {
    let (method, nothing) = (loaded.method()?, Bindings::new());
    let layers = Layers { connection: values, account: &nothing, captured: &nothing, tokens: &nothing };
    let bindings = Bindings::layered(method, layers);
    let context = Context {
        connector: &loaded.connector,
        method,
        bindings: &bindings,
        now: app.now(),
        entropy: app.entropy(),
    };
    let made_up = EngineGrant::AuthorizationCode {
        code: format!("keybearer-check-{}", random_token(app.entropy(), 16)?).into(),
        redirect_uri: connections::redirect_uri(app, &loaded.row.id),
        verifier: Some(
            format!("{}{}", random_token(app.entropy(), 20)?, random_token(app.entropy(), 20)?).into(),
        ),
    };
    let mut look = exchange::Seen::default();
    let failure = match exchange::run_seen(app, &context, &made_up, PATIENCE, &mut look).await {
        Ok(_) => None,
        Err(failed) => failed.failure,
    };
    let judged = judge(method, failure, look.words.as_deref());
    let seen = Seen {
        cause: matches!(judged, Some(false)).then_some(Cause::Client),
        status: look.status,
        words: look.words.clone(),
        skew_seconds: look.skew_seconds,
        ..Seen::default()
    };
    let took = look.took;
    Ok(match judged {
        Some(true) => {
            let duration_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
            (CredentialCheck::Accepted { duration_ms }, Answered { outcome: NoteOutcome::Ok, took, seen })
        }
        Some(false) => (
            CredentialCheck::Refused { words: look.words },
            Answered { outcome: NoteOutcome::Failed, took, seen },
        ),
        None => {
            let words = look.words.or_else(|| failure.map(|failure| failure.to_string()));
            (CredentialCheck::Unclear { words }, Answered { outcome: NoteOutcome::Odd, took, seen })
        }
    })
}

/// Whether the client is accepted, by the errors that the catalogue names; `None` when the answer is none of them.
fn judge(method: &AuthMethod, failure: Option<Failure>, words: Option<&str>) -> Option<bool> {
    let probe = method.credential_probe.as_ref()?;
    let named = words.map(|words| words.split(':').next().unwrap_or_default().trim());
    let listed = |errors: &[String]| named.is_some_and(|name| errors.iter().any(|error| error == name));
    match failure {
        _ if listed(&probe.bad_errors) => Some(false),
        _ if listed(&probe.ok_errors) => Some(true),
        Some(Failure::ClientRejected { .. }) => Some(false),
        _ => None,
    }
}
