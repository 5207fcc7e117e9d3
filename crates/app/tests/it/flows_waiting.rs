//! An exchange that takes long, and what a link shows of an account that is there already.

use std::time::Duration;

use keybearer_app::accounts::{self, Lookup};
use keybearer_app::connections::{self, ScopeSettings, UpdateConnection};
use keybearer_app::flows::page::Standing;
use keybearer_app::flows::{self, Answer, LinkRequest, PageBody};
use keybearer_core::{AccountStatus, Code};
use keybearer_sandbox::{Failure, Stage as Point};

use crate::flows_stage::{Pairs, Stage, browser, case, on_both_staged, page};

on_both_staged!(crate::flows_stage::plain;
    a_slow_exchange_gives_a_page_that_comes_to_the_end_by_itself,
    an_exchange_goes_on_when_the_browser_leaves,
    a_slow_exchange_that_fails_says_so_at_the_next_look,
    after_ten_seconds_the_person_may_leave,
    a_link_says_where_the_account_stands,
    a_link_keeps_its_language,
);

/// Looks again, as the page does, until the exchange is over.
async fn look_until_it_ends(stage: &Stage, parameters: &Pairs) -> Answer {
    for _ in 0..20 {
        let answer = stage.callback(parameters.clone(), &browser("a")).await;
        if !matches!(&answer, Answer::Page(page) if matches!(page.body, PageBody::Waiting(_))) {
            return answer;
        }
    }
    panic!("the exchange does not end");
}

fn waits(answer: Answer) -> bool {
    match page(answer) {
        PageBody::Waiting(waiting) => waiting.slow,
        other => panic!("{other:?}"),
    }
}

async fn slow(stage: &Stage, failure: Failure) -> Pairs {
    let token = stage.link("u-1").await;
    let parameters = stage.consent(&token, &browser("a"), "ada").await;
    stage.control.fail(Point::Exchange, failure, Some(1)).unwrap();
    parameters
}

async fn a_slow_exchange_gives_a_page_that_comes_to_the_end_by_itself(stage: &Stage) {
    let parameters = slow(stage, Failure::Slow(2_500)).await;
    assert!(!waits(stage.callback(parameters.clone(), &browser("a")).await), "the first page");
    assert!(matches!(page(look_until_it_ends(stage, &parameters).await), PageBody::Done(_)));
    assert!(matches!(page(stage.callback(parameters, &browser("a")).await), PageBody::Done(_)), "a reload");
    assert_eq!(stage.token_requests("authorization_code"), 1);
}

async fn an_exchange_goes_on_when_the_browser_leaves(stage: &Stage) {
    let parameters = slow(stage, Failure::Slow(700)).await;
    let visit = browser("a");
    let left = tokio::time::timeout(Duration::from_millis(300), stage.callback(parameters.clone(), &visit));
    assert!(left.await.is_err(), "the browser is gone before the answer");
    assert!(matches!(page(look_until_it_ends(stage, &parameters).await), PageBody::Done(_)));
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
    assert_eq!(stage.token_requests("authorization_code"), 1);
}

async fn a_slow_exchange_that_fails_says_so_at_the_next_look(stage: &Stage) {
    let parameters = slow(stage, Failure::Slow(2_000)).await;
    // the secret is replaced while the answer is on its way
    stage.register("another secret than ours 0001").await;
    waits(stage.callback(parameters.clone(), &browser("a")).await);
    let ended = look_until_it_ends(stage, &parameters).await;
    assert_eq!(case(ended), flows::page::ProblemCase::AppRefused);
}

async fn after_ten_seconds_the_person_may_leave(stage: &Stage) {
    let parameters = slow(stage, Failure::Slow(4_000)).await;
    assert!(!waits(stage.callback(parameters.clone(), &browser("a")).await));
    stage.world.clock.advance(Duration::from_secs(10));
    assert!(waits(stage.callback(parameters.clone(), &browser("a")).await));
    assert!(matches!(page(look_until_it_ends(stage, &parameters).await), PageBody::Done(_)));
}

async fn standing(stage: &Stage, request: LinkRequest) -> (Standing, Vec<String>) {
    let token = stage.link_with(request).await;
    match stage.view(&token, &browser("a")).await {
        PageBody::Start(start) => {
            (start.standing, start.permissions.into_iter().map(|line| line.scope).collect())
        }
        other => panic!("{other:?}"),
    }
}

async fn a_link_says_where_the_account_stands(stage: &Stage) {
    let plain = || LinkRequest { lookup: Lookup::of(&stage.name, "u-1"), ..LinkRequest::default() };
    assert_eq!(standing(stage, plain()).await.0, Standing::New);
    let account = stage.connect("u-1", "ada").await;
    let identity = account.identity_label.clone().or(account.identity_id.clone());
    let (connected, wanted) = standing(stage, plain()).await;
    assert_eq!(connected, Standing::Connected { identity });

    let mut scopes = wanted.clone();
    scopes.push("postcards.delete".to_owned());
    let scopes = Some(ScopeSettings { scopes, ..ScopeSettings::default() });
    let change = UpdateConnection { scopes, ..UpdateConnection::default() };
    connections::update(stage.app(), &stage.world.caller, &stage.name, change).await.unwrap();
    assert_eq!(standing(stage, plain()).await, (Standing::More, vec!["postcards.delete".to_owned()]));

    accounts::disconnect(stage.app(), &stage.world.caller, &Lookup::of(&stage.name, "u-1")).await.unwrap();
    assert_eq!(standing(stage, plain()).await.0, Standing::Again { lost_at: None });
}

async fn a_link_keeps_its_language(stage: &Stage) {
    let request = |locale: &str| LinkRequest {
        lookup: Lookup::of(&stage.name, "u-1"),
        locale: Some(locale.to_owned()),
        ..LinkRequest::default()
    };
    for (given, kept) in [("pt", Some("pt-BR")), ("ja-JP", Some("ja")), (" ", None)] {
        let token = stage.link_with(request(given)).await;
        let Answer::Page(page) = flows::view(stage.app(), &token, &browser("a")).await.unwrap() else {
            panic!("no page")
        };
        assert_eq!(page.head.locale.as_deref(), kept, "{given}");
    }
    let refused = flows::create_link(stage.app(), &stage.world.caller, request("tlh")).await.unwrap_err();
    assert_eq!((refused.code, refused.violations[0].field.as_str()), (Code::InvalidArgument, "locale"));
}
