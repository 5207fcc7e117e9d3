//! `keybearer doctor`: the system check, made by the server where one can be asked, and what this machine sees of it.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::{Request, header};
use keybearer_app::outbound::Outbound;
use keybearer_app::system;
use keybearer_core::{Clock as _, Code, Error, Result, SystemClock};
use serde_json::{Value, json};
use url::Url;

use super::Context;
use super::offline::Offline;
use super::output::{list, text};
use super::session::{DevFile, Session};
use crate::config;
use crate::web::written_report;

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The configuration of `serve`; without it the server of KEYBEARER_URL or of the data folder is asked
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// One line: what was looked at, `ok`, `odd` or `problem`, what was found, what to do.
struct Check {
    topic: String,
    state: String,
    says: String,
    fix: String,
}

impl Check {
    fn of(topic: &str, outcome: Result<String>) -> Self {
        let (state, says, fix) = match outcome {
            Ok(says) => ("ok", says, String::new()),
            Err(error) => (
                "problem",
                error.detail.to_string(),
                error.help.map(|help| help.to_string()).unwrap_or_default(),
            ),
        };
        Self { topic: topic.to_owned(), state: state.to_owned(), says, fix }
    }
}

pub(crate) async fn run(command: Doctor, context: &mut Context) -> Result<()> {
    let mut checks = Vec::new();
    let url = match &command.config {
        Some(path) => configured(path, &mut checks),
        None => known_url(context)?,
    };
    if let Some(url) = &url {
        from_here(url, &mut checks).await?;
    }
    let server = match (&command.config, Session::is_known(context)) {
        (_, true) => asked(context).await,
        (Some(path), false) => opened(path).await,
        (None, false) => Err(Error::new(Code::Unavailable, "no server is known")
            .with_help("start `keybearer dev`, or name a configuration with --config")),
    };
    match server {
        Ok(report) => checks.extend(list(&report, "checks").iter().map(line)),
        Err(error) => checks.push(Check::of("Server", Err(error))),
    }
    report(&checks, context)
}

/// The server's own report.
async fn asked(context: &Context) -> Result<Value> {
    Session::open(context).await?.get("/health/report").await
}

/// The report of the installation itself, where no server has it open.
async fn opened(path: &std::path::Path) -> Result<Value> {
    let offline = Offline::open(path, None).await.map_err(|error| {
        let help = "a running server is asked with KEYBEARER_URL, KEYBEARER_CLIENT_ID and KEYBEARER_CLIENT_SECRET set";
        match error.help {
            Some(_) => error,
            None => error.with_help(help),
        }
    })?;
    let report = system::check(&offline.app, &offline.caller).await;
    offline.app.close().await;
    report.map(|report| written_report(&report))
}

fn line(value: &Value) -> Check {
    let part = |name: &str| text(value, name).to_owned();
    Check { topic: part("check"), state: part("state"), says: part("says"), fix: part("do") }
}

fn known_url(context: &Context) -> Result<Option<Url>> {
    let given = std::env::var("KEYBEARER_URL").ok().filter(|value| !value.is_empty());
    match given {
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| Error::new(Code::ConfigInvalid, "KEYBEARER_URL must be an http or https address")),
        None => Ok(DevFile::read(&context.data)?.map(|dev| dev.url)),
    }
}

/// The configuration's address, when there is one.
fn configured(path: &std::path::Path, checks: &mut Vec<Check>) -> Option<Url> {
    match config::load(Some(path), &|name| std::env::var(name).ok()) {
        Ok(settings) => {
            checks.push(Check::of("Configuration", Ok("every key is understood".to_owned())));
            checks.push(Check::of("Key file", Ok(key(&settings))));
            Some(settings.app.public_url)
        }
        Err(error) => {
            checks.push(Check::of("Configuration", Err(error)));
            None
        }
    }
}

/// What only this machine can tell: whether it reaches the server, and how far apart the clocks are.
async fn from_here(url: &Url, checks: &mut Vec<Check>) -> Result<()> {
    let outbound = Outbound::to(&[url], None)?;
    let health = get(&outbound, url, "/health").await;
    let skew = health.as_ref().ok().and_then(skew_seconds);
    checks.push(Check::of("From here", health.and_then(|response| answers(url, &response))));
    if let Some(skew) = skew {
        checks.push(Check::of("Clock from here", judge_clock(skew)));
    }
    Ok(())
}

async fn get(outbound: &Outbound, url: &Url, path: &str) -> Result<http::Response<Bytes>> {
    let address = format!("{}{path}", url.as_str().trim_end_matches('/'));
    let request =
        Request::get(address).body(Bytes::new()).map_err(|_| Error::internal("the check cannot be built"))?;
    outbound.send(request, Duration::from_secs(5)).await.map_err(|error| {
        Error::new(Code::Unavailable, format!("{url} does not answer"))
            .with_help("start the server, point the host name here, or change public_url")
            .with_source(error)
    })
}

fn answers(url: &Url, response: &http::Response<Bytes>) -> Result<String> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    if response.status().is_success() && text(&body, "status") == "ok" {
        return Ok(format!("{url} answers this machine"));
    }
    let by = response
        .headers()
        .get(header::SERVER)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("something else");
    Err(Error::new(Code::ConfigInvalid, format!("{by} answered at {url} with {}", response.status()))
        .with_help(
            "point the host name here, or change public_url; until then no provider can send people back",
        ))
}

fn skew_seconds(response: &http::Response<Bytes>) -> Option<i64> {
    let text = response.headers().get(header::DATE)?.to_str().ok()?;
    let told = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second();
    Some(told - SystemClock.now().seconds())
}

fn judge_clock(skew: i64) -> Result<String> {
    if skew.abs() <= 60 {
        return Ok(format!("the server's is {skew} s from this machine's"));
    }
    Err(Error::new(Code::ConfigInvalid, format!("the server's clock is {skew} s from this machine's"))
        .with_help("switch on time synchronisation; providers refuse wrong times"))
}

fn key(settings: &config::Settings) -> String {
    match &settings.root_key {
        keybearer_app::RootKey::Text(_) => "comes from the environment or a mounted file".to_owned(),
        keybearer_app::RootKey::File(path) if path.exists() => {
            format!("{} is there; keep a copy apart from the database", path.display())
        }
        keybearer_app::RootKey::File(path) => format!("{} is made at the first start", path.display()),
    }
}

fn report(checks: &[Check], context: &Context) -> Result<()> {
    let value: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({"check": check.topic, "ok": check.state != "problem", "state": check.state, "says": check.says, "do": check.fix})
        })
        .collect();
    context.out.result(&json!(value), |_| {
        let line = |check: &Check| {
            let mark = match check.state.as_str() {
                "ok" => "ok",
                "odd" => "!",
                _ => "x",
            };
            let fix = match check.fix.is_empty() {
                true => String::new(),
                false => format!("\n    {:<16} {}", "", check.fix),
            };
            format!("{mark:<3} {:<16} {}{fix}", check.topic, check.says)
        };
        checks.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    let failed = checks.iter().filter(|check| check.state == "problem").count();
    if failed == 0 { Ok(()) } else { Err(Error::new(Code::ConfigInvalid, format!("{failed} checks failed"))) }
}
