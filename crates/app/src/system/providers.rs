//! Whether the providers in use can be reached, and what their clocks say.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use keybearer_connectors::engine::{Context, servers};
use keybearer_core::{ConnectionState, Result};
use keybearer_egress::{Cause, EgressError, Limits};
use keybearer_store::{ConnectionFilter, ConnectionRow, PageRequest, Position};
use tokio::time::Instant;
use url::Url;

use super::Check;
use crate::access::Caller;
use crate::grant;
use crate::state::App;
use crate::tokens::LoadedConnection;

/// How many servers are asked at most.
const MOST: usize = 12;
/// How many connections are looked at for them.
const CONNECTIONS: i64 = 100;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// A clock further away than this breaks signatures and expiries.
const SKEW: i64 = 60;

/// What one server answered.
struct Asked {
    check: Check,
    /// Its clock minus ours, in seconds.
    skew: Option<i64>,
}

/// One line for each server in use, one about clocks, and the names in them.
pub(super) async fn all(app: &App, caller: &Caller) -> (Vec<Check>, Vec<String>) {
    let (urls, names) = match in_use(app, caller).await {
        Ok(found) => found,
        Err(error) => return (vec![Check::failed("Providers", &error)], Vec::new()),
    };
    let more = urls.len().saturating_sub(MOST);
    let mut asking = tokio::task::JoinSet::new();
    for (place, url) in urls.into_iter().take(MOST).enumerate() {
        let app = app.clone();
        asking.spawn(async move { (place, ask(&app, &url).await) });
    }
    let mut asked = Vec::new();
    while let Some(one) = asking.join_next().await {
        asked.extend(one.ok());
    }
    asked.sort_by_key(|(place, _)| *place);
    let skews: Vec<i64> = asked.iter().filter_map(|(_, asked)| asked.skew).collect();
    let mut checks: Vec<Check> = asked.into_iter().map(|(_, asked)| asked.check).collect();
    if checks.is_empty() {
        checks.push(Check::good("Providers", "No active connection has a server of its own to ask."));
    }
    if more > 0 {
        checks.push(Check::good("Providers", format!("{more} further servers in use were not asked.")));
    }
    checks.extend(clocks(skews));
    (checks, names)
}

/// The servers of the environment's active connections, and every name that says whose they are.
async fn in_use(app: &App, caller: &Caller) -> Result<(Vec<Url>, Vec<String>)> {
    let request = PageRequest { position: Position::Start, limit: CONNECTIONS };
    let filter = ConnectionFilter { state: Some(ConnectionState::Active), ..ConnectionFilter::default() };
    let page = app.db().list_connections(&caller.environment, &filter, &request).await?;
    let (mut urls, mut names): (Vec<Url>, Vec<String>) = (Vec::new(), Vec::new());
    for row in page.rows {
        names.push(row.name.clone());
        for url in of(app, row).await.unwrap_or_default() {
            if !urls.contains(&url) {
                names.extend(url.host_str().map(str::to_owned));
                urls.push(url);
            }
        }
    }
    Ok((urls, names))
}

async fn of(app: &App, row: ConnectionRow) -> Result<Vec<Url>> {
    let loaded = LoadedConnection::of(app, row).await?;
    // the fields alone: no secret decides about a host
    let bindings = grant::connection_bindings(app, &loaded.connector, &loaded.row, None)?;
    let context = Context {
        connector: &loaded.connector,
        method: loaded.method()?,
        bindings: &bindings,
        now: app.now(),
        entropy: app.entropy(),
    };
    Ok(servers(&context))
}

/// Whatever it answers: it is there.
async fn ask(app: &App, url: &Url) -> Asked {
    let host = url.host_str().unwrap_or_default();
    let topic = "Provider".to_owned();
    let Ok(request) = Request::head(url.as_str()).header(header::USER_AGENT, "keybearer").body(Bytes::new())
    else {
        return Asked { check: Check::odd(topic, format!("{host} cannot be asked."), ""), skew: None };
    };
    let begun = Instant::now();
    let limits = Limits { timeout: PATIENCE, max_body: 64 << 10 };
    match app.egress().send(request, limits).await {
        Ok(response) => {
            let ms = begun.elapsed().as_millis();
            let secure = if url.scheme() == "https" { ", TLS is good" } else { "" };
            let told = response.headers().get(header::DATE).and_then(|value| value.to_str().ok());
            let skew = told.and_then(date).map(|there| there.saturating_sub(app.now().seconds()));
            Asked { check: Check::good(topic, format!("{host} answers in {ms} ms{secure}.")), skew }
        }
        Err(error) => Asked { check: unreachable(topic, host, &error), skew: None },
    }
}

fn unreachable(topic: String, host: &str, error: &EgressError) -> Check {
    let (says, fix) = match error.cause() {
        Some(Cause::Dns) => ("has no address here", "Check the name and the DNS server of this machine."),
        Some(Cause::Connect) => {
            ("refuses connections", "Check the firewall: this machine must reach it on its port.")
        }
        Some(Cause::Tls) => (
            "has no certificate that this machine trusts",
            "If a proxy of yours stands between, name its root in egress.extra_roots_file.",
        ),
        Some(Cause::Timeout) => {
            ("did not answer within 3 s", "Check the firewall; or the provider is down, see its status page.")
        }
        Some(Cause::Closed | Cause::Protocol) => (
            "does not speak HTTP to the end",
            "See whether something between here and there cuts connections.",
        ),
        None => {
            ("may not be contacted by the address filter", "If the address is meant, add it to egress.allow.")
        }
    };
    Check::bad(topic, format!("{host} {says}."), fix)
}

/// The middle one of all clocks: one provider that is wrong does not make ours wrong.
fn clocks(mut skews: Vec<i64>) -> Option<Check> {
    skews.sort_unstable();
    let middle = *skews.get(skews.len() / 2)?;
    let says = format!("This machine's clock is {} s from those of {} servers.", -middle, skews.len());
    Some(match middle.abs() {
        0..=SKEW => Check::good("World time", says),
        _ => Check::bad("World time", says, "Switch on time synchronisation: providers refuse wrong times."),
    })
}

fn date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::State;

    #[test]
    fn one_clock_that_is_wrong_does_not_outvote_the_others() {
        assert_eq!(clocks(vec![1, 0, 90_000]).unwrap().state, State::Good);
        let wrong = clocks(vec![-120, -121, 0]).unwrap();
        assert_eq!(
            (wrong.state, wrong.says.as_str()),
            (State::Bad, "This machine's clock is 120 s from those of 3 servers.")
        );
        assert_eq!(clocks(Vec::new()), None);
    }

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(date("Tue, 15 Nov 1994 12:45:26 GMT"), Some(784_903_526));
        assert_eq!(date("yesterday"), None);
    }
}
