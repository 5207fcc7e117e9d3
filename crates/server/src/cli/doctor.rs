//! `keybearer doctor`: what has to be right before anything else can be.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::{Request, header};
use keybearer_app::outbound::Outbound;
use keybearer_core::{Clock as _, Code, Error, Result, SystemClock};
use serde_json::{Value, json};
use url::Url;

use super::Context;
use super::session::DevFile;
use crate::config;

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The configuration of `serve`; without it the dev server of the data folder is checked
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

struct Check {
    name: &'static str,
    outcome: Result<String>,
}

pub(crate) async fn run(command: Doctor, context: &mut Context) -> Result<()> {
    let mut checks = Vec::new();
    let url = match &command.config {
        Some(path) => match config::load(Some(path), &|name| std::env::var(name).ok()) {
            Ok(settings) => {
                checks
                    .push(Check { name: "Configuration", outcome: Ok("every key is understood".to_owned()) });
                checks.push(Check { name: "Key", outcome: key(&settings) });
                Some(settings.app.public_url)
            }
            Err(error) => {
                checks.push(Check { name: "Configuration", outcome: Err(error) });
                None
            }
        },
        None => DevFile::read(&context.data)?.map(|dev| dev.url),
    };
    match url {
        Some(url) => server_checks(&url, &mut checks).await?,
        None if command.config.is_none() => {
            let error = Error::new(Code::Unavailable, "no server is known")
                .with_help("start `keybearer dev`, or name a configuration with --config");
            checks.push(Check { name: "Address", outcome: Err(error) });
        }
        None => {}
    }
    report(&checks, context)
}

async fn server_checks(url: &Url, checks: &mut Vec<Check>) -> Result<()> {
    let outbound = Outbound::to(&[url], None)?;
    let address = get(&outbound, url, "/health").await;
    let skew = address.as_ref().ok().and_then(skew_seconds);
    checks.push(Check {
        name: "Address",
        outcome: address.and_then(|response| answers_as_itself(url, &response)),
    });
    checks.push(Check {
        name: "Clock",
        outcome: skew.map_or_else(|| Err(Error::new(Code::Unavailable, "no time was told")), judge_clock),
    });
    let ready = get(&outbound, url, "/ready").await;
    checks.push(Check {
        name: "Database",
        outcome: ready.and_then(|response| match response.status().is_success() {
            true => Ok("answers".to_owned()),
            false => {
                Err(Error::new(Code::DatabaseUnavailable, format!("/ready answered {}", response.status())))
            }
        }),
    });
    checks.push(Check {
        name: "Signing keys",
        outcome: get(&outbound, url, "/keys").await.and_then(|response| keys(&response)),
    });
    checks.push(Check { name: "Egress", outcome: guarded().await });
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

fn answers_as_itself(url: &Url, response: &http::Response<Bytes>) -> Result<String> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    if response.status().is_success() && body.get("status").and_then(Value::as_str) == Some("ok") {
        return Ok(format!("{url} answers as itself"));
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
        return Ok(format!("{skew} s from this machine's"));
    }
    Err(Error::new(Code::ConfigInvalid, format!("the server's clock is {skew} s from this machine's"))
        .with_help("switch on time synchronisation; providers refuse wrong times"))
}

fn keys(response: &http::Response<Bytes>) -> Result<String> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    match body.get("keys").and_then(Value::as_array).map(Vec::len) {
        Some(count) if count > 0 => Ok(format!("{count} published")),
        _ => Err(Error::new(Code::Internal, "/keys lists no key")),
    }
}

/// The guarded client must refuse what providers must never reach.
async fn guarded() -> Result<String> {
    let outbound = Outbound::to(&[], None)?;
    let request = Request::get("http://169.254.169.254/")
        .body(Bytes::new())
        .map_err(|_| Error::internal("the check cannot be built"))?;
    match outbound.send(request, Duration::from_secs(2)).await {
        Err(error) if error.code == Code::EgressRefused => Ok("metadata addresses are refused".to_owned()),
        _ => Err(Error::new(Code::Internal, "a metadata address was not refused")),
    }
}

fn key(settings: &config::Settings) -> Result<String> {
    match &settings.root_key {
        keybearer_app::RootKey::Text(_) => Ok("comes from the environment or a mounted file".to_owned()),
        keybearer_app::RootKey::File(path) if path.exists() => {
            Ok(format!("{} is there; keep a copy apart from the database", path.display()))
        }
        keybearer_app::RootKey::File(path) => Ok(format!("{} is made at the first start", path.display())),
    }
}

fn report(checks: &[Check], context: &Context) -> Result<()> {
    let value: Vec<Value> = checks
        .iter()
        .map(|check| match &check.outcome {
            Ok(says) => json!({"check": check.name, "ok": true, "says": says}),
            Err(error) => json!({"check": check.name, "ok": false, "says": error.detail, "do": error.help}),
        })
        .collect();
    context.out.result(&json!(value), |_| {
        let line = |check: &Check| match &check.outcome {
            Ok(says) => format!("ok  {:<14} {says}", check.name),
            Err(error) => match &error.help {
                Some(help) => format!("x   {:<14} {}\n    {:<14} {help}", check.name, error.detail, ""),
                None => format!("x   {:<14} {}", check.name, error.detail),
            },
        };
        checks.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    let failed = checks.iter().filter(|check| check.outcome.is_err()).count();
    if failed == 0 { Ok(()) } else { Err(Error::new(Code::ConfigInvalid, format!("{failed} checks failed"))) }
}
