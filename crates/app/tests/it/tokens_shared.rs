//! Refreshes of several workers: who waits, who wins, and what happens ahead of time.

use std::time::Duration;

use keybearer_app::{AppConfig, jobs};
use keybearer_core::{AccountStatus, Code};

use crate::flows_stage::{Stage, on_both_staged};
use crate::harness::code;
use crate::tokens_refresh::{connected, get};

fn hasty(config: &mut AppConfig) {
    config.refresh.wait = Duration::from_millis(300);
    config.refresh.tick = Duration::from_millis(20);
}

on_both_staged!(super::hasty;
    who_cannot_get_the_lease_is_told_to_come_again,
    a_sign_in_during_a_slow_refresh_wins,
    tokens_are_refreshed_ahead_of_their_end,
    a_stopped_node_neither_loses_nor_repeats_a_refresh,
);

async fn who_cannot_get_the_lease_is_told_to_come_again(stage: &Stage) {
    connected(stage, 3).await;
    let held = "lease_owner = 'other:1', lease_until = 9000000000000000, refresh_state = 'in_flight'";
    stage.world.sql(&format!("UPDATE account SET {held}")).await;
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200, "the old token still lives");
    stage.world.clock.advance(Duration::from_secs(4));
    let error = get(stage.app(), stage, "u-1").await.unwrap_err();
    assert_eq!((error.code, error.retry_after_seconds), (Code::RefreshInProgress, Some(2)));
    assert_eq!(stage.token_requests("refresh_token"), 0, "never without the lease");
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
    stage.world.sql("UPDATE account SET lease_until = 1").await;
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200);
}

async fn a_sign_in_during_a_slow_refresh_wins(stage: &Stage) {
    let before = connected(stage, -1).await;
    stage.control.set("refresh", "slow:400").unwrap();
    let sign_in = async {
        while stage.token_requests("refresh_token") == 0 {
            tokio::task::yield_now().await;
        }
        stage.connect("u-1", "ada").await
    };
    let (_, again) = tokio::join!(get(stage.app(), stage, "u-1"), sign_in);
    assert_eq!(again.generation, before.generation + 1);
    let after = stage.account("u-1").await;
    assert_eq!((after.status, after.generation), (AccountStatus::Active, again.generation));
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200);
    assert!(stage.world.spilled().is_empty());
}

async fn tokens_are_refreshed_ahead_of_their_end(stage: &Stage) {
    let before = connected(stage, 60).await;
    let jobs = jobs::start(stage.app());
    stage.world.clock.advance(Duration::from_secs(50));
    let refreshed = async {
        while stage.account("u-1").await.generation == before.generation {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), refreshed).await.unwrap();
    jobs.stop(Duration::from_secs(20)).await;
    assert_eq!(stage.token_requests("refresh_token"), 1);
    assert_eq!(code(get(stage.app(), stage, "u-2").await), Code::AccountNotFound);
}

async fn a_stopped_node_neither_loses_nor_repeats_a_refresh(stage: &Stage) {
    let before = connected(stage, -1).await;
    stage.control.set("refresh", "slow:400").unwrap();
    let jobs = jobs::start(stage.app());
    // the caller waits 300 ms and goes away; the refresh goes on
    assert_eq!(code(get(stage.app(), stage, "u-1").await), Code::RefreshInProgress);
    jobs.stop(Duration::from_secs(20)).await;
    assert_eq!(stage.account("u-1").await.generation, before.generation + 1);
    assert_eq!(stage.token_requests("refresh_token"), 1);
}
