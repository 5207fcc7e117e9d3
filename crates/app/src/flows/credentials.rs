//! Credentials that the user gives on our page: proven with a read-only call before they are kept.

use std::time::Duration;

use keybearer_connectors::Bindings;
use keybearer_connectors::engine::{VerifyOutcome, mint_grant, read_verify, verify_requests};
use keybearer_core::{Code, Error, Result, random_token};
use keybearer_oauth::failure::Failure;
use keybearer_store::Identity;

use super::complete::{self, Connected};
use super::open::OpenFlow;
use super::submit::{CREDENTIAL_TRY, Typed};
use super::{held, state};
use crate::exchange;
use crate::grant::{self, Grant};
use crate::state::App;

const TRIES: usize = 10;
const WINDOW: Duration = Duration::from_secs(600);

/// Counts a try: ten in ten minutes for one link. Gives the name of the attempt.
pub(super) async fn take_try(app: &App, open: &OpenFlow) -> Result<String> {
    let since = app.now().minus(WINDOW);
    let attempts = app.db().list_attempts(&open.flow.id).await?;
    let recent: Vec<_> = attempts.iter().filter(|row| row.created_at > since).collect();
    if recent.len() >= TRIES {
        let free_at = recent.first().map_or(app.now(), |row| row.created_at.plus(WINDOW));
        let wait = u32::try_from(free_at.since(app.now()).as_secs()).unwrap_or(600).max(1);
        return Err(Error::new(Code::RateLimited, "ten tries in ten minutes").with_retry_after(wait));
    }
    let hash = state::hash(&random_token(app.entropy(), 20)?);
    app.db().insert_attempt(&held::blank(app, open, &hash, CREDENTIAL_TRY)).await?;
    Ok(hash)
}

/// Makes a token where the method needs one, proves the credential, and asks whose it is.
pub(super) async fn connect(app: &App, open: &OpenFlow, typed: Typed) -> Result<Connected> {
    let method = open.connection.method()?;
    let developer = open.developer(app).await?;
    let mut grant = Grant { account: open.account_values(app)?, obtained_at: app.now(), ..Grant::default() };
    grant.account.extend(typed);
    let wanted = open.wanted();
    let connected = match mint_grant(method, &wanted) {
        Some(wire) => {
            let bindings = complete::without_tokens(method, &developer, &grant);
            let context = complete::context(app, open, method, &bindings);
            let granted = exchange::run(app, &context, &wire, app.config().refresh.deadline).await;
            let granted = match granted {
                Ok(granted) => granted,
                Err(failed) => return Err(rejected(app, open, failed.failure, failed.error).await),
            };
            complete::finish(app, open, &developer, grant, granted).await?
        }
        None => plain(app, open, &developer, grant, wanted).await?,
    };
    prove(app, open, &developer, &connected.grant).await?;
    Ok(connected)
}

/// A login call that refuses speaks about what the user typed, not about the developer's app.
async fn rejected(app: &App, open: &OpenFlow, failure: Option<Failure>, error: Error) -> Error {
    match failure {
        Some(Failure::InvalidGrant | Failure::ClientRejected { .. }) => {
            Error::new(Code::CredentialRejected, "the provider does not accept the credential")
        }
        other => complete::refused(app, open, other, error).await,
    }
}

async fn plain(
    app: &App,
    open: &OpenFlow,
    developer: &Bindings,
    mut grant: Grant,
    granted_scopes: Vec<String>,
) -> Result<Connected> {
    complete::discover(app, open, developer, &mut grant).await?;
    let found = complete::ask_identity(app, open, developer, &grant).await?;
    let identity = found.and_then(|found| {
        let id = found.id.or_else(|| found.label.clone())?;
        Some(Identity { id, label: found.label })
    });
    Ok(Connected { grant, granted_scopes, identity })
}

/// Any one of the connector's calls succeeding is proof; all refusing is a refusal.
async fn prove(app: &App, open: &OpenFlow, developer: &Bindings, grant: &Grant) -> Result<()> {
    let method = open.connection.method()?;
    let bindings = grant::account_bindings(method, developer, grant);
    let context = complete::context(app, open, method, &bindings);
    let requests = verify_requests(&context)?;
    if requests.is_empty() {
        return Ok(());
    }
    let mut worst = Error::new(Code::CredentialRejected, "the provider does not accept the credential");
    for (index, request) in requests.into_iter().enumerate() {
        match complete::send(app, request).await {
            Ok(response) => match read_verify(&context, index, &response) {
                VerifyOutcome::Proven => return Ok(()),
                VerifyOutcome::Rejected => {}
                VerifyOutcome::Unclear => {
                    let detail = format!("the check answered {}", response.status().as_u16());
                    worst = Error::new(Code::ProviderUnavailable, detail);
                }
            },
            Err(error) => worst = error,
        }
    }
    Err(worst)
}
