//! Showing such a page. Nothing is decided, however often it is opened.

use keybearer_core::ids::AccountId;
use keybearer_core::{AccountStatus, Code, Error, Result};
use keybearer_store::{AccountRow, UserPageKind};

use super::lines;
use super::open::{self, Open};
use crate::accounts::RevokeOutcome;
use crate::flows::page::{
    Answer, Page, PageBody, PageHead, ServiceLine, ServiceState, ServicesPage, StopPage, Stopped,
};
use crate::flows::{Trouble, trouble_page};
use crate::state::App;

/// From how many services on they can be searched.
const SEARCHED: usize = 9;
/// Longest text that is searched for.
const LONGEST: usize = 100;

/// What is asked of a page.
#[derive(Clone, Debug, Default)]
pub struct UserPageAsk {
    /// Only services that have this in their name.
    pub search: Option<String>,
    /// Before this account is disconnected.
    pub stop: Option<String>,
    /// This account was disconnected just now.
    pub stopped: Option<String>,
}

/// The page of a token.
///
/// # Errors
/// None of its own: every failure is a page.
pub async fn view(app: &App, token: &str, ask: &UserPageAsk) -> Result<Answer> {
    Ok(match page(app, token, ask).await {
        Ok(page) => Answer::Page(Box::new(page)),
        Err(trouble) => trouble_page(app, trouble),
    })
}

async fn page(app: &App, token: &str, ask: &UserPageAsk) -> Result<Page, Trouble> {
    let open = open::by_token(app, token).await?;
    let lines = lines::all(app, &open.row).await.map_err(|error| open.trouble(error))?;
    if let Some(id) = &ask.stop {
        return stop(app, open, &lines, id).await;
    }
    let stopped = match &ask.stopped {
        Some(id) => stopped(app, &open, &lines, id).await?,
        None => None,
    };
    let search = (lines.len() >= SEARCHED).then(|| ask.search.clone().unwrap_or_default());
    let search = search.map(|text| text.trim().chars().take(LONGEST).collect::<String>());
    let body = ServicesPage {
        address: open.address,
        manage: open.row.kind == UserPageKind::Manage,
        lines: lines.into_iter().filter(|line| found(line, search.as_deref())).collect(),
        search,
        stopped,
        expires_at: open.row.expires_at,
    };
    Ok(Page { head: open.head, body: PageBody::Services(body) })
}

fn found(line: &ServiceLine, search: Option<&str>) -> bool {
    let wanted = search.unwrap_or_default().to_lowercase();
    let texts = [Some(&line.service), line.label.as_ref(), line.purpose.as_ref()];
    texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&wanted))
}

async fn stop(app: &App, open: Open, lines: &[ServiceLine], id: &str) -> Result<Page, Trouble> {
    let (line, account) = stoppable(app, &open, lines, id).await?;
    let service = lines::service_of(app, &account).await?;
    let revokes = service.as_ref().and_then(|service| service.method(Some(&account)));
    let body = StopPage {
        address: open.address,
        account: line.account.clone(),
        identity: line.identity.clone(),
        revokes: revokes.is_some_and(|method| method.revoke.is_some()),
    };
    let head = PageHead {
        connector_name: line.service.clone(),
        connector_slug: line.slug.clone(),
        sandbox: service.is_some_and(|service| service.connector.sandbox),
        ..open.head
    };
    Ok(Page { head, body: PageBody::Stop(body) })
}

/// The line and the account of an id, where the user can end it on this page.
pub(super) async fn stoppable<'a>(
    app: &App,
    open: &Open,
    lines: &'a [ServiceLine],
    id: &str,
) -> Result<(&'a ServiceLine, AccountRow), Trouble> {
    let gone = || open.trouble(Error::new(Code::AccountNotFound, "nothing is connected there"));
    if open.row.kind != UserPageKind::Manage {
        return Err(gone());
    }
    let ends = |line: &&ServiceLine| line.account == id && line.state != ServiceState::Open;
    let line = lines.iter().find(ends).ok_or_else(gone)?;
    let account = account(app, id).await?.ok_or_else(gone)?;
    Ok((line, account))
}

async fn account(app: &App, id: &str) -> Result<Option<AccountRow>> {
    match AccountId::parse(id) {
        Some(id) => Ok(app.db().find_account(&id).await?),
        None => Ok(None),
    }
}

/// What came of a disconnection, from what is stored about it.
async fn stopped(
    app: &App,
    open: &Open,
    lines: &[ServiceLine],
    id: &str,
) -> Result<Option<Stopped>, Trouble> {
    let Some(line) = lines.iter().find(|line| line.account == id) else { return Ok(None) };
    let row = account(app, id).await.map_err(|error| open.trouble(error))?;
    let Some(row) = row.filter(|row| row.status == AccountStatus::Disconnected) else { return Ok(None) };
    let outcome = row.revoke_outcome.as_deref().map(RevokeOutcome::parse);
    let outcome = outcome.filter(|outcome| *outcome != RevokeOutcome::NothingToRevoke);
    let revoked = outcome.map(|outcome| outcome == RevokeOutcome::Revoked);
    Ok(Some(Stopped { service: line.service.clone(), revoked }))
}

impl Open {
    /// A failure on this page.
    pub(super) fn trouble(&self, error: Error) -> Trouble {
        Trouble { head: self.head.clone(), ..Trouble::from(error) }
    }
}
