//! `keybearer sandbox`: the built-in provider of a `dev` server.

use std::time::Duration;

use bytes::Bytes;
use clap::Subcommand;
use http::{Request, header};
use keybearer_app::outbound::Outbound;
use keybearer_core::{Code, Error, Result};
use keybearer_sandbox::knobs;
use serde_json::{Map, Value, json};
use url::Url;

use super::Context;
use super::output::{list, text};
use super::session::DevFile;

#[derive(Debug, Subcommand)]
pub(crate) enum Sandbox {
    /// Show its settings and switches
    State,
    /// Change settings and failure switches: NAME=VALUE; repeat them
    Set {
        /// For example refresh=invalid_grant, or refresh=off
        #[arg(required = true, value_name = "NAME=VALUE")]
        settings: Vec<String>,
    },
    /// List what can be set, and what your code will see
    Switches,
    /// Move its clock forward, for example +61s or +2h
    Clock {
        /// How far
        #[arg(required_unless_present = "skew")]
        by: Option<String>,
        /// Make it wrong by so many seconds, for example --skew=-300
        #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
        skew: Option<i64>,
    },
    /// Go through a connect link as one of its people
    Approve {
        /// The link, or its last part
        link: String,
        /// Who: ada, ben, cy, dee, eve, or any name
        #[arg(long = "as", default_value = "ada")]
        person: String,
    },
    /// Show the requests it received
    Requests,
    /// Show its people
    People,
    /// Forget everything
    Reset,
}

pub(crate) async fn run(command: Sandbox, context: &mut Context) -> Result<()> {
    if let Sandbox::Switches = command {
        return switches(context);
    }
    let dev = DevFile::read(&context.data)?.ok_or_else(|| {
        Error::new(Code::Unavailable, "no dev server is known here")
            .with_help("start one with `keybearer dev`, or name its folder with --data")
    })?;
    let control = Remote { outbound: Outbound::to(&[&dev.sandbox_url, &dev.url], None)?, dev };
    let answer = match command {
        Sandbox::State => control.get("state").await?,
        Sandbox::Set { settings } => control.post("set", pairs(&settings)?).await?,
        Sandbox::Clock { by, skew } => {
            let forward = by.as_deref().map(seconds).transpose()?;
            control.post("clock", json!({"forward_seconds": forward, "skew_seconds": skew})).await?
        }
        Sandbox::Switches => return switches(context),
        Sandbox::Requests => return requests(&control.get("requests").await?, context),
        Sandbox::People => return people(&control.get("people").await?, context),
        Sandbox::Reset => control.post("reset", json!({})).await?,
        Sandbox::Approve { link, person } => {
            let page = approve(&control, &link, &person).await?;
            return context.out.result(&json!({"page": page}), |_| page.clone());
        }
    };
    context.out.result(&answer, words)
}

/// Everything that can be set, from the table that the dashboard shows.
fn switches(context: &Context) -> Result<()> {
    let all = knobs::STAGES.iter().chain(knobs::TOKENS).chain(std::iter::once(&knobs::DIALECT));
    let rows: Vec<Vec<String>> = all
        .flat_map(|knob| {
            let row = |choice: &knobs::Choice| {
                [format!("{}={}", knob.name, choice.value), choice.label.to_owned(), choice.sees.to_owned()]
                    .to_vec()
            };
            knob.choices.iter().map(row)
        })
        .collect();
    let told: Vec<Value> = rows
        .iter()
        .filter_map(|row| match row.as_slice() {
            [set, label, sees] => Some(json!({"set": set, "label": label, "your_code_sees": sees})),
            _ => None,
        })
        .collect();
    context.out.table(&json!(told), &["SET", "WHAT", "YOUR CODE SEES"], &rows)
}

/// The settings, one a line, and what fails just now.
fn words(state: &Value) -> String {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let members = |name: &str| state.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut lines = vec![format!("Sandbox  {}", text(state, "url"))];
    lines.extend(members("settings").iter().map(|(name, value)| format!("  {name:<20} {}", plain(value))));
    lines.extend(members("clock").iter().map(|(name, value)| format!("  clock {name:<14} {}", plain(value))));
    let failures = members("failures");
    lines
        .extend(failures.iter().map(|(stage, failure)| format!("  fails at {stage:<11} {}", plain(failure))));
    if failures.is_empty() {
        lines.push("  Nothing fails. Break it: keybearer sandbox set refresh=invalid_grant".to_owned());
    }
    lines.join("\n")
}

fn people(answer: &Value, context: &Context) -> Result<()> {
    let people = list(answer, "people");
    let row =
        |person: &Value| ["id", "name", "email", "note"].map(|name| text(person, name).to_owned()).to_vec();
    let rows: Vec<Vec<String>> = people.iter().map(row).collect();
    context.out.table(&json!(people), &["ID", "NAME", "EMAIL", "HABIT"], &rows)
}

fn requests(answer: &Value, context: &Context) -> Result<()> {
    let requests = list(answer, "requests");
    let row = |request: &Value| {
        let number = |name: &str| request.get(name).map(Value::to_string).unwrap_or_default();
        let call = format!("{} {}", text(request, "method"), text(request, "path"));
        let what = [text(request, "grant_type"), text(request, "refresh_token")].join(" ");
        let came = text(request, "outcome").to_owned();
        vec![number("number"), text(request, "at").to_owned(), call, what, number("status"), came]
    };
    let rows: Vec<Vec<String>> = requests.iter().map(row).collect();
    context.out.table(&json!(requests), &["NO", "AT", "CALL", "GRANT", "STATUS", "CAME OF IT"], &rows)
}

fn pairs(settings: &[String]) -> Result<Value> {
    let mut map = Map::new();
    for pair in settings {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| Error::field("setting", "must be NAME=VALUE"))?;
        map.insert(name.to_owned(), json!(value));
    }
    Ok(Value::Object(map))
}

/// `+61s`, `+5m`, `+2h`, `+1d`.
pub(crate) fn seconds(text: &str) -> Result<u64> {
    let wrong = || Error::field("clock", "must be like +61s, +5m, +2h or +1d");
    let digits = text.strip_prefix('+').unwrap_or(text);
    let (number, unit) = digits.split_at_checked(digits.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    number.checked_mul(factor).ok_or_else(wrong)
}

struct Remote {
    outbound: Outbound,
    dev: DevFile,
}

impl Remote {
    async fn get(&self, path: &str) -> Result<Value> {
        self.send(Request::get(self.address(path)), Bytes::new()).await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.send(Request::post(self.address(path)), Bytes::from(body.to_string())).await
    }

    fn address(&self, path: &str) -> String {
        format!("{}/_control/{path}", self.dev.sandbox_url.as_str().trim_end_matches('/'))
    }

    async fn send(&self, request: http::request::Builder, body: Bytes) -> Result<Value> {
        let request = request
            .header(header::AUTHORIZATION, format!("Bearer {}", self.dev.control_token.expose()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|_| Error::internal("the control request cannot be built"))?;
        let response = self.outbound.send(request, Duration::from_secs(10)).await.map_err(|error| {
            Error::new(Code::Unavailable, "the sandbox does not answer")
                .with_help("is `keybearer dev` running?")
                .with_source(error)
        })?;
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if response.status().is_success() {
            return Ok(answer);
        }
        let said = answer
            .get("message")
            .or_else(|| answer.get("error"))
            .and_then(Value::as_str)
            .unwrap_or("no reason given");
        Err(Error::new(Code::InvalidArgument, format!("the sandbox refused: {said}")))
    }
}

/// What a browser would do: open the link, continue, consent, come back. Gives the title of the last page.
async fn approve(control: &Remote, link: &str, person: &str) -> Result<String> {
    let token = link.rsplit('/').next().unwrap_or(link);
    let page: Url = format!("{}/c/{token}", control.dev.url.as_str().trim_end_matches('/'))
        .parse()
        .map_err(|_| Error::field("link", "must be a connect link"))?;
    let browser = super::demo::Browser::new(control.outbound.clone());
    let opened = browser.open(&page).await?;
    let Some(next) = super::demo::continue_link(&opened) else {
        return Err(Error::new(
            Code::FailedPrecondition,
            format!("the page does not lead to the sandbox: {}", super::demo::title(&opened)),
        ));
    };
    let answer = control.post("approve", json!({"authorize_url": next, "as": person})).await?;
    let back = answer.get("redirect_to").and_then(Value::as_str).and_then(|url| url.parse::<Url>().ok());
    let back = back.ok_or_else(|| Error::new(Code::Internal, "the sandbox named no way back"))?;
    let last = browser.open(&back).await?;
    Ok(super::demo::title(&last))
}
