//! Acting on many accounts: links, refreshes, the end. What is chosen is shown first, with its number, and a number that
//! changed meanwhile is refused.

use std::future::Future;
use std::time::Duration;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::accounts::{self, Account, Lookup};
use keybearer_app::flows::{self, LinkRequest};
use keybearer_app::{App, Caller, refresh_now};
use keybearer_core::{Error, Result};
use tokio::task::JoinSet;

use super::list::Asked;
use super::{badge, list::grouped};
use crate::web::dashboard::answer::sentence;
use crate::web::dashboard::connections::Badge;
use crate::web::dashboard::form::Form;
use crate::web::dashboard::frame::{Frame, Section};
use crate::web::dashboard::guard::{Posted, Visit};
use crate::web::dashboard::links::{LIFETIMES, data_file};
use crate::web::dashboard::pictures;
use crate::web::dashboard::when::When;

/// Most accounts at once.
const MOST: usize = 500;
/// How many are under way at the same time.
const AT_ONCE: usize = 8;
/// How many are named on the review page.
const NAMED: usize = 20;
/// What is typed before accounts are ended.
const WORD: &str = "disconnect";

/// What is done to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Links,
    Refresh,
    Disconnect,
}

impl Act {
    fn parse(text: &str) -> Result<Self> {
        match text {
            "links" => Ok(Self::Links),
            "refresh" => Ok(Self::Refresh),
            "disconnect" => Ok(Self::Disconnect),
            _ => Err(Error::field("do", "must be links, refresh or disconnect")),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Links => "links",
            Self::Refresh => "refresh",
            Self::Disconnect => "disconnect",
        }
    }

    fn title(self, number: usize) -> String {
        let accounts =
            if number == 1 { "1 account".to_owned() } else { format!("{} accounts", grouped(whole(number))) };
        match self {
            Self::Links if number == 1 => "Make 1 link".to_owned(),
            Self::Links => format!("Make {} links", grouped(whole(number))),
            Self::Refresh => format!("Refresh {accounts}"),
            Self::Disconnect => format!("Disconnect {accounts}"),
        }
    }
}

/// Before it is done.
#[derive(Template)]
#[template(path = "dashboard/bulk.html")]
struct ReviewView {
    frame: Frame,
    act: &'static str,
    title: String,
    ids: Vec<String>,
    query: String,
    expected: usize,
    named: Vec<Named>,
    further: usize,
    used: Option<When>,
    lifetimes: Vec<(u64, &'static str, bool)>,
    word: &'static str,
    wrong: Option<String>,
}

/// One of the chosen.
struct Named {
    user: String,
    connection: String,
    badge: Badge,
}

/// After it was done.
#[derive(Template)]
#[template(path = "dashboard/bulk_done.html")]
struct DoneView {
    frame: Frame,
    title: String,
    says: String,
    heads: Vec<&'static str>,
    rows: Vec<DoneRow>,
    csv: String,
    file: String,
    links: bool,
}

/// What came of one account.
struct DoneRow {
    href: String,
    user: String,
    connection: String,
    ok: bool,
    result: String,
}

/// What is chosen: ids, or everything that a filter finds.
struct Chosen {
    ids: Vec<String>,
    query: Option<String>,
    expected: usize,
}

impl Chosen {
    fn read(form: &Form) -> Result<Self> {
        let wrong = || Error::field("expected", "must be the number of accounts that were shown");
        if form.text("all") == "1" {
            let expected = form.text("expected").parse().map_err(|_| wrong())?;
            return Ok(Self { ids: Vec::new(), query: Some(form.text("query")), expected });
        }
        let mut ids = form.all("account");
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Err(Error::field("account", "must be chosen: tick the boxes before the rows"));
        }
        if ids.len() > MOST {
            return Err(Error::field("account", format!("must be at most {MOST} at once")));
        }
        Ok(Self { expected: ids.len(), ids, query: None })
    }

    /// The accounts, if they are as many as were shown.
    async fn find(&self, visit: &Visit) -> Result<Vec<Account>> {
        let (app, caller) = (visit.app(), visit.caller());
        let found = match &self.query {
            Some(query) => accounts::surveyed(app, caller, &Asked::read(query).query(), MOST).await?,
            None => {
                let mut found = Vec::new();
                for id in &self.ids {
                    found.push(accounts::get(app, caller, &Lookup::id(id.as_str())).await?);
                }
                found
            }
        };
        if found.len() != self.expected {
            let detail = format!("must be {}: the list changed since it was shown", found.len());
            return Err(Error::field("expected", detail));
        }
        Ok(found)
    }
}

/// `POST /accounts/bulk`: what is chosen, before anything is done.
pub(in crate::web::dashboard) async fn review(Posted { visit, form }: Posted) -> Response {
    let page = async {
        let (act, chosen) = (Act::parse(&form.text("do"))?, Chosen::read(&form)?);
        let found = chosen.find(&visit).await?;
        let view = review_view(&visit, act, chosen, &found, None);
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

fn review_view(
    visit: &Visit,
    act: Act,
    chosen: Chosen,
    found: &[Account],
    wrong: Option<String>,
) -> ReviewView {
    let title = act.title(found.len());
    let named = found.iter().take(NAMED).map(|account| Named {
        user: account.identifier.clone(),
        connection: account.connection.clone(),
        badge: badge(account.status),
    });
    let used = found.iter().filter_map(|account| account.last_used_at).max();
    let frame =
        visit.frame(Section::Accounts, &title).under("/accounts", "Accounts").under("", title.clone());
    ReviewView {
        frame: frame.command(match act {
            Act::Links => "keybearer link CONNECTION --user USER",
            Act::Refresh => "keybearer accounts refresh ACCOUNT",
            Act::Disconnect => "keybearer accounts disconnect ACCOUNT",
        }),
        act: act.as_str(),
        query: chosen.query.unwrap_or_default(),
        ids: chosen.ids,
        expected: chosen.expected,
        named: named.collect(),
        further: found.len().saturating_sub(NAMED),
        used: used.map(|at| When::new(at, visit.app().now())),
        lifetimes: LIFETIMES
            .into_iter()
            .map(|(seconds, words)| (seconds, words, seconds == 7 * 86_400))
            .collect(),
        word: WORD,
        title,
        wrong,
    }
}

/// `POST /accounts/bulk/do`
pub(in crate::web::dashboard) async fn act(Posted { visit, form }: Posted) -> Response {
    let page = async {
        let (act, chosen) = (Act::parse(&form.text("do"))?, Chosen::read(&form)?);
        let found = chosen.find(&visit).await?;
        if act == Act::Disconnect && form.text("word").trim() != WORD {
            let wrong = format!("Nothing was done. Type {WORD} to confirm.");
            let view = review_view(&visit, act, chosen, &found, Some(wrong));
            return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view));
        }
        let lifetime = form.text("lifetime").parse().ok();
        let lifetime = lifetime.filter(|seconds| LIFETIMES.iter().any(|(known, _)| known == seconds));
        let rows = done(&visit, act, found, lifetime.map(Duration::from_secs)).await?;
        Ok(visit.page(&done_view(&visit, act, rows)))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

async fn done(
    visit: &Visit,
    act: Act,
    found: Vec<Account>,
    lifetime: Option<Duration>,
) -> Result<Vec<DoneRow>> {
    let rows = each(visit, found, move |app, caller, account| async move {
        match act {
            Act::Links => {
                let lookup = Lookup::id(account.id.as_str());
                let request = LinkRequest { lookup, lifetime, ..LinkRequest::default() };
                flows::create_link(&app, &caller, request).await.map(|link| link.url.to_string())
            }
            Act::Refresh => refresh_now(&app, &caller, &account.id).await.map(|_| "Refreshed".to_owned()),
            Act::Disconnect => {
                let ended = accounts::disconnect(&app, &caller, &Lookup::id(account.id.as_str())).await;
                ended.map(|done| {
                    format!("Ended here; at the provider: {}", done.outcome.as_str().replace('_', " "))
                })
            }
        }
    });
    rows.await
}

/// Does it to each, some at a time; a failure of one stops no other.
async fn each<F, W>(visit: &Visit, found: Vec<Account>, work: F) -> Result<Vec<DoneRow>>
where
    F: Fn(App, Caller, Account) -> W,
    W: Future<Output = Result<String>> + Send + 'static,
{
    let (mut rows, mut waiting, mut running) = (Vec::new(), found.into_iter().enumerate(), JoinSet::new());
    loop {
        while running.len() < AT_ONCE
            && let Some((number, account)) = waiting.next()
        {
            let work = work(visit.app().clone(), visit.caller().clone(), account.clone());
            running.spawn(async move { (number, account, work.await) });
        }
        let Some(ended) = running.join_next().await else { break };
        let (number, account, result) = ended.map_err(|_| Error::internal("an action was interrupted"))?;
        rows.push((number, row(account, result)));
    }
    rows.sort_by_key(|(number, _)| *number);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn row(account: Account, result: Result<String>) -> DoneRow {
    DoneRow {
        href: format!("/accounts/{}", account.id),
        user: account.identifier,
        connection: account.connection,
        ok: result.is_ok(),
        result: result.unwrap_or_else(|error| sentence(&error.detail)),
    }
}

fn done_view(visit: &Visit, act: Act, rows: Vec<DoneRow>) -> DoneView {
    let good = rows.iter().filter(|row| row.ok).count();
    let failed = rows.len() - good;
    let what = match act {
        Act::Links => "links made. They are shown this once",
        Act::Refresh => "refreshed",
        Act::Disconnect => "disconnected",
    };
    let head = if act == Act::Links { "link" } else { "result" };
    let mut csv = pictures::line(&["user", "connection", head].map(str::to_owned));
    for row in &rows {
        csv.push_str(&pictures::line(&[row.user.clone(), row.connection.clone(), row.result.clone()]));
    }
    let title = format!("{good} of {} done", rows.len());
    DoneView {
        frame: visit.frame(Section::Accounts, &title).under("/accounts", "Accounts").under("", title.clone()),
        says: match failed {
            0 => format!("{good} {what}."),
            _ => format!("{good} {what}. {failed} failed; each says why."),
        },
        heads: vec!["User", "Connection", if act == Act::Links { "Link" } else { "What came of it" }],
        file: data_file("text/csv", &csv),
        links: act == Act::Links,
        title,
        rows,
        csv,
    }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
