//! After the provider: what came of the code, and whether the token can be refreshed and used.

use keybearer_connectors::engine::{
    Context, RefreshKind, VerifyOutcome, identity_request, read_verify, refresh_policy, verify_requests,
};
use keybearer_core::ids::{AccountId, FlowId};
use keybearer_core::{Error, FlowKind, Reference, Result};
use url::Url;

use super::preflight::is_skewed;
use super::{Cause, NoteOutcome, Seen, TrialStep, note};
use crate::exchange;
use crate::flows::complete;
use crate::flows::open::OpenFlow;
use crate::state::App;
use crate::tokens::{self, LoadedAccount};
use crate::words;

/// Notes what the provider answered to the code of a test.
pub(in crate::flows) async fn exchanged(
    app: &App,
    open: &OpenFlow,
    look: &exchange::Seen,
    error: Option<&Error>,
) {
    if open.flow.kind != FlowKind::Test {
        return;
    }
    let words = look.words.clone().filter(|_| error.is_some());
    let seen = Seen {
        cause: words.as_deref().and_then(Cause::of),
        status: look.status,
        words,
        code: error.map(|error| error.code.as_str().to_owned()),
        skew_seconds: look.skew_seconds,
        ..Seen::default()
    };
    let outcome = match (error, seen.skew_seconds) {
        (Some(_), _) => NoteOutcome::Failed,
        (None, Some(skew)) if is_skewed(skew) => NoteOutcome::Odd,
        (None, _) => NoteOutcome::Ok,
    };
    note(app, &open.flow.id, TrialStep::Exchange, outcome, Some(look.took), &seen).await;
}

/// Notes the error that a provider sent a tester back with.
pub(in crate::flows) async fn refused(app: &App, open: &OpenFlow, callback: &str, reference: &Reference) {
    if open.flow.kind != FlowKind::Test {
        return;
    }
    let query = Url::parse(&format!("http://callback/?{callback}"));
    let pairs = query.iter().flat_map(|url| url.query_pairs());
    let told: Vec<String> = pairs
        .filter(|(name, _)| matches!(name.as_ref(), "error" | "error_description"))
        .map(|(_, value)| value.into_owned())
        .collect();
    let told = words::blanked(&told.join(": "), &[]);
    let reference = Some(reference.to_string());
    let seen = Seen { cause: Cause::of(&told), words: Some(told), reference, ..Seen::default() };
    note(app, &open.flow.id, TrialStep::Approve, NoteOutcome::Failed, None, &seen).await;
}

/// Refreshes the token of a test once, and makes one read-only call with it. Nobody waits for it.
pub(in crate::flows) fn proven(app: &App, open: &OpenFlow) {
    if open.flow.kind != FlowKind::Test {
        return;
    }
    let (worker, flow, account) = (app.clone(), open.flow.id.clone(), open.account.id.clone());
    app.flow_tasks().spawn(async move {
        match worker.db().find_test(&flow).await {
            Ok(Some(_)) => prove(&worker, &flow, &account).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a test could not be gone on with"),
        }
    });
}

async fn prove(app: &App, flow: &FlowId, account: &AccountId) {
    if let Err(error) = calm(app, account).await {
        tracing::warn!(code = %error.code, "a connection that works could not be unflagged");
    }
    let refreshed = refresh(app, flow, account).await;
    if let Err(error) = refreshed {
        tracing::info!(code = %error.code, flow.id = %flow, "the token of a test could not be refreshed");
    }
    if let Err(error) = call(app, flow, account).await {
        let seen = Seen { code: Some(error.code.as_str().to_owned()), ..Seen::default() };
        note(app, flow, TrialStep::Call, NoteOutcome::Failed, None, &seen).await;
    }
}

/// Somebody came through with the client, secret, redirect URI and scopes of now: what spoke against them is over.
async fn calm(app: &App, account: &AccountId) -> Result<()> {
    let account = LoadedAccount::read(app, account).await?;
    let connection = &account.connection.row;
    if connection.attention.is_some() {
        app.db().flag_connection(&connection.id, None, app.now()).await?;
    }
    Ok(())
}

async fn refresh(app: &App, flow: &FlowId, id: &AccountId) -> Result<()> {
    let account = LoadedAccount::read(app, id).await?;
    let can = refresh_policy(account.connection.method()?).kind == RefreshKind::RefreshToken;
    let has = account.grant.as_ref().is_some_and(|grant| grant.token("refresh_token").is_some());
    if !can || !has {
        return Ok(());
    }
    let begun = tokio::time::Instant::now();
    let done = tokens::renew(app, &account).await;
    let (outcome, seen) = match &done {
        Ok(_) => (NoteOutcome::Ok, Seen::default()),
        Err(error) => {
            (NoteOutcome::Failed, Seen { code: Some(error.code.as_str().to_owned()), ..Seen::default() })
        }
    };
    note(app, flow, TrialStep::Refresh, outcome, Some(begun.elapsed()), &seen).await;
    done.map(|_| ())
}

/// The connector's check, or the question whose account it is.
async fn call(app: &App, flow: &FlowId, id: &AccountId) -> Result<()> {
    let account = LoadedAccount::read(app, id).await?;
    let bindings = account.bindings()?;
    let context = account.context(app, &bindings)?;
    let Some(request) = first(&context)? else { return Ok(()) };
    let begun = tokio::time::Instant::now();
    let response = complete::send(app, request).await?;
    let took = begun.elapsed();
    let proven = match verify_requests(&context)?.is_empty() {
        true => response.status().is_success(),
        false => read_verify(&context, 0, &response) == VerifyOutcome::Proven,
    };
    let secrets: Vec<_> = bindings.iter().map(|(_, value)| value).collect();
    let seen = Seen {
        status: Some(response.status().as_u16()),
        words: if proven { None } else { words::of_answer(&response, &secrets) },
        ..Seen::default()
    };
    let outcome = if proven { NoteOutcome::Ok } else { NoteOutcome::Failed };
    note(app, flow, TrialStep::Call, outcome, Some(took), &seen).await;
    Ok(())
}

fn first(context: &Context<'_>) -> Result<Option<http::Request<bytes::Bytes>>> {
    match verify_requests(context)?.into_iter().next() {
        Some(request) => Ok(Some(request)),
        None => Ok(identity_request(context)?),
    }
}
