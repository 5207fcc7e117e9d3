//! Fills a database with accounts for `cargo xtask bench accounts`: `seed_accounts sqlite:FILE COUNT`, or `postgres` for
//! a server of its own that lives as long as this program. It says the address, waits for a line, fills, says `seeded`,
//! and waits for the end of its input.

use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use keybearer_core::ids::{AccountId, ConnectionId, EnvironmentId};
use keybearer_core::{
    AccountStatus, AuthType, ConnectionState, CredentialSource, SecretString, StatusReason, Timestamp,
};
use keybearer_store::{AuthMode, ConnectionRow, Db, Grant, Identity, NewAccount, Options, Sealed};
use keybearer_testkit::TestDatabase;
use serde_json::json;

const CONNECTIONS: i64 = 10;
const BATCH: i64 = 1_000;
/// What tokens under the vault usually weigh.
const GRANT_BYTES: usize = 900;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (url, count) =
        (arguments.next().ok_or("an address")?, arguments.next().ok_or("a count")?.parse::<i64>()?);
    let server = if url == "postgres" { Some(TestDatabase::create()?) } else { None };
    let url = server.as_ref().map_or(url, |server| server.url().to_owned());
    say(&url)?;
    let mut lines = std::io::stdin().lock().lines();
    lines.next().ok_or("a line to begin")??;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(fill(&url, count))?;
    if let Some(server) = &server {
        // what the server does by itself some time after so many writes
        server.query("VACUUM ANALYZE account")?;
    }
    say("seeded")?;
    lines.for_each(drop);
    Ok(())
}

fn say(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout();
    writeln!(output, "{text}")?;
    output.flush()
}

async fn fill(url: &str, count: i64) -> Result<(), Box<dyn std::error::Error>> {
    let db = Db::open(&SecretString::from(url.to_owned()), &Options::default()).await?;
    let environment = db.list_environments().await?.into_iter().next().ok_or("an environment")?.id;
    let now = db.db_now().await?;
    for number in 0..CONNECTIONS {
        db.create_connection(&connection(&environment, number, now), None).await?;
    }
    let mut first = 0;
    while first < count {
        let end = (first + BATCH).min(count);
        let batch: Vec<NewAccount> =
            (first..end).map(|number| account(&environment, number, count, now)).collect();
        db.seed_accounts(&batch).await?;
        first = end;
    }
    db.close().await;
    Ok(())
}

fn connection(environment: &EnvironmentId, number: i64, now: Timestamp) -> ConnectionRow {
    ConnectionRow {
        id: ConnectionId::from_number(number + 1),
        environment_id: environment.clone(),
        name: format!("bench-{number}"),
        connector: if number == 0 { "postcards" } else { "github" }.to_owned(),
        method: "oauth".to_owned(),
        state: ConnectionState::Active,
        attention: None,
        attention_at: None,
        label: String::new(),
        blurb_for_users: String::new(),
        credential_source: CredentialSource::Own,
        credential_id: None,
        config: json!({}),
        scopes: json!({}),
        auth_mode: AuthMode::User,
        proxy_enabled: true,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// One of a hundred needs a sign-in, one of fifty ends soon, one of twenty was not used for long; all made over a year.
fn account(environment: &EnvironmentId, number: i64, count: i64, now: Timestamp) -> NewAccount {
    let ago = |seconds: i64| now.minus(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()));
    let old = number % 20 == 0;
    let age = if old { 60 * 86_400 + number } else { (count - number) * 20 % (29 * 86_400) };
    let ends = Duration::from_secs(if number % 50 == 0 { 5 } else { 300 } * 86_400);
    let (status, reason) = match number % 100 {
        0 => (AccountStatus::Expired, StatusReason::RevokedOrExpired),
        _ => (AccountStatus::Active, StatusReason::Connected),
    };
    NewAccount {
        id: AccountId::from_number(number + 1),
        environment_id: environment.clone(),
        connection_id: ConnectionId::from_number(number % CONNECTIONS + 1),
        identifier: format!("user-{number:06}@customer-{}.example", number % 997),
        organization_id: String::new(),
        user_id: String::new(),
        status: (status, reason),
        auth_type: AuthType::Oauth,
        method: "oauth".to_owned(),
        grant: Some(Grant {
            sealed: Sealed::from(vec![7; GRANT_BYTES]),
            credential_id: None,
            access_expires_at: None,
            refresh_expires_at: Some(now.plus(ends)),
            next_refresh_at: None,
        }),
        variables: json!({}),
        granted_scopes: vec!["read:user".to_owned(), "repo".to_owned()],
        wanted_scopes: match number % 500 {
            0 => vec!["read:user".to_owned(), "repo".to_owned(), "workflow".to_owned()],
            _ => vec!["read:user".to_owned(), "repo".to_owned()],
        },
        api_config: json!({}),
        identity: Some(Identity {
            id: format!("{}", 9_000_000 + number),
            label: Some(format!("Person {number}")),
        }),
        org_wide: false,
        created_at: ago(age),
    }
}
