//! `keybearer webhooks`.

use std::time::Duration;

use clap::{Args, Subcommand};
use http::Method;
use keybearer_core::{Clock as _, Code, Error, Result, SystemClock, Timestamp};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Context;
use super::output::{list, text};
use super::session::{Session, encoded};

const BASE: &str = "/api/v1/webhook-endpoints";

/// How long `test` waits for the endpoint's answer, and how often it looks.
const PATIENCE: u32 = 80;
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug, Subcommand)]
pub(crate) enum Webhooks {
    /// List the addresses that events are sent to
    List,
    /// Send events to an address; its signing secret is shown this once
    Add(Add),
    /// Give an endpoint a new signing secret
    Rotate {
        /// Its id
        id: String,
        /// Seconds for which the old secret signs too
        #[arg(long, default_value_t = 86_400)]
        overlap: u32,
    },
    /// Send a sample event, and wait for the answer
    Test {
        /// The id of the endpoint
        id: String,
        /// The type of the event
        #[arg(long = "event", value_name = "TYPE")]
        event: Option<String>,
    },
    /// Show what was sent to an endpoint, newest first
    Deliveries {
        /// The id of the endpoint
        id: String,
        /// The id of one event: shows every try
        event: Option<String>,
        /// Only these: pending, delivered or failed
        #[arg(long)]
        state: Option<String>,
    },
    /// Send again: one event, or everything since a time that was not taken
    Replay(Replay),
    /// Hold an endpoint; events wait for up to 72 hours
    Pause {
        /// Its id
        id: String,
    },
    /// Send again to an endpoint that is paused or disabled
    Resume {
        /// Its id
        id: String,
    },
    /// Delete an endpoint with its delivery log
    Delete {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The address
    url: String,
    /// What you call it
    #[arg(long, default_value = "")]
    description: String,
    /// A type of event; repeat it. Without any: all
    #[arg(long = "event", value_name = "TYPE")]
    events: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The id of the endpoint
    id: String,
    /// The id of the event
    #[arg(required_unless_present = "since")]
    event: Option<String>,
    /// Everything since: 30m, 6h, 2d, or a time like 2030-01-02T03:04:05Z
    #[arg(long, conflicts_with = "event")]
    since: Option<String>,
    /// With --since: also what was taken
    #[arg(long, requires = "since")]
    all: bool,
}

pub(crate) async fn run(command: Webhooks, context: &mut Context) -> Result<()> {
    let session = Session::open(context).await?;
    match command {
        Webhooks::List => endpoints(&session, context).await,
        Webhooks::Add(add) => {
            let body = json!({"url": add.url, "description": add.description, "event_types": add.events});
            made(&session.api(Method::POST, BASE, Some(&body)).await?, context)
        }
        Webhooks::Rotate { id, overlap } => {
            let path = format!("{}:rotate-secret", endpoint(&id));
            let body = json!({"overlap_seconds": overlap});
            made(&session.api(Method::POST, &path, Some(&body)).await?, context)
        }
        Webhooks::Test { id, event } => test(&session, context, &id, event).await,
        Webhooks::Deliveries { id, event: Some(event), .. } => {
            shown(&session.get(&delivery(&id, &event)).await?, context)
        }
        Webhooks::Deliveries { id, event: None, state } => {
            deliveries(&session, context, &id, state.as_deref()).await
        }
        Webhooks::Replay(replay) => again(&session, context, replay).await,
        Webhooks::Pause { id } => change(&session, context, Method::POST, (&id, ":pause"), "Paused").await,
        Webhooks::Resume { id } => change(&session, context, Method::POST, (&id, ":resume"), "Resumed").await,
        Webhooks::Delete { id } => change(&session, context, Method::DELETE, (&id, ""), "Deleted").await,
    }
}

async fn endpoints(session: &Session, context: &Context) -> Result<()> {
    let answer = session.get(&format!("{BASE}?page_size=50")).await?;
    let all = list(&answer, "endpoints");
    let row = |endpoint: &Value| {
        let types: Vec<&str> = list(endpoint, "event_types").iter().filter_map(Value::as_str).collect();
        let reason = text(endpoint, "disabled_reason");
        let state = match reason.is_empty() {
            true => text(endpoint, "state").to_owned(),
            false => format!("disabled ({reason})"),
        };
        let events = if types.is_empty() { "all".to_owned() } else { types.join(" ") };
        vec![text(endpoint, "id").to_owned(), state, text(endpoint, "url").to_owned(), events]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    context.out.table(&json!(all), &["ID", "STATE", "URL", "EVENTS"], &rows)
}

fn made(answer: &Value, context: &Context) -> Result<()> {
    context.out.result(answer, |answer| {
        let endpoint = answer.get("endpoint").cloned().unwrap_or_default();
        format!(
            "Endpoint        {}\nURL             {}\nSigning secret  {}\n\nThe secret is shown this once.",
            text(&endpoint, "id"),
            text(&endpoint, "url"),
            text(answer, "secret")
        )
    })
}

async fn test(session: &Session, context: &Context, id: &str, event: Option<String>) -> Result<()> {
    let body = json!({"event_type": event.unwrap_or_default()});
    let mut answer = session.api(Method::POST, &format!("{}:test", endpoint(id)), Some(&body)).await?;
    let sent = answer.pointer("/delivery/event_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    for _ in 0..PATIENCE {
        answer = session.get(&delivery(id, &sent)).await?;
        if answer.pointer("/delivery/attempt_log/0").is_some() {
            break;
        }
        sleep(LOOK).await;
    }
    let taken = answer.pointer("/delivery/state").and_then(Value::as_str) == Some("delivered");
    shown(&answer, context)?;
    if taken {
        return Ok(());
    }
    Err(Error::new(Code::FailedPrecondition, "the endpoint did not take the sample event")
        .with_help("it is sent again until it is taken; `keybearer webhooks deliveries` shows every try"))
}

async fn deliveries(session: &Session, context: &Context, id: &str, state: Option<&str>) -> Result<()> {
    let state = state.map(|state| format!("&state={}", encoded(state))).unwrap_or_default();
    let answer = session.get(&format!("{}/deliveries?page_size=100{state}", endpoint(id))).await?;
    let all = list(&answer, "deliveries");
    let row = |delivery: &Value| {
        let cell = |name: &str| text(delivery, name).to_owned();
        let tries = delivery.get("attempts").and_then(Value::as_u64).unwrap_or_default();
        vec![
            cell("occurred_at"),
            cell("event_id"),
            cell("event_type"),
            cell("state"),
            tries.to_string(),
            cell("failure"),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    context.out.table(&json!(all), &["AT", "EVENT", "TYPE", "STATE", "TRIES", "LAST PROBLEM"], &rows)
}

/// One delivery with its tries.
fn shown(answer: &Value, context: &Context) -> Result<()> {
    let delivery = answer.get("delivery").cloned().unwrap_or_default();
    let tries = list(&delivery, "attempt_log");
    context.out.say(&format!(
        "{}  {}  {}",
        text(&delivery, "event_id"),
        text(&delivery, "event_type"),
        text(&delivery, "state")
    ))?;
    let row = |attempt: &Value| {
        let number = |name: &str| match attempt.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "0".to_owned(),
        };
        let failure = text(attempt, "failure").to_owned();
        vec![
            number("number"),
            text(attempt, "started_at").to_owned(),
            number("http_status"),
            number("duration_ms"),
            failure,
        ]
    };
    let rows: Vec<Vec<String>> = tries.iter().map(row).collect();
    context.out.table(&delivery, &["TRY", "AT", "STATUS", "MS", "PROBLEM"], &rows)
}

async fn again(session: &Session, context: &Context, replay: Replay) -> Result<()> {
    let Some(since) = &replay.since else {
        let path = format!("{}:replay", delivery(&replay.id, &replay.event.unwrap_or_default()));
        let answer = session.api(Method::POST, &path, None).await?;
        return context.out.result(&answer, |_| "It is sent again, under the same id.".to_owned());
    };
    let since = moment(since).ok_or_else(|| {
        Error::field("--since", "must be a length like 30m, 6h or 2d, or a time like 2030-01-02T03:04:05Z")
    })?;
    let body = json!({"since": since.rfc3339(), "include_delivered": replay.all});
    let answer = session.api(Method::POST, &format!("{}:replay", endpoint(&replay.id)), Some(&body)).await?;
    context.out.result(&answer, |answer| {
        let queued = answer.get("queued").and_then(Value::as_u64).unwrap_or_default();
        format!("{queued} events are sent again.")
    })
}

async fn change(
    session: &Session,
    context: &Context,
    method: Method,
    (id, verb): (&str, &str),
    done: &str,
) -> Result<()> {
    session.api(method, &format!("{}{verb}", endpoint(id)), None).await?;
    context.out.result(&json!({done.to_ascii_lowercase(): id}), |_| format!("{done} {id}."))
}

/// A time, or how long ago it was.
fn moment(text: &str) -> Option<Timestamp> {
    let unit = match text.chars().last()? {
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Timestamp::parse_rfc3339(text),
    };
    let number: u64 = text.get(..text.len() - 1)?.parse().ok()?;
    Some(SystemClock.now().minus(Duration::from_secs(number.checked_mul(unit)?)))
}

fn endpoint(id: &str) -> String {
    format!("{BASE}/{}", encoded(id))
}

fn delivery(id: &str, event: &str) -> String {
    format!("{}/deliveries/{}", endpoint(id), encoded(event))
}
