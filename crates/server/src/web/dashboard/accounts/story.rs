//! The story of an account in sentences: one for each thing that happened, the newest first.

use keybearer_app::journal::{Entry, Kind, Way};
use keybearer_core::{AccountStatus, Timestamp};
use serde_json::Value;

use super::badge;
use crate::web::dashboard::pictures::reason_word;
use crate::web::dashboard::when::When;

/// Something that happened.
pub(super) struct Moment {
    at: Timestamp,
    pub when: When,
    /// Part of the filter: connect, refresh, call, change, state.
    pub kind: &'static str,
    /// ok, bad, info or nothing.
    pub look: &'static str,
    pub icon: &'static str,
    pub says: String,
    /// One click down: what is known beyond the sentence.
    pub more: Vec<(&'static str, String)>,
    pub ms: Option<i64>,
    pub reference: String,
}

/// What the lines of the log tell, the newest first.
pub(super) fn moments(entries: Vec<Entry>, now: Timestamp) -> Vec<Moment> {
    let mut all: Vec<Moment> = entries.into_iter().flat_map(|entry| told(entry, now)).collect();
    all.sort_by_key(|moment| std::cmp::Reverse(moment.at));
    all
}

fn told(entry: Entry, now: Timestamp) -> Vec<Moment> {
    match entry.kind {
        Kind::Connect => connect(&entry, now),
        Kind::Refresh => vec![refresh(&entry, now)],
        Kind::Call => vec![call(&entry, now)],
        Kind::Change => change(&entry, now).into_iter().collect(),
        Kind::Event => event(&entry, now).into_iter().collect(),
        Kind::Webhook => Vec::new(),
    }
}

fn moment(entry: &Entry, at: Timestamp, now: Timestamp, kind: &'static str) -> Moment {
    Moment {
        at,
        when: When::new(at, now),
        kind,
        look: "",
        icon: "dot",
        says: String::new(),
        more: Vec::new(),
        ms: entry.duration_ms,
        reference: entry.reference.clone(),
    }
}

fn connect(entry: &Entry, now: Timestamp) -> Vec<Moment> {
    let way = entry.way.unwrap_or_default();
    let Way { opened, left, returned, finished, trouble } = way;
    let plain =
        |at: Timestamp, says: &str| Moment { says: says.to_owned(), ..moment(entry, at, now, "connect") };
    let made = if entry.what == "test" { "Test link made" } else { "Link made" };
    let note = entry.further.iter().map(|note| ("Note", note.clone()));
    let mut all = vec![Moment { more: note.collect(), ..plain(entry.at, made) }];
    all.extend(opened.map(|at| plain(at, "Link opened")));
    // what a later step proves has the later step's time: saying it twice tells nothing
    all.extend(left.filter(|at| returned != Some(*at)).map(|at| plain(at, "Left for the provider")));
    all.extend(returned.map(|at| plain(at, "Came back from the provider")));
    let reason = entry.reason.as_deref().map(reason_word);
    all.extend(trouble.zip(reason.clone()).map(|(at, reason)| Moment {
        look: "bad",
        icon: "x",
        more: vec![("Code", entry.reason.clone().unwrap_or_default())],
        ..plain(at, &format!("The connect page showed a problem: {}", reason.to_lowercase()))
    }));
    let done = entry.status.as_deref() == Some("done");
    all.extend(finished.map(|at| match done {
        true => Moment { look: "ok", icon: "check", ..plain(at, "Connected: code exchanged, grant stored") },
        false => plain(at, "The link ended"),
    }));
    all
}

fn refresh(entry: &Entry, now: Timestamp) -> Moment {
    let plain = moment(entry, entry.at, now, "refresh");
    let number: i64 = entry.further.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default();
    let tries = entry.status.clone().unwrap_or_default();
    let mut more = vec![("Outcome", entry.what.replace('_', " ")), ("Try", tries.clone())];
    if !entry.failed {
        let says = format!("Refreshed, grant no. {}", number + 1);
        return Moment { look: "ok", icon: "check", says, more, ..plain };
    }
    let reason = entry.reason.as_deref().map(reason_word).unwrap_or_default();
    let next = match (entry.what.as_str(), entry.next_at) {
        ("expired", _) | (_, None) => String::new(),
        (_, Some(at)) => format!(", tried again {}", When::new(at, now).words),
    };
    more.extend(entry.reason.clone().map(|code| ("Code", code)));
    more.push((
        "Words of the provider",
        "not kept: answers can hold secrets; the code is our reading of it".to_owned(),
    ));
    let says = format!("Refresh failed (try {tries}{next}): {}", reason.to_lowercase());
    Moment { look: "bad", icon: "x", says, more, ..plain }
}

fn call(entry: &Entry, now: Timestamp) -> Moment {
    let status = entry.status.clone().unwrap_or_else(|| "no answer".to_owned());
    let mut more = Vec::new();
    more.extend(entry.reason.clone().map(|code| ("Code", code)));
    more.extend(entry.words.clone().map(|words| ("In more words", words)));
    more.extend(entry.further.clone().map(|run| ("Agent run", run)));
    if let (Some(all), Some(theirs)) = (entry.duration_ms, entry.provider_ms) {
        more.push(("Ours", format!("{} ms", (all - theirs).max(0))));
        more.push(("The provider's", format!("{theirs} ms")));
    }
    Moment {
        look: if entry.failed { "bad" } else { "" },
        icon: if entry.failed { "x" } else { "dot" },
        says: format!("Call {} {status}", entry.what),
        more,
        ..moment(entry, entry.at, now, "call")
    }
}

/// What somebody did to it. What a link or an event tells already is left out.
fn change(entry: &Entry, now: Timestamp) -> Option<Moment> {
    let says = match entry.what.as_str() {
        "link.created" | "account.connected" => return None,
        "account.disconnected" => "Disconnected".to_owned(),
        "account.revocation" => {
            let detail: Value = serde_json::from_str(entry.words.as_deref()?).ok()?;
            let outcome = detail.get("outcome").and_then(Value::as_str).unwrap_or("unknown");
            format!("Revocation at the provider: {}", outcome.replace('_', " "))
        }
        "account.credentials_read" => "Its credentials were read".to_owned(),
        other => other.replace(['.', '_'], " "),
    };
    let who = entry.actor.clone().unwrap_or_default();
    Some(Moment { says, more: vec![("By", who)], ..moment(entry, entry.at, now, "change") })
}

/// The states it went through.
fn event(entry: &Entry, now: Timestamp) -> Option<Moment> {
    let plain = moment(entry, entry.at, now, "state");
    let payload: Value = serde_json::from_str(entry.words.as_deref().unwrap_or("{}")).unwrap_or_default();
    let status = |name: &str| payload.get(name).and_then(Value::as_str).and_then(AccountStatus::parse);
    match entry.what.as_str() {
        "connected_account.created" => Some(Moment { says: "Account made".to_owned(), ..plain }),
        "connected_account.status_updated" => {
            let new = badge(status("status")?);
            let before = status("old_status").map(|old| format!(" (before: {})", badge(old).word));
            let says = format!("Now: {}{}", new.word, before.unwrap_or_default());
            Some(Moment { look: new.look, icon: new.icon, says, ..plain })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind, what: &str) -> Entry {
        Entry {
            kind,
            at: Timestamp::from_seconds(1000),
            id: "x".to_owned(),
            reference: "R".to_owned(),
            actor: None,
            what: what.to_owned(),
            status: Some("2".to_owned()),
            reason: Some("provider_unavailable".to_owned()),
            words: None,
            failed: true,
            duration_ms: Some(7),
            provider_ms: None,
            next_at: Some(Timestamp::from_seconds(2060)),
            further: Some("3".to_owned()),
            person: None,
            connection: None,
            account_id: None,
            connection_id: None,
            way: None,
        }
    }

    #[test]
    fn a_failed_refresh_says_which_try_and_when_the_next_one_is() {
        let found = moments(vec![entry(Kind::Refresh, "transient")], Timestamp::from_seconds(2000));
        assert!(
            found[0].says.starts_with("Refresh failed (try 2, tried again in 1 minute):"),
            "{}",
            found[0].says
        );
    }

    #[test]
    fn a_link_tells_each_step_that_was_noted_once() {
        let at = |seconds| Some(Timestamp::from_seconds(seconds));
        let way =
            Way { opened: at(1001), left: at(1005), returned: at(1005), finished: at(1006), trouble: None };
        let link = Entry {
            way: Some(way),
            status: Some("done".to_owned()),
            reason: None,
            ..entry(Kind::Connect, "connect")
        };
        let says: Vec<String> = moments(vec![link], Timestamp::from_seconds(2000))
            .into_iter()
            .map(|moment| moment.says)
            .collect();
        let expected = [
            "Connected: code exchanged, grant stored",
            "Came back from the provider",
            "Link opened",
            "Link made",
        ];
        assert_eq!(says, expected);
    }
}
