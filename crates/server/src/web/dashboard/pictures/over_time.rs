//! Pictures over time: refreshes, calls, latency, accounts by state, what ends when.

use std::collections::BTreeMap;

use keybearer_app::connections::Connection;
use keybearer_app::figures::{self, Percentiles, Scope, Series, Went};
use keybearer_core::{Result, Timestamp};

use super::chart::{Chart, HALF, Health, Panel, Slot, WIDTH, Words, bars, lines, strip};
use super::{about, csv, logs};
use crate::web::dashboard::guard::Visit;
use crate::web::dashboard::when::{self, day};

const REFRESHES: [(&str, &str); 3] = [("c1", "First try"), ("cw", "After retry"), ("cb", "Failed")];
const CALLS: [(&str, &str); 2] = [("c1", "Worked"), ("cb", "Failed")];
const PERCENTILES: [(&str, &str); 3] = [("c1", "p50"), ("c2", "p95"), ("c3", "p99")];
const STATES: [(&str, &str); 4] =
    [("c1", "Active"), ("cb", "Needs sign-in"), ("c2", "Waiting"), ("c6", "Disconnected")];
const STATE_WORDS: [&str; 4] = ["active", "needs_sign_in", "waiting", "disconnected"];
/// How many connections have a picture of their own.
const MOST_PANELS: usize = 8;

/// Picture 1.
pub(super) async fn refreshes(visit: &Visit, scope: &Scope) -> Result<Chart> {
    let series = figures::refresh_health(visit.app(), visit.caller(), scope).await?;
    let values = |one: &figures::Refreshes| vec![one.first, one.retried, one.failed];
    let sum = |pick: fn(&figures::Refreshes) -> i64| -> i64 {
        series.slots.iter().filter_map(|(_, value)| value.as_ref().map(pick)).sum()
    };
    let (first, retried, failed) = (sum(|one| one.first), sum(|one| one.retried), sum(|one| one.failed));
    let slots = slots(&series, &REFRESHES, values, |from, until| logs(scope, "refresh", from, until));
    let empty = first + retried + failed == 0;
    Ok(Chart {
        nothing: empty.then(|| {
            "No refresh yet. Each time a token is exchanged for a new one, it is counted here: the first one follows some minutes before a token ends.".to_owned()
        }),
        ..timed(
            ("refresh", "Refresh health"),
            format!("{first} worked at first try, {retried} after a retry, {failed} failed, in {}.", about(scope)),
            &REFRESHES,
            &series,
            (slots, scope),
        )
    })
}

/// Picture 2: one strip for each connection, the worst first.
pub(super) async fn strips(visit: &Visit, scope: &Scope, all: &[Connection]) -> Result<Chart> {
    let mut found = figures::strips(visit.app(), visit.caller(), scope).await?;
    found.sort_by_key(|(_, series)| std::cmp::Reverse(share(series)));
    let says = format!("Calls and refreshes of each connection, in {}. Lower means worse.", about(scope));
    let mut panels = Vec::new();
    let mut table = Vec::new();
    for (number, (id, series)) in found.iter().take(MOST_PANELS).enumerate() {
        let Some(connection) = all.iter().find(|one| one.id == *id) else { continue };
        let (total, failed) = totals(series);
        let own = Scope { connection: Some(id.to_string()), ..scope.clone() };
        let words = Words {
            id: &format!("strip{number}"),
            title: &format!("{}, {}", connection.name, about(scope)),
            says: &format!("{failed} of {total} failed"),
            ends: ("", ""),
            width: WIDTH,
        };
        let svg = strip(&words, &pieces(series, &own));
        let caption = format!("{} · {}", connection.name, worked(total, failed));
        panels.push(Panel { caption: Some((caption, format!("/connections/{id}"))), svg });
        table.push(vec![
            connection.name.clone(),
            total.to_string(),
            failed.to_string(),
            worked(total, failed),
        ]);
    }
    Ok(Chart {
        id: "strips",
        title: "Connections".to_owned(),
        says,
        nothing: panels.is_empty().then(|| {
            "Nothing has happened yet. Every call and every refresh shows here, connection by connection."
                .to_owned()
        }),
        legend: &[("c1", "All worked"), ("cw", "Some failed"), ("cb", "More than 5 % failed")],
        panels,
        heads: heads(&["Connection", "Calls and refreshes", "Failed", "Worked"]),
        table,
        csv: csv("strips", scope),
    })
}

/// The strip of one connection, for a list.
pub(super) fn strip_of(series: &Series<Went>, id: &str, name: &str, number: usize) -> (String, String) {
    let scope = Scope { span: figures::Span::Week, connection: Some(id.to_owned()) };
    let (total, failed) = totals(series);
    let words = Words {
        id: &format!("line{number}"),
        title: &format!("{name}, 7 days"),
        says: &format!("{failed} of {total} failed"),
        ends: ("", ""),
        width: WIDTH,
    };
    (strip(&words, &pieces(series, &scope)), worked(total, failed))
}

/// Picture 3: calls of each connector, failed ones marked.
pub(super) async fn calls(visit: &Visit, scope: &Scope, all: &[Connection]) -> Result<Chart> {
    let found = figures::calls(visit.app(), visit.caller(), scope).await?;
    let mut by_connector: BTreeMap<String, Series<Went>> = BTreeMap::new();
    for (id, series) in found {
        let connector = all.iter().find(|one| one.id == id);
        let name = connector.map_or_else(|| "deleted".to_owned(), |one| one.connector_display_name.clone());
        match by_connector.get_mut(&name) {
            Some(sum) => add(sum, &series),
            None => drop(by_connector.insert(name, series)),
        }
    }
    let (mut panels, mut table) = (Vec::new(), Vec::new());
    for (number, (name, series)) in by_connector.iter().enumerate() {
        let (total, failed) = totals(series);
        table.push(vec![name.clone(), total.to_string(), failed.to_string()]);
        if number < MOST_PANELS {
            let values = |went: &Went| vec![went.total - went.failed, went.failed];
            let slots = slots(series, &CALLS, values, |from, until| logs(scope, "call", from, until));
            let (first, last) = ends(series);
            let words = Words {
                id: &format!("calls{number}"),
                title: name,
                says: &format!("{failed} of {total} calls failed"),
                ends: (&first, &last),
                width: HALF,
            };
            let svg = bars(&words, &CALLS, &slots);
            panels.push(Panel { caption: Some((format!("{name} · {total}"), String::new())), svg });
        }
    }
    Ok(Chart {
        id: "calls",
        title: "Calls by connector".to_owned(),
        says: format!("Calls through the proxy, in {}.", about(scope)),
        nothing: panels
            .is_empty()
            .then(|| "No call yet. A call through the proxy shows here at once.".to_owned()),
        legend: &CALLS,
        panels,
        heads: heads(&["Connector", "Calls", "Failed"]),
        table,
        csv: csv("calls", scope),
    })
}

/// Picture 4: our part and the provider's, apart.
pub(super) async fn latency(visit: &Visit, scope: &Scope) -> Result<Chart> {
    let series = figures::latency(visit.app(), visit.caller(), scope).await?;
    let (first, last) = ends(&series);
    let panel = |(number, name): (usize, &str), pick: fn(&figures::Latency) -> Percentiles| {
        let values = |one: &figures::Latency| {
            let part = pick(one);
            vec![part.p50, part.p95, part.p99]
        };
        let slots = slots(&series, &PERCENTILES, values, |from, until| logs(scope, "call", from, until));
        let words = Words {
            id: &format!("latency{number}"),
            title: name,
            says: "Milliseconds; a gap where nothing was called",
            ends: (&first, &last),
            width: HALF,
        };
        Panel { caption: Some((name.to_owned(), String::new())), svg: lines(&words, &PERCENTILES, &slots) }
    };
    let row = |(at, value): &(Timestamp, Option<figures::Latency>)| {
        let numbers = value.map_or_else(
            || vec!["—".to_owned(); 7],
            |one| {
                let parts = [
                    one.ours.p50,
                    one.ours.p95,
                    one.ours.p99,
                    one.provider.p50,
                    one.provider.p95,
                    one.provider.p99,
                ];
                parts.iter().chain([&one.calls]).map(ToString::to_string).collect()
            },
        );
        std::iter::once(when::slot(*at, series.width)).chain(numbers).collect()
    };
    let names = [
        "Time (UTC)",
        "Ours p50",
        "Ours p95",
        "Ours p99",
        "Provider p50",
        "Provider p95",
        "Provider p99",
        "Calls",
    ];
    Ok(Chart {
        id: "latency",
        title: "How long calls took, in ms".to_owned(),
        says: format!("Ours and the provider's part apart, of the newest 20,000 calls in {}. A gap is a time without a call.", about(scope)),
        nothing: series.slots.iter().all(|(_, value)| value.is_none()).then(|| {
            "No call whose parts were measured yet. Calls from now on show how much of their time was the provider's.".to_owned()
        }),
        legend: &PERCENTILES,
        panels: vec![panel((0, "Ours"), |one| one.ours), panel((1, "The provider's"), |one| one.provider)],
        heads: heads(&names),
        table: series.slots.iter().map(row).collect(),
        csv: csv("latency", scope),
    })
}

/// Picture 5.
pub(super) async fn accounts(visit: &Visit, scope: &Scope) -> Result<Chart> {
    let series = figures::census(visit.app(), visit.caller(), scope).await?;
    let values = |day: &BTreeMap<&'static str, i64>| {
        STATE_WORDS.iter().map(|word| day.get(word).copied().unwrap_or_default()).collect()
    };
    let of = scope.connection.as_deref().unwrap_or_default();
    let slots = slots(&series, &STATES, values, |_, _| format!("/accounts?connection={of}"));
    let counted = series.slots.iter().filter(|(_, value)| value.is_some()).count();
    Ok(Chart {
        nothing: (counted == 0).then(|| {
            "Not counted yet. Accounts are counted every few minutes, and the last count of a day stays."
                .to_owned()
        }),
        ..timed(
            ("accounts", "Accounts by state"),
            format!("As counted at the end of each of {counted} days (UTC)."),
            &STATES,
            &series,
            (slots, scope),
        )
    })
}

/// Picture 7, the part that accounts have.
pub(super) async fn ends_when(visit: &Visit, scope: &Scope) -> Result<Chart> {
    const PARTS: [(&str, &str); 1] = [("cw", "Refresh tokens that end")];
    let series = figures::ends(visit.app(), visit.caller(), scope).await?;
    let total: i64 = series.slots.iter().filter_map(|(_, value)| *value).sum();
    let now = visit.app().now();
    let days = |until: Timestamp| until.since(now).as_secs() / 86_400 + 1;
    let of = scope.connection.as_deref().unwrap_or_default();
    let slots = slots(
        &series,
        &PARTS,
        |number| vec![*number],
        |_, until| format!("/accounts?state=ACTIVE&ends={}&connection={of}", days(until)),
    );
    Ok(Chart {
        nothing: (total == 0).then(|| {
            "No refresh token with a known end ends in the next 13 weeks. Many providers name none."
                .to_owned()
        }),
        ..timed(
            ("ends", "What ends when"),
            format!("{total} refresh tokens end in the next 13 weeks, by week."),
            &PARTS,
            &series,
            (slots, scope),
        )
    })
}

/// A picture of one panel over time, with its table.
fn timed<T>(
    (id, title): (&'static str, &str),
    says: String,
    parts: &'static [(&'static str, &'static str)],
    series: &Series<T>,
    (slots, scope): (Vec<Slot>, &Scope),
) -> Chart {
    let (first, last) = ends(series);
    let words = Words { id, title, says: &says, ends: (&first, &last), width: WIDTH };
    let svg = bars(&words, parts, &slots);
    let row = |((at, _), slot): (&(Timestamp, Option<T>), &Slot)| {
        let numbers = slot.values.as_ref().map_or_else(
            || vec!["—".to_owned(); parts.len()],
            |values| values.iter().map(ToString::to_string).collect(),
        );
        std::iter::once(when::slot(*at, series.width)).chain(numbers).collect()
    };
    let table = series.slots.iter().zip(&slots).map(row).collect();
    let names = parts.iter().map(|(_, name)| (*name).to_owned());
    Chart {
        id,
        title: title.to_owned(),
        nothing: None,
        legend: parts,
        panels: vec![Panel { caption: None, svg }],
        heads: std::iter::once("Time (UTC)".to_owned()).chain(names).collect(),
        table,
        csv: csv(id, scope),
        says,
    }
}

/// Each slot with its name, its values and where it leads.
fn slots<T>(
    series: &Series<T>,
    parts: &[(&str, &str)],
    values: impl Fn(&T) -> Vec<i64>,
    href: impl Fn(Timestamp, Timestamp) -> String,
) -> Vec<Slot> {
    let slot = |(at, value): &(Timestamp, Option<T>)| {
        let values = value.as_ref().map(&values);
        let told = values.as_ref().map_or_else(
            || "not known".to_owned(),
            |values| {
                let pairs = values
                    .iter()
                    .zip(parts)
                    .map(|(value, (_, name))| format!("{value} {}", name.to_lowercase()));
                pairs.collect::<Vec<_>>().join(", ")
            },
        );
        let until = Timestamp::from_micros(at.micros() + series.width);
        Slot { name: format!("{}: {told}", when::slot(*at, series.width)), href: href(*at, until), values }
    };
    series.slots.iter().map(slot).collect()
}

fn pieces(series: &Series<Went>, scope: &Scope) -> Vec<(Health, String, String)> {
    let piece = |(at, went): &(Timestamp, Option<Went>)| {
        let until = Timestamp::from_micros(at.micros() + series.width);
        let (health, told) = match went {
            None => (Health::Unknown, "not known".to_owned()),
            Some(Went { total: 0, .. }) => (Health::Quiet, "nothing happened".to_owned()),
            Some(Went { total, failed: 0 }) => (Health::Well, format!("{total}, all worked")),
            Some(Went { total, failed }) if failed * 20 <= *total => {
                (Health::Troubled, format!("{failed} of {total} failed"))
            }
            Some(Went { total, failed }) => (Health::Bad, format!("{failed} of {total} failed")),
        };
        (health, format!("{}: {told}", when::slot(*at, series.width)), logs(scope, "", *at, until))
    };
    series.slots.iter().map(piece).collect()
}

fn totals(series: &Series<Went>) -> (i64, i64) {
    let known = || series.slots.iter().filter_map(|(_, went)| *went);
    (known().map(|went| went.total).sum(), known().map(|went| went.failed).sum())
}

/// Failed ones of ten thousand.
fn share(series: &Series<Went>) -> i64 {
    let (total, failed) = totals(series);
    failed * 10_000 / total.max(1)
}

/// `99.8 % worked`; never rounded up to a hundred.
fn worked(total: i64, failed: i64) -> String {
    if total == 0 {
        return "nothing yet".to_owned();
    }
    let tenths = (total - failed) * 1000 / total;
    format!("{}.{} % worked", tenths / 10, tenths % 10)
}

fn add(sum: &mut Series<Went>, other: &Series<Went>) {
    for ((_, own), (_, more)) in sum.slots.iter_mut().zip(&other.slots) {
        if let (Some(own), Some(more)) = (own.as_mut(), more) {
            own.total += more.total;
            own.failed += more.failed;
        }
    }
}

fn ends<T>(series: &Series<T>) -> (String, String) {
    let at = |slot: Option<&(Timestamp, Option<T>)>| slot.map(|(at, _)| day(*at)).unwrap_or_default();
    (at(series.slots.first()), format!("{} (UTC)", at(series.slots.last())))
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::worked;

    #[test]
    fn one_failure_in_many_is_not_a_hundred_percent() {
        assert_eq!(worked(100_000, 1), "99.9 % worked");
        assert_eq!(worked(7, 0), "100.0 % worked");
        assert_eq!(worked(0, 0), "nothing yet");
    }
}
