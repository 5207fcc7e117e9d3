//! The log: connects, refreshes, calls, webhooks and changes in one list, and everything about one reference.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use keybearer_app::PageAsk;
use keybearer_app::connections::{self, ConnectionQuery};
use keybearer_app::journal::{self, Entry, Kind, Place};
use keybearer_core::{Code, Error, Result, Timestamp};
use serde::Deserialize;

use super::accounts::person;
use super::answer::{quoted, see_other};
use super::frame::{Frame, Section};
use super::guard::Visit;
use super::pictures::reason_word;
use super::when::{self, When};

/// Filters, and the page. They live in the address.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    connection: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    person: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    live: String,
    #[serde(default)]
    before: String,
}

/// D16.
#[derive(Template)]
#[template(path = "dashboard/logs.html")]
struct LogsView {
    frame: Frame,
    asked: Asked,
    kinds: Vec<(&'static str, bool)>,
    connections: Vec<(String, String, bool)>,
    more: bool,
    filters: Vec<String>,
    rows: Vec<Row>,
    next: String,
    live: Option<&'static str>,
    toggle: String,
    here: String,
}

/// One line.
struct Row {
    href: String,
    when: When,
    kind: &'static str,
    person: String,
    person_href: String,
    connection: String,
    connection_href: String,
    what: String,
    status: String,
    bad: bool,
    reason: String,
    ms: String,
    reference: String,
}

/// D17.
#[derive(Template)]
#[template(path = "dashboard/log.html")]
struct LogView {
    frame: Frame,
    reference: String,
    steps: Vec<Step>,
    curl: Option<String>,
    support: String,
}

/// One line in full.
struct Step {
    row: Row,
    facts: Vec<(&'static str, String)>,
    account: String,
    /// Our part and the provider's, of a hundred.
    parts: Option<(i64, i64, i64)>,
}

impl Asked {
    fn query(&self) -> journal::Query {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        journal::Query {
            kind: Kind::parse(&self.kind).filter(|kind| *kind != Kind::Event),
            connection: given(&self.connection),
            account: given(&self.account),
            person: given(&self.person),
            from: when::parse_field(&self.from),
            until: when::parse_field(&self.until),
            failed: match self.status.as_str() {
                "failed" => Some(true),
                "worked" => Some(false),
                _ => None,
            },
            text: given(&self.q),
        }
    }

    fn address(&self, live: bool, before: &str) -> String {
        let pairs = [
            ("q", self.q.as_str()),
            ("kind", &self.kind),
            ("status", &self.status),
            ("connection", &self.connection),
            ("account", &self.account),
            ("person", &self.person),
            ("from", &self.from),
            ("until", &self.until),
            ("live", if live { "1" } else { "" }),
            ("before", before),
        ];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        format!("/logs?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish())
    }

    /// Each filter in words, for the one who finds nothing.
    fn words(&self) -> Vec<String> {
        let query = self.query();
        let span = |word: &str, at: Option<Timestamp>| at.map(|at| format!("{word} {} UTC", when::field(at)));
        let words = [
            query.text.map(|text| format!("“{text}”")),
            query.kind.map(|kind| format!("kind {}", kind.as_str())),
            query.failed.map(|failed| if failed { "failed".to_owned() } else { "worked".to_owned() }),
            query.connection.map(|connection| format!("connection {connection}")),
            query.account.map(|account| format!("account {account}")),
            query.person.map(|person| format!("user {person}")),
            span("from", query.from),
            span("until", query.until),
        ];
        words.into_iter().flatten().collect()
    }
}

/// Whether a text can only be a reference or the id of a line.
fn is_reference(text: &str) -> bool {
    let spoken = text.len() == 9
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 => byte == b'-',
            _ => byte.is_ascii_alphanumeric(),
        });
    let ids = ["tcl_", "flow_", "evt_", "aud_"];
    spoken
        || ids.iter().any(|prefix| {
            text.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        })
}

/// `GET /logs`
pub(super) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = page(&visit, asked).await;
    visit.answer(page)
}

async fn page(visit: &Visit, asked: Asked) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    let wanted = asked.q.trim();
    if is_reference(wanted) && !journal::find(app, caller, wanted).await?.is_empty() {
        return Ok(see_other(&format!("/logs/{}", wanted.to_owned())));
    }
    let place = Place::parse(&asked.before);
    let lines = journal::list(app, caller, &asked.query(), place.as_ref(), 50).await?;
    let all = connections::list(app, caller, &ConnectionQuery::default(), &PageAsk::first(100)).await?.items;
    let live = asked.live == "1" && place.is_none();
    let kinds = [Kind::Connect, Kind::Refresh, Kind::Call, Kind::Webhook, Kind::Change];
    let frame = Frame { again_in: live.then_some(5), ..visit.frame(Section::Logs, "Logs") };
    let view = LogsView {
        frame: frame.command("keybearer logs"),
        kinds: kinds.map(|kind| (kind.as_str(), kind.as_str() == asked.kind)).into(),
        connections: all
            .iter()
            .map(|one| {
                let chosen = asked.connection == one.id.as_str() || asked.connection == one.name;
                (one.id.to_string(), one.name.clone(), chosen)
            })
            .collect(),
        more: [&asked.person, &asked.from, &asked.until, &asked.account].iter().any(|text| !text.is_empty()),
        filters: asked.words(),
        next: lines.next.map(|next| asked.address(false, &next.as_text())).unwrap_or_default(),
        rows: lines.items.iter().map(|entry| row(entry, app.now())).collect(),
        live: live.then_some("Live: looks again every 5 seconds"),
        toggle: asked.address(!live, ""),
        here: asked.address(live, ""),
        asked,
    };
    Ok(visit.page(&view))
}

/// `GET /logs/{reference}`
pub(super) async fn show(visit: Visit, Path(reference): Path<String>) -> Response {
    let page = async {
        let (app, caller) = (visit.app(), visit.caller());
        let found = journal::find(app, caller, &reference).await?;
        if found.is_empty() {
            let gone = "nothing in the log has this reference";
            return Err(Error::new(Code::NotFound, gone)
                .with_help("a reference has 8 characters, like 7K2M-94QX; older lines may be removed"));
        }
        let steps: Vec<Step> = found.iter().map(|entry| step(entry, app.now())).collect();
        let frame = visit.frame(Section::Logs, &format!("Log {reference}")).under("/logs", "Logs");
        let call = found.iter().find(|entry| entry.kind == Kind::Call);
        let view = LogView {
            frame: frame
                .under("", reference.clone())
                .command(format!("keybearer logs {}", quoted(&reference))),
            curl: call.map(|entry| curl(app.issuer(), entry)),
            support: support(&reference, &found),
            steps,
            reference,
        };
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

fn row(entry: &Entry, now: Timestamp) -> Row {
    let status = match entry.kind {
        Kind::Refresh => format!("try {}", entry.status.clone().unwrap_or_default()),
        Kind::Change => String::new(),
        _ => entry.status.clone().unwrap_or_else(|| "—".to_owned()),
    };
    let ms = match (entry.duration_ms, entry.provider_ms) {
        (Some(all), Some(theirs)) => format!("{} + {theirs} ms", (all - theirs).max(0)),
        (Some(all), None) => format!("{all} ms"),
        (None, _) => "—".to_owned(),
    };
    Row {
        href: format!("/logs/{}", entry.reference),
        when: When::new(entry.at, now),
        kind: entry.kind.as_str(),
        person_href: entry.person.as_deref().map(person::address).unwrap_or_default(),
        person: entry.person.clone().unwrap_or_default(),
        connection_href: entry
            .connection_id
            .as_ref()
            .map(|id| format!("/connections/{id}"))
            .unwrap_or_default(),
        connection: entry.connection.clone().unwrap_or_default(),
        what: match entry.kind {
            Kind::Call | Kind::Webhook => entry.what.clone(),
            _ => entry.what.replace(['_', '.'], " "),
        },
        status: status.replace('_', " "),
        bad: entry.failed,
        reason: entry.reason.as_deref().map(reason_word).unwrap_or_default(),
        ms,
        reference: entry.reference.clone(),
    }
}

fn step(entry: &Entry, now: Timestamp) -> Step {
    let mut facts = vec![("Began", entry.at.rfc3339())];
    facts.extend(entry.actor.clone().map(|actor| (actor_word(entry.kind), actor)));
    facts.extend(entry.reason.clone().map(|code| ("Code", code)));
    facts.extend(entry.words.clone().map(|words| ("Detail", words)));
    facts.extend(
        entry
            .next_at
            .map(|at| (if entry.kind == Kind::Connect { "Link ends" } else { "Next try" }, at.rfc3339())),
    );
    facts.extend(entry.further.clone().map(|text| (further_word(entry.kind), text)));
    if let Some(way) = entry.way {
        let times = [
            ("Opened", way.opened),
            ("Left for the provider", way.left),
            ("Came back", way.returned),
            ("Ended", way.finished),
        ];
        facts.extend(times.into_iter().filter_map(|(name, at)| Some((name, at?.rfc3339()))));
    }
    facts.push(("We did", did(entry)));
    let parts = entry.duration_ms.zip(entry.provider_ms).map(|(all, theirs)| {
        let (all, theirs) = (all.max(1), theirs.min(all.max(1)));
        ((all - theirs) * 300 / all, theirs * 300 / all, all)
    });
    Step { row: row(entry, now), facts, account: entry.account_id.clone().unwrap_or_default(), parts }
}

fn did(entry: &Entry) -> String {
    match (entry.kind, entry.what.as_str(), entry.failed) {
        (Kind::Refresh, "expired", _) => "Moved the account to “Needs sign-in” and told webhooks.".to_owned(),
        (Kind::Refresh, _, true) => "Left the account as it is; it is tried again.".to_owned(),
        (Kind::Refresh, ..) => "Stored the new tokens.".to_owned(),
        (Kind::Call, _, true) => "Gave the answer to the caller; the account was left as it is.".to_owned(),
        (Kind::Call, ..) => "Gave the answer to the caller.".to_owned(),
        (Kind::Connect, _, true) => {
            "Kept the link open for another try, as long as its time lasts.".to_owned()
        }
        (Kind::Webhook, ..) => "Sent the signed event; failures are repeated for up to 72 hours.".to_owned(),
        _ => "Noted it.".to_owned(),
    }
}

const fn actor_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Call => "Came in by",
        Kind::Webhook => "Endpoint",
        _ => "By",
    }
}

const fn further_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Call => "Agent run",
        Kind::Webhook => "Tries",
        Kind::Connect => "Note",
        _ => "Grant no.",
    }
}

/// The call again, without credentials. Query, headers and body were never stored.
fn curl(issuer: &str, entry: &Entry) -> String {
    let (method, path) = entry.what.split_once(' ').unwrap_or(("GET", "/"));
    let connection = format!("Keybearer-Connection: {}", entry.connection.clone().unwrap_or_default());
    let user = format!("Keybearer-User: {}", entry.person.clone().unwrap_or_default());
    format!(
        "curl -X {} {} \\\n  -H \"Authorization: Bearer $KEYBEARER_TOKEN\" \\\n  -H {} \\\n  -H {}",
        quoted(method),
        quoted(&format!("{issuer}/proxy{path}")),
        quoted(&connection),
        quoted(&user)
    )
}

/// What support needs, without anything about a person: no user, no identity, no path.
fn support(reference: &str, found: &[Entry]) -> String {
    let mut lines = vec![format!("Reference {reference}, Keybearer {}", env!("CARGO_PKG_VERSION"))];
    lines.extend(found.iter().map(|entry| {
        let what = match entry.kind {
            Kind::Call => entry.what.split(' ').next().unwrap_or_default().to_owned(),
            _ => entry.what.clone(),
        };
        let part = |name: &str, value: Option<String>| {
            value.map(|value| format!(" {name}={value}")).unwrap_or_default()
        };
        let status = entry.status.clone().filter(|_| entry.kind != Kind::Change);
        format!(
            "{} {} {what}{}{}{}{}",
            entry.at.rfc3339(),
            entry.kind.as_str(),
            part("status", status),
            part("reason", entry.reason.clone()),
            part("ms", entry.duration_ms.map(|ms| ms.to_string())),
            part("provider_ms", entry.provider_ms.map(|ms| ms.to_string())),
        )
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_told_from_other_words() {
        for reference in ["7K2M-94QX", "7k2m-94qx", "flow_123", "evt_9", "tcl_1", "aud_77"] {
            assert!(is_reference(reference), "{reference}");
        }
        for other in ["", "ada", "GET /user", "flow_x", "7K2M94QX", "12345-789", "evt_1'--", "../x"] {
            assert!(!is_reference(other), "{other}");
        }
    }
}
