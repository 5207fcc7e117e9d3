//! Looking at the provider before anybody goes there: does it answer, does it know the client, does it take the redirect
//! URI. The page is only read, as any visitor of it could; nobody is signed in.

use std::time::Duration;

use bytes::Bytes;
use http::header::LOCATION;
use keybearer_core::Result;
use keybearer_core::ids::FlowId;
use keybearer_egress::{EgressError, Limits};
use url::Url;

use super::cause::Cause;
use super::{NoteOutcome, Seen, TrialStep, note, probe};
use crate::flows::begin;
use crate::flows::open::{self, OpenFlow};
use crate::state::App;
use crate::{connections, words};

const PATIENCE: Duration = Duration::from_secs(8);
const PAGE: u64 = 1 << 20;
/// The state of this look is bound to a browser that does not exist.
const NOBODY: &str = "preflight";
/// Parameters in which pages of providers name an error.
const ERRORS: &[&str] = &["error", "error_code", "error_description", "error_message", "err", "message"];

/// Looks, and notes what it saw.
pub(super) async fn look(app: &App, flow: &FlowId) {
    if let Err(error) = all(app, flow).await {
        tracing::info!(code = %error.code, flow.id = %flow, "the provider could not be looked at before the test");
    }
}

async fn all(app: &App, flow: &FlowId) -> Result<()> {
    let row = app.db().find_flow(flow).await?;
    let Some(row) = row else { return Ok(()) };
    let open = open::complete(app, row).await.map_err(|trouble| trouble.error)?;
    if !open.connection.method()?.has_redirect() {
        return Ok(());
    }
    probe::note_client(app, &open).await;
    // what a user gives first may decide the address: then there is nothing to look at yet
    let url = begin::provider_url(app, &open, NOBODY).await?;
    reach(app, &open, &url).await;
    Ok(())
}

async fn reach(app: &App, open: &OpenFlow, url: &Url) {
    let flow = &open.flow.id;
    let begun = tokio::time::Instant::now();
    let timings = match app.egress().time(url).await {
        Ok(timings) => timings,
        Err(error) => {
            let seen = Seen { code: Some(part(&error).to_owned()), ..Seen::default() };
            return note(app, flow, TrialStep::Reach, NoteOutcome::Failed, Some(begun.elapsed()), &seen)
                .await;
        }
    };
    let connected = Seen {
        dns_ms: Some(milliseconds(timings.dns)),
        tls_ms: timings.tls.map(milliseconds),
        ..Seen::default()
    };
    let begun = tokio::time::Instant::now();
    match fetch(app, url).await {
        Ok(response) => {
            let (outcome, seen) = judge(app, open, &response, connected);
            note(app, flow, TrialStep::Reach, outcome, Some(begun.elapsed()), &seen).await;
            if let Some(seen) = refusal(app, open, &response) {
                note(app, flow, TrialStep::Approve, NoteOutcome::Failed, None, &seen).await;
            }
        }
        Err(error) => {
            let seen = Seen { code: Some(part(&error).to_owned()), ..connected };
            note(app, flow, TrialStep::Reach, NoteOutcome::Failed, Some(begun.elapsed()), &seen).await;
        }
    }
}

async fn fetch(app: &App, url: &Url) -> Result<http::Response<Bytes>, EgressError> {
    let request = http::Request::get(url.as_str())
        .header(http::header::ACCEPT, "text/html,application/json")
        .header("sec-purpose", "prefetch")
        .header(http::header::USER_AGENT, "Keybearer (test of a connection)")
        .body(Bytes::new());
    let request = request.unwrap_or_default();
    app.egress().send(request, Limits { timeout: PATIENCE, max_body: PAGE }).await
}

fn judge(
    app: &App,
    open: &OpenFlow,
    response: &http::Response<Bytes>,
    connected: Seen,
) -> (NoteOutcome, Seen) {
    let status = response.status();
    let seen = Seen {
        status: Some(status.as_u16()),
        skew_seconds: words::skew(response.headers(), app.now()),
        ..connected
    };
    let odd = status.is_server_error() || seen.skew_seconds.is_some_and(is_skewed);
    let refused = refusal(app, open, response).is_some();
    (if odd && !refused { NoteOutcome::Odd } else { NoteOutcome::Ok }, seen)
}

/// Signed requests and tokens of most providers fail beyond this.
pub(crate) fn is_skewed(seconds: i64) -> bool {
    seconds.abs() > 60
}

/// What the page says against us, if it does.
fn refusal(app: &App, open: &OpenFlow, response: &http::Response<Bytes>) -> Option<Seen> {
    let told = match response.status().as_u16() {
        300..=399 => redirected(app, open, response)?,
        400..=499 => page_words(&String::from_utf8_lossy(response.body()))?,
        _ => return None,
    };
    let cause = Cause::of(&told)?;
    Some(Seen {
        cause: Some(cause),
        status: Some(response.status().as_u16()),
        words: Some(words::blanked(&told, &[])),
        ..Seen::default()
    })
}

/// The error parameters of the place that the page sends visitors to.
fn redirected(app: &App, open: &OpenFlow, response: &http::Response<Bytes>) -> Option<String> {
    let to = response.headers().get(LOCATION)?.to_str().ok()?;
    let ours = connections::redirect_uri(app, &open.connection.row.id);
    let url = Url::parse(to).or_else(|_| Url::parse(&ours).and_then(|base| base.join(to))).ok()?;
    let pairs = url.query_pairs().filter(|(name, _)| ERRORS.contains(&name.as_ref()));
    let told: Vec<String> = pairs.map(|(_, value)| value.into_owned()).collect();
    (!told.is_empty()).then(|| told.join(": "))
}

/// The part of a page that speaks about what is wrong, without markup.
fn page_words(page: &str) -> Option<String> {
    let text = without_markup(page);
    let lower = text.to_lowercase();
    let at = ["redirect", "callback", "tenant", "client id", "client_id", "invalid_client", "scope"]
        .iter()
        .filter_map(|sound| lower.find(sound))
        .min()?;
    // from the beginning of the sentence
    let before = text.get(..at)?;
    let start = before.rfind(['.', '!', '{', '|']).map_or(0, |dot| dot + 1);
    let rest = text.get(start..)?;
    let told: String = rest.split('|').next().unwrap_or(rest).trim().chars().take(280).collect();
    Some(told)
}

/// Whether a tag ends a heading, a paragraph or the like: what follows is another sentence.
fn ends_a_block(tag: &str) -> bool {
    let name: String = tag.chars().skip(1).take_while(char::is_ascii_alphanumeric).collect();
    tag.starts_with('/')
        && matches!(
            name.as_str(),
            "p" | "h1" | "h2" | "h3" | "title" | "div" | "li" | "header" | "span" | "td"
        )
}

fn without_markup(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        text.push_str(if ends_a_block(after) { " | " } else { " " });
        let lower: String = after.chars().take(7).collect::<String>().to_lowercase();
        let closing = [("script", "</script>"), ("style", "</style>")]
            .into_iter()
            .find(|(tag, _)| lower.starts_with(tag));
        rest = match closing {
            Some((_, end)) => after.split_once(end).map_or("", |(_, rest)| rest),
            None => after.split_once('>').map_or("", |(_, rest)| rest),
        };
    }
    text.push_str(rest);
    let text = [
        ("&amp;", "&"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ]
    .iter()
    .fold(text, |text, (from, to)| text.replace(from, to));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// At which part of the connection it failed, in a word.
fn part(error: &EgressError) -> &'static str {
    use keybearer_egress::Cause as C;
    match error.cause() {
        None if matches!(error, EgressError::Refused { .. }) => "egress_refused",
        None => "too_large",
        Some(C::Dns) => "dns",
        Some(C::Connect) => "connect",
        Some(C::Tls) => "tls",
        Some(C::Timeout) => "timeout",
        Some(C::Closed) => "closed",
        Some(C::Protocol) => "protocol",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_refuses_is_read_without_its_markup() {
        let page = "<html><style>p{color:red}</style><h1>Problem.</h1><p>App did not register the redirect address \
                    <code>http:&#x2f;&#x2f;a.example&#x2f;cb</code>.</p><script>redirect()</script>";
        let told = page_words(page).unwrap();
        assert_eq!(told, "App did not register the redirect address http://a.example/cb .");
        assert_eq!(page_words("<p>Sign in</p>"), None);
    }
}
