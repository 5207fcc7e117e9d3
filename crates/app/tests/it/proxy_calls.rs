//! Proxied calls on both databases: when a refusal leads to a refresh, how much may be called, and where to.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::join_all;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use keybearer_app::proxy::{self, ProxyCall};
use keybearer_app::{AppConfig, connections};
use keybearer_core::{Code, Result};
use keybearer_egress::{BodyStream, empty_body};

use crate::accounts::connection;
use crate::flows_stage::{Stage, on_both_staged};
use crate::harness::code;
use crate::tokens_refresh::connected;

fn frugal(config: &mut AppConfig) {
    config.proxy.account_calls_per_second = const { NonZeroU32::new(2).unwrap() };
    config.proxy.account_calls_at_once = const { NonZeroU32::new(3).unwrap() };
    config.proxy.connection_calls_per_second = const { NonZeroU32::new(3).unwrap() };
}

on_both_staged!(crate::flows_stage::plain;
    a_refused_token_is_exchanged_once_and_a_read_is_repeated,
    a_write_is_repeated_where_the_refusal_proves_that_nothing_happened,
    a_lasting_refusal_is_passed_on_after_one_try,
    a_paused_connection_and_a_switched_off_proxy_send_nothing,
);

on_both_staged!(super::frugal;
    an_account_that_calls_too_often_is_told_when_to_come_again,
    calls_under_way_are_counted_until_their_answer_is_read,
);

async fn call(
    stage: &Stage,
    method: Method,
    path: &str,
    body: BodyStream,
) -> Result<http::Response<BodyStream>> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    let call = ProxyCall {
        connection: stage.name.clone(),
        identifier: "u-1".to_owned(),
        method,
        path_and_query: path.to_owned(),
        headers,
        body,
    };
    proxy::call(stage.app(), &stage.world.caller, call).await
}

async fn status(stage: &Stage, method: Method, path: &str, body: &'static str) -> Result<StatusCode> {
    let body =
        Full::new(bytes::Bytes::from_static(body.as_bytes())).map_err(|never| match never {}).boxed_unsync();
    let answer = call(stage, method, path, body).await?;
    let status = answer.status();
    answer.into_body().collect().await.unwrap();
    Ok(status)
}

/// E21.
async fn a_refused_token_is_exchanged_once_and_a_read_is_repeated(stage: &Stage) {
    connected(stage, 50).await;
    stage.control.set("api", "unauthorized*1").unwrap();
    assert_eq!(status(stage, Method::GET, "/postcards", "").await.unwrap(), 200);
    assert_eq!(stage.token_requests("refresh_token"), 1);
}

/// E21.
async fn a_write_is_repeated_where_the_refusal_proves_that_nothing_happened(stage: &Stage) {
    connected(stage, 50).await;
    stage.control.set("api", "unauthorized*1").unwrap();
    let before = stage.control.requests(0).len();
    let answered = status(stage, Method::POST, "/postcards", r#"{"to":"Ben","text":"Hello"}"#).await.unwrap();
    let seen = stage.control.requests(0).into_iter().skip(before);
    let posts = seen.filter(|seen| seen.method == "POST" && seen.path.ends_with("/postcards")).count();
    // a bearer challenge with invalid_token says that the request was not looked at, RFC 6750 §3.1
    assert_eq!((answered.as_u16(), posts), (201, 2));
    assert_eq!(stage.token_requests("refresh_token"), 1, "one refresh");
}

/// E21.
async fn a_lasting_refusal_is_passed_on_after_one_try(stage: &Stage) {
    connected(stage, 50).await;
    stage.control.set("api", "unauthorized").unwrap();
    assert_eq!(status(stage, Method::GET, "/postcards", "").await.unwrap(), 401);
    assert_eq!(stage.token_requests("refresh_token"), 1);
    // a token that is seconds old is not exchanged again and again
    stage.control.set("api", "works").unwrap();
    assert_eq!(status(stage, Method::GET, "/postcards", "").await.unwrap(), 200);
}

/// I10.
async fn a_paused_connection_and_a_switched_off_proxy_send_nothing(stage: &Stage) {
    connected(stage, 50).await;
    let before = stage.control.requests(0).len();
    connections::set_proxy(stage.app(), &stage.world.caller, &stage.name, false).await.unwrap();
    assert_eq!(code(status(stage, Method::GET, "/postcards", "").await), Code::ProxyDisabled);
    connections::set_proxy(stage.app(), &stage.world.caller, &stage.name, true).await.unwrap();
    connections::pause(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    assert_eq!(code(status(stage, Method::GET, "/postcards", "").await), Code::ConnectionPaused);
    assert_eq!(code(status(stage, Method::CONNECT, "/postcards", "").await), Code::InvalidArgument);
    assert_eq!(code(status(stage, Method::TRACE, "/postcards", "").await), Code::InvalidArgument);
    assert_eq!(stage.control.requests(0).len(), before);
    assert_eq!(connection(&stage.world, "luggage").await, "luggage");
}

/// E23.
async fn an_account_that_calls_too_often_is_told_when_to_come_again(stage: &Stage) {
    connected(stage, 50).await;
    let mut refused = 0;
    for _ in 0..12 {
        match status(stage, Method::GET, "/postcards", "").await {
            Ok(status) => assert_eq!(status, 200),
            Err(error) => {
                assert_eq!(error.code, Code::RateLimited);
                assert!(
                    error.retry_after_seconds.is_some_and(|seconds| (1..=2).contains(&seconds)),
                    "{error:?}"
                );
                refused += 1;
            }
        }
    }
    assert!((1..=8).contains(&refused), "{refused} of 12 refused with 4 at once and 2 a second");
}

/// E23.
async fn calls_under_way_are_counted_until_their_answer_is_read(stage: &Stage) {
    connected(stage, 50).await;
    let open = join_all((0..3).map(|_| call(stage, Method::GET, "/postcards", empty_body()))).await;
    let fourth = call(stage, Method::GET, "/postcards", empty_body()).await;
    assert_eq!(code(fourth.map(|answer| answer.status())), Code::RateLimited);
    drop(open);
    tokio::time::timeout(Duration::from_secs(10), async {
        while status(stage, Method::GET, "/postcards", "").await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}
