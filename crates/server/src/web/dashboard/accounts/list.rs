//! D12: the list, its filters, and what is chosen in it.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use keybearer_app::accounts::{self, Account, Flag, SurveyQuery};
use keybearer_app::connections::{self, Connection, ConnectionQuery};
use keybearer_app::figures::{Scope, Span};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::{AccountStatus, Result, Timestamp};
use serde::Deserialize;

use super::{badge, flag_word, flags, link};
use crate::web::dashboard::connections::Badge;
use crate::web::dashboard::frame::{Frame, Section, Tile};
use crate::web::dashboard::guard::Visit;
use crate::web::dashboard::pictures::{self, Chart, reason_word};
use crate::web::dashboard::when::When;

/// Filters, and the page. They live in the address.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::web::dashboard) struct Asked {
    #[serde(default)]
    pub q: String,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub flag: String,
    #[serde(default)]
    pub connection: String,
    #[serde(default)]
    pub connector: String,
    #[serde(default)]
    pub person: String,
    #[serde(default)]
    pub unused: String,
    #[serde(default)]
    pub ends: String,
    #[serde(default)]
    pub page: String,
}

/// D12.
#[derive(Template)]
#[template(path = "dashboard/accounts.html")]
struct ListView {
    frame: Frame,
    asked: Asked,
    states: Vec<Choice>,
    flags: Vec<Choice>,
    connections: Vec<Choice>,
    connectors: Vec<Choice>,
    unused: Vec<Choice>,
    ends: Vec<Choice>,
    more: bool,
    filters: Vec<String>,
    total: String,
    /// How many fit, where that is known exactly.
    expected: Option<i64>,
    query: String,
    rows: Vec<Row>,
    next: String,
    previous: String,
    may: bool,
    may_end: bool,
    chart: Option<Chart>,
}

/// An entry of a filter.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// One account in the list.
struct Row {
    id: String,
    href: String,
    link: String,
    user: String,
    person: String,
    identity: String,
    connection: String,
    connection_href: String,
    tile: Tile,
    badge: Badge,
    flags: Vec<String>,
    used: Option<When>,
    ends: Option<When>,
    problem: String,
    usable: bool,
}

impl Asked {
    /// What the use case is asked for.
    pub fn query(&self) -> SurveyQuery {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let days = |text: &str| text.trim().parse::<u32>().ok().filter(|days| (1..=3650).contains(days));
        SurveyQuery {
            query: given(&self.q),
            status: AccountStatus::parse(&self.state),
            flag: Flag::parse(&self.flag),
            connection: given(&self.connection),
            connector: given(&self.connector),
            person: given(&self.person),
            unused_days: days(&self.unused),
            ends_days: days(&self.ends),
        }
    }

    /// The filters as they stand in an address, without the page.
    pub fn address(&self) -> String {
        let pairs = [
            ("q", &self.q),
            ("state", &self.state),
            ("flag", &self.flag),
            ("connection", &self.connection),
            ("connector", &self.connector),
            ("person", &self.person),
            ("unused", &self.unused),
            ("ends", &self.ends),
        ];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }

    /// The filters of an address.
    pub fn read(address: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(address.as_bytes()) {
            let slot = match &*name {
                "q" => &mut asked.q,
                "state" => &mut asked.state,
                "flag" => &mut asked.flag,
                "connection" => &mut asked.connection,
                "connector" => &mut asked.connector,
                "person" => &mut asked.person,
                "unused" => &mut asked.unused,
                "ends" => &mut asked.ends,
                _ => continue,
            };
            *slot = value.into_owned();
        }
        asked
    }

    fn at(&self, token: Option<String>) -> String {
        token.map(|token| format!("/accounts?{}&page={token}", self.address())).unwrap_or_default()
    }

    /// Each filter in words, for the one who finds nothing.
    fn words(&self, all: &[Connection]) -> Vec<String> {
        let query = self.query();
        let connection = |id: &String| {
            let found = all.iter().find(|one| one.id.as_str() == id);
            format!("connection {}", found.map_or(id, |one| &one.name))
        };
        let words = [
            query.query.as_ref().map(|text| format!("“{text}”")),
            query.status.map(|status| format!("state {}", badge(status).word)),
            query.flag.map(|flag| flag_word(flag).to_owned()),
            query.connection.as_ref().map(connection),
            query.connector.as_ref().map(|connector| format!("connector {connector}")),
            query.person.as_ref().map(|person| format!("user {person}")),
            query.unused_days.map(|days| format!("unused for more than {days} days")),
            query.ends_days.map(|days| format!("refresh token ends within {days} days")),
        ];
        words.into_iter().flatten().collect()
    }
}

/// `GET /accounts`
pub(in crate::web::dashboard) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = page(&visit, asked).await;
    visit.answer(page)
}

async fn page(visit: &Visit, asked: Asked) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    let ask = PageAsk { size: 50, token: asked.page.clone() };
    let found = accounts::survey(app, caller, &asked.query(), &ask).await?;
    let all = connections::list(app, caller, &ConnectionQuery::default(), &PageAsk::first(100)).await?.items;
    let now = app.now();
    let total = match (found.total, found.more) {
        (Some(total), true) => format!("more than {} in all", grouped(total)),
        (Some(total), false) => format!("{} in all", grouped(total)),
        (None, _) => "not counted: each one is looked at".to_owned(),
    };
    let stopped = asked.address().is_empty() && asked.page.is_empty() && !found.items.is_empty();
    let chart = match stopped {
        true => {
            Some(pictures::one(visit, "stopped", &Scope { span: Span::Month, connection: None }, &all).await?)
        }
        false => None,
    };
    let view = ListView {
        states: choices(AccountStatus::ALL.iter().map(|one| (one.as_str(), badge(*one).word)), &asked.state),
        flags: choices(Flag::ALL.iter().map(|one| (one.as_str(), flag_word(*one))), &asked.flag),
        connections: all.iter().map(|one| of_connection(one, &asked.connection)).collect(),
        connectors: connectors(&all, &asked.connector),
        unused: days(&[30, 90, 180], "Unused for more than", &asked.unused),
        ends: days(&[7, 30, 90], "Refresh token ends within", &asked.ends),
        more: [&asked.flag, &asked.connector, &asked.person, &asked.unused, &asked.ends]
            .iter()
            .any(|text| !text.is_empty()),
        filters: asked.words(&all),
        total,
        expected: found.total.filter(|_| !found.more),
        query: asked.address(),
        next: asked.at(found.next),
        previous: asked.at(found.previous),
        rows: found.items.into_iter().map(|account| row(account, now)).collect(),
        may: caller.permissions.has(Permission::AccountsWrite),
        may_end: caller.permissions.has(Permission::AccountsRevoke),
        frame: visit.frame(Section::Accounts, "Accounts").command(command(&asked)),
        chart,
        asked,
    };
    Ok(visit.page(&view))
}

/// The command that lists the same, as far as it knows the filters.
fn command(asked: &Asked) -> String {
    let options = [("--connection", &asked.connection), ("--user", &asked.person), ("--state", &asked.state)];
    let given = options.into_iter().filter(|(_, value)| !value.is_empty());
    let given =
        given.map(|(name, value)| format!(" {name} {}", crate::web::dashboard::answer::quoted(value)));
    format!("keybearer accounts list{}", given.collect::<String>())
}

fn choices<'a>(all: impl Iterator<Item = (&'a str, &'a str)>, chosen: &str) -> Vec<Choice> {
    all.map(|(value, label)| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        chosen: value == chosen,
    })
    .collect()
}

fn of_connection(one: &Connection, chosen: &str) -> Choice {
    Choice {
        value: one.id.to_string(),
        label: one.name.clone(),
        chosen: chosen == one.id.as_str() || chosen == one.name,
    }
}

fn connectors(all: &[Connection], chosen: &str) -> Vec<Choice> {
    let mut known: Vec<(&str, &str)> =
        all.iter().map(|one| (one.connector.as_str(), one.connector_display_name.as_str())).collect();
    known.sort_unstable_by_key(|(slug, name)| (name.to_lowercase(), *slug));
    known.dedup();
    choices(known.into_iter(), chosen)
}

fn days(all: &[u32], words: &str, chosen: &str) -> Vec<Choice> {
    let mut listed: Vec<Choice> = all
        .iter()
        .map(|days| Choice {
            value: days.to_string(),
            label: format!("{words} {days} days"),
            chosen: days.to_string() == chosen,
        })
        .collect();
    // a number that came with a link stays what it is
    if chosen.parse::<u32>().is_ok() && listed.iter().all(|one| !one.chosen) {
        listed.push(Choice {
            value: chosen.to_owned(),
            label: format!("{words} {chosen} days"),
            chosen: true,
        });
    }
    listed
}

fn row(account: Account, now: Timestamp) -> Row {
    let problem = match account.status {
        AccountStatus::Active | AccountStatus::PendingAuth => {
            account.last_failure.as_deref().map(reason_word).unwrap_or_default()
        }
        _ => reason_word(account.reason.as_str()),
    };
    Row {
        id: account.id.to_string(),
        href: format!("/accounts/{}", account.id),
        link: link(&account),
        person: super::person::address(&account.identifier),
        identity: account.identity_label.clone().or(account.identity_id.clone()).unwrap_or_default(),
        connection_href: format!("/connections/{}", account.connection_id),
        tile: Tile::new(&account.connector, &account.connector),
        badge: badge(account.status),
        flags: flags(&account, now),
        used: account.last_used_at.map(|at| When::new(at, now)),
        ends: account.access_expires_at.map(|at| When::new(at, now)),
        usable: account.status == AccountStatus::Active,
        user: account.identifier,
        connection: account.connection,
        problem,
    }
}

/// `12,345`.
pub(in crate::web::dashboard) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_survive_an_address() {
        let asked = Asked { q: "ä&b=c %".to_owned(), unused: "30".to_owned(), ..Asked::default() };
        let again = Asked::read(&asked.address());
        assert_eq!(
            (again.q, again.unused, again.state),
            ("ä&b=c %".to_owned(), "30".to_owned(), String::new())
        );
    }

    #[test]
    fn a_number_of_days_that_is_none_filters_nothing() {
        for odd in ["", "-1", "0", "x", "99999"] {
            assert_eq!(Asked { ends: odd.to_owned(), ..Asked::default() }.query().ends_days, None, "{odd}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
