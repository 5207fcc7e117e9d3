//! Refreshes as callers of the proxy see them: once, stored, and never worse than the provider says.

use std::time::Duration;

use futures_util::future::join_all;
use http::{HeaderMap, Method};
use keybearer_app::accounts::{self, Lookup};
use keybearer_app::proxy::{self, ProxyCall};
use keybearer_app::{App, connections, refresh_now};
use keybearer_core::{AccountStatus, Code, Result, StatusReason};

use crate::flows_stage::{Stage, on_both_staged};
use crate::harness::code;

on_both_staged!(crate::flows_stage::plain;
    a_hundred_calls_on_an_ended_token_refresh_it_once,
    a_refused_refresh_token_is_told_once,
    a_passing_failure_leaves_the_account_and_its_living_token,
    a_lost_answer_is_recovered_where_the_provider_gives_grace,
    a_lost_answer_of_a_strict_provider_is_told_as_interrupted,
    a_refused_app_is_told_at_the_connection_and_leaves_accounts,
    a_deleted_account_stays_deleted_when_its_refresh_lands,
    a_refresh_on_request_waits_ten_seconds,
);

pub async fn get(app: &App, stage: &Stage, user: &str) -> Result<u16> {
    let call = ProxyCall {
        connection: stage.name.clone(),
        identifier: user.to_owned(),
        method: Method::GET,
        path_and_query: "/postcards".to_owned(),
        headers: HeaderMap::new(),
        body: keybearer_egress::empty_body(),
    };
    Ok(proxy::call(app, &stage.world.caller, call).await?.status().as_u16())
}

/// The status of a read through another connection.
pub async fn get_from(stage: &Stage, connection: &str, path: &str) -> Result<u16> {
    get_as(stage, &stage.world.caller, connection, path).await
}

/// The same for another caller.
pub async fn get_as(
    stage: &Stage,
    caller: &keybearer_app::Caller,
    connection: &str,
    path: &str,
) -> Result<u16> {
    let call = ProxyCall {
        connection: connection.to_owned(),
        identifier: "u-1".to_owned(),
        method: Method::GET,
        path_and_query: path.to_owned(),
        headers: HeaderMap::new(),
        body: keybearer_egress::empty_body(),
    };
    Ok(proxy::call(stage.app(), caller, call).await?.status().as_u16())
}

/// An account of Ada whose access token ends in this many seconds.
pub async fn connected(stage: &Stage, left: i64) -> accounts::Account {
    connections::set_proxy(stage.app(), &stage.world.caller, &stage.name, true).await.unwrap();
    let account = stage.connect("u-1", "ada").await;
    let past = u64::try_from(60 - left).unwrap();
    stage.world.clock.advance(Duration::from_secs(past));
    account
}

async fn a_hundred_calls_on_an_ended_token_refresh_it_once(stage: &Stage) {
    let before = connected(stage, -1).await;
    let mut apps = vec![stage.app().clone()];
    if stage.world.is_postgres() {
        apps.push(stage.world.another_node().await);
        apps.push(stage.world.another_node().await);
    }
    let calls = (0..100).map(|number| get(&apps[number % apps.len()], stage, "u-1"));
    for status in join_all(calls).await {
        assert_eq!(status.unwrap(), 200);
    }
    let counters = stage.control.counters();
    assert_eq!((counters.refreshes(), counters.rotations, counters.reuses), (1, 1, 0));
    let after = stage.account("u-1").await;
    assert_eq!((after.status, after.generation), (AccountStatus::Active, before.generation + 1));
    // what was rotated is what is stored: the next refresh works, too
    stage.world.clock.advance(Duration::from_secs(61));
    assert_eq!(get(&apps[apps.len() - 1], stage, "u-1").await.unwrap(), 200);
    assert_eq!(stage.control.counters().reuses, 0);
}

async fn a_refused_refresh_token_is_told_once(stage: &Stage) {
    let account = connected(stage, -1).await;
    assert_eq!(stage.control.withdraw("ada", None), 1);
    for _ in 0..3 {
        assert_eq!(code(get(stage.app(), stage, "u-1").await), Code::AccountNeedsSignIn);
    }
    assert_eq!(stage.token_requests("refresh_token"), 1);
    let after = stage.account("u-1").await;
    assert_eq!((after.status, after.reason), (AccountStatus::Expired, StatusReason::RevokedOrExpired));
    let events = stage.world.events(&account.id).await;
    let expired = events.iter().filter(|(_, payload)| payload.to_string().contains("\"EXPIRED\""));
    assert_eq!(expired.count(), 1, "{events:?}");
}

async fn a_passing_failure_leaves_the_account_and_its_living_token(stage: &Stage) {
    connected(stage, 3).await;
    for failure in ["503", "server_error", "rate_limit:7", "html", "drop_after_read"] {
        stage.control.set("refresh", failure).unwrap();
        assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200, "{failure}");
        assert_eq!(stage.account("u-1").await.status, AccountStatus::Active, "{failure}");
    }
    stage.world.clock.advance(Duration::from_secs(4));
    stage.control.set("refresh", "503").unwrap();
    assert_eq!(code(get(stage.app(), stage, "u-1").await), Code::ProviderUnavailable);
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
    stage.control.set("refresh", "works").unwrap();
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200);
}

async fn a_lost_answer_is_recovered_where_the_provider_gives_grace(stage: &Stage) {
    connected(stage, -1).await;
    stage.control.set_all([("grace", "10"), ("refresh", "lose_answer*1")]).unwrap();
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200);
    let counters = stage.control.counters();
    assert_eq!((counters.refreshes(), counters.rotations, counters.grace_answers), (2, 1, 1));
}

async fn a_lost_answer_of_a_strict_provider_is_told_as_interrupted(stage: &Stage) {
    connected(stage, -1).await;
    stage.control.set("refresh", "lose_answer*1").unwrap();
    assert_eq!(code(get(stage.app(), stage, "u-1").await), Code::AccountNeedsSignIn);
    let after = stage.account("u-1").await;
    assert_eq!((after.status, after.reason), (AccountStatus::Expired, StatusReason::RefreshInterrupted));
}

async fn a_refused_app_is_told_at_the_connection_and_leaves_accounts(stage: &Stage) {
    connected(stage, -1).await;
    stage.register("another-secret").await;
    assert_eq!(code(get(stage.app(), stage, "u-1").await), Code::ClientRejected);
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
    let connection = connections::get(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    assert_eq!(connection.attention.as_deref(), Some("client_rejected"));
    stage.register(crate::flows_stage::APP_SECRET).await;
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200);
}

async fn a_deleted_account_stays_deleted_when_its_refresh_lands(stage: &Stage) {
    connected(stage, -1).await;
    stage.control.set("refresh", "slow:300").unwrap();
    let delete = async {
        while stage.token_requests("refresh_token") == 0 {
            tokio::task::yield_now().await;
        }
        accounts::delete(stage.app(), &stage.world.caller, &Lookup::of(&stage.name, "u-1")).await.unwrap()
    };
    let (called, _) = tokio::join!(get(stage.app(), stage, "u-1"), delete);
    assert_eq!(code(called), Code::AccountNotFound);
    let gone = accounts::get(stage.app(), &stage.world.caller, &Lookup::of(&stage.name, "u-1")).await;
    assert_eq!(code(gone), Code::AccountNotFound);
}

async fn a_refresh_on_request_waits_ten_seconds(stage: &Stage) {
    let account = connected(stage, 55).await;
    let now = || refresh_now(stage.app(), &stage.world.caller, &account.id);
    assert_eq!(code(now().await), Code::RateLimited);
    stage.world.clock.advance(Duration::from_secs(6));
    assert!(now().await.unwrap().refreshed);
    assert_eq!(code(now().await), Code::RateLimited);
    assert_eq!(stage.token_requests("refresh_token"), 1);
    let foreign = refresh_now(stage.app(), &stage.world.stranger, &account.id).await;
    assert_eq!(code(foreign), Code::AccountNotFound);
}
