//! What a process that ended left behind: intents without an outcome, and grants that no database took.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keybearer_app::accounts::{self, Lookup, Revealed};
use keybearer_app::{App, jobs};
use keybearer_core::{AccountStatus, StatusReason};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::flows_stage::{APP_SECRET, Stage, on_both_staged};
use crate::tokens_refresh::{connected, get};

on_both_staged!(crate::flows_stage::plain;
    an_intent_whose_request_never_left_is_carried_out_at_the_start,
    a_spent_token_of_a_strict_provider_is_flagged_at_the_start_once,
    a_spent_token_is_recovered_inside_the_grace_window,
    an_intent_that_another_node_holds_is_left_alone,
    a_grant_that_the_database_refused_lands_at_the_next_start,
    a_spilled_grant_waits_while_another_node_has_the_account,
    a_spilled_grant_never_replaces_a_newer_one,
    a_start_leaves_the_refreshes_of_its_own_callers_alone,
);

/// As if the process had ended between its intent and the outcome.
async fn left_in_flight(stage: &Stage, lease: &str) {
    let set = format!(
        "refresh_state = 'in_flight', in_flight_since = 1, lease_owner = 'gone:1', lease_until = {lease}"
    );
    stage.world.sql(&format!("UPDATE account SET {set} WHERE status = 'ACTIVE'")).await;
}

/// Uses the stored refresh token up, as a request whose answer was lost does.
async fn spend(stage: &Stage) {
    let lookup = Lookup::of(&stage.name, "u-1");
    let auth = accounts::auth(stage.app(), &stage.world.caller, &lookup).await.unwrap();
    let Some(Revealed::Oauth(tokens)) = auth.credentials else { panic!("{:?}", auth.account) };
    let token = tokens.refresh_token.unwrap();
    let body = format!("grant_type=refresh_token&refresh_token={}", token.expose());
    let basic = STANDARD.encode(format!("app-1:{APP_SECRET}"));
    let host = stage.control.url().strip_prefix("http://").unwrap();
    let head = format!(
        "POST /token HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nauthorization: Basic {basic}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut socket = TcpStream::connect(host).await.unwrap();
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stage.world.clock.advance(Duration::from_secs(61));
}

/// The start of a process on what is stored, until its recovery is done.
async fn started(app: &App) {
    let jobs = jobs::start(app);
    jobs.stop(Duration::from_secs(20)).await;
}

async fn an_intent_whose_request_never_left_is_carried_out_at_the_start(stage: &Stage) {
    let before = connected(stage, -1).await;
    left_in_flight(stage, "1").await;
    started(stage.app()).await;
    let after = stage.account("u-1").await;
    assert_eq!((after.status, after.generation), (AccountStatus::Active, before.generation + 1));
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200);
    assert_eq!(stage.token_requests("refresh_token"), 1);
}

async fn a_start_leaves_the_refreshes_of_its_own_callers_alone(stage: &Stage) {
    let before = connected(stage, -1).await;
    stage.control.set("refresh", "slow:400").unwrap();
    let start = async {
        while stage.token_requests("refresh_token") == 0 {
            tokio::task::yield_now().await;
        }
        started(stage.app()).await;
    };
    let (answer, ()) = tokio::join!(get(stage.app(), stage, "u-1"), start);
    assert_eq!(answer.unwrap(), 200);
    assert_eq!(stage.account("u-1").await.generation, before.generation + 1);
    assert_eq!(stage.token_requests("refresh_token"), 1, "a second one would void the grant");
}

async fn a_spent_token_of_a_strict_provider_is_flagged_at_the_start_once(stage: &Stage) {
    let account = connected(stage, -1).await;
    spend(stage).await;
    let before = stage.token_requests("refresh_token");
    left_in_flight(stage, "1").await;
    started(stage.app()).await;
    started(stage.app()).await;
    let after = stage.account("u-1").await;
    assert_eq!((after.status, after.reason), (AccountStatus::Expired, StatusReason::RefreshInterrupted));
    let events = stage.world.events(&account.id).await;
    let told = events.iter().filter(|(_, payload)| payload.to_string().contains("\"EXPIRED\""));
    assert_eq!(told.count(), 1, "{events:?}");
    assert_eq!(stage.token_requests("refresh_token"), before + 1, "the provider is asked again once");
    stage.connect("u-1", "ada").await;
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200, "a new sign-in repairs it");
}

async fn a_spent_token_is_recovered_inside_the_grace_window(stage: &Stage) {
    connected(stage, -1).await;
    stage.control.set("grace", "120").unwrap();
    spend(stage).await;
    left_in_flight(stage, "1").await;
    started(stage.app()).await;
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200);
}

async fn an_intent_that_another_node_holds_is_left_alone(stage: &Stage) {
    connected(stage, -1).await;
    left_in_flight(stage, "9000000000000000").await;
    started(stage.app()).await;
    assert_eq!(stage.token_requests("refresh_token"), 0);
}

/// A refresh whose outcome the database does not take; gives the generation before it.
async fn refused(stage: &Stage) -> i64 {
    let before = connected(stage, -1).await;
    stage.world.refuse_grants_after(before.generation).await;
    assert!(get(stage.app(), stage, "u-1").await.is_err());
    assert_eq!(stage.world.spilled().len(), 1);
    stage.world.accept_grants().await;
    before.generation
}

async fn a_grant_that_the_database_refused_lands_at_the_next_start(stage: &Stage) {
    let generation = refused(stage).await;
    started(stage.app()).await;
    let after = stage.account("u-1").await;
    assert_eq!((after.status, after.generation), (AccountStatus::Active, generation + 1));
    assert!(stage.world.spilled().is_empty());
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200);
    assert_eq!(stage.token_requests("refresh_token"), 1, "what was brought is used, nothing is asked again");
}

async fn a_spilled_grant_waits_while_another_node_has_the_account(stage: &Stage) {
    let generation = refused(stage).await;
    left_in_flight(stage, "9000000000000000").await;
    started(stage.app()).await;
    assert_eq!(stage.world.spilled().len(), 1, "thrown away while somebody else might still fail");
    stage.world.sql("UPDATE account SET lease_until = 1 WHERE lease_owner = 'gone:1'").await;
    started(stage.app()).await;
    let after = stage.account("u-1").await;
    assert_eq!((after.status, after.generation), (AccountStatus::Active, generation + 1));
    assert!(stage.world.spilled().is_empty());
}

async fn a_spilled_grant_never_replaces_a_newer_one(stage: &Stage) {
    refused(stage).await;
    let again = stage.connect("u-1", "ada").await;
    started(stage.app()).await;
    let after = stage.account("u-1").await;
    assert_eq!((after.status, after.generation), (AccountStatus::Active, again.generation));
    assert!(stage.world.spilled().is_empty());
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200);
}
