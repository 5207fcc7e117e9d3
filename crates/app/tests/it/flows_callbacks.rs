//! What comes back from the provider, and who may bring it.

use std::time::Duration;

use futures_util::future::join_all;
use keybearer_app::accounts::Lookup;
use keybearer_app::connections::{self, CreateConnection};
use keybearer_app::flows::page::{Page, ProblemCase};
use keybearer_app::flows::{self, Answer, LinkRequest, PageBody, Visit};
use keybearer_core::AccountStatus;
use keybearer_sandbox::Approval;

use crate::flows_stage::{Pairs, Stage, browser, case, done, on_both_staged, page, pairs, value, with};

on_both_staged!(crate::flows_stage::plain;
    fifty_equal_callbacks_send_the_code_once,
    only_the_browser_that_saw_the_page_can_finish,
    a_callback_that_was_tampered_with_is_refused,
    an_answer_in_another_response_mode_is_refused,
    a_state_ends_after_a_quarter_of_an_hour,
    a_no_leaves_what_the_account_had,
    permissions_that_were_left_out_are_shown,
    another_person_replaces_nobody_without_being_asked_for,
    a_failed_exchange_leaves_the_link_usable,
    a_refused_client_secret_is_told_at_the_connection,
);

async fn ready(stage: &Stage) -> (String, Visit, Pairs) {
    let (token, browser) = (stage.link("u-1").await, browser("a"));
    let parameters = stage.consent(&token, &browser, "ada").await;
    (token, browser, parameters)
}

async fn fifty_equal_callbacks_send_the_code_once(stage: &Stage) {
    let (_, browser, parameters) = ready(stage).await;
    let before = stage.account("u-1").await.generation;
    let all = join_all((0..50).map(|_| stage.callback(parameters.clone(), &browser))).await;
    for answer in all {
        done(answer);
    }
    assert_eq!(stage.token_requests("authorization_code"), 1);
    assert_eq!(stage.account("u-1").await.generation, before + 1);
}

async fn only_the_browser_that_saw_the_page_can_finish(stage: &Stage) {
    let (_, own, parameters) = ready(stage).await;
    let fresh = Visit { fresh_browser: true, ..own.clone() };
    for visit in [browser("b"), Visit::default(), fresh] {
        assert_eq!(case(stage.callback(parameters.clone(), &visit).await), ProblemCase::OtherBrowser);
    }
    assert_eq!(stage.token_requests("authorization_code"), 0);
    done(stage.callback(parameters, &own).await);
}

async fn a_callback_that_was_tampered_with_is_refused(stage: &Stage) {
    let (_, browser, good) = ready(stage).await;
    let state = value(&good, "state");
    let mut flipped = state.clone().into_bytes();
    flipped[3] = if flipped[3] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let twice = |name: &str| {
        let mut all = good.clone();
        all.push((name.to_owned(), value(&good, name).as_str().into()));
        all
    };
    let issuer = value(&good, "iss");
    let bad = [
        with(good.clone(), "state", &flipped),
        with(good.clone(), "state", &state[..state.len() - 2]),
        with(good.clone(), "state", ""),
        with(good.clone(), "code", ""),
        twice("state"),
        twice("code"),
        twice("iss"),
        with(good.clone(), "error", "access_denied"),
        with(good.clone(), "iss", ""),
        with(good.clone(), "iss", "https://evil.example"),
        with(good.clone(), "iss", &format!("{issuer}/")),
        with(good.clone(), "iss", &issuer.to_uppercase()),
    ];
    for (number, parameters) in bad.into_iter().enumerate() {
        assert_eq!(
            case(stage.callback(parameters, &browser).await),
            ProblemCase::OtherBrowser,
            "case {number}"
        );
    }
    // the same answer at another connection's address
    let other = crate::accounts::connection(&stage.world, "postcards").await;
    let other = connections::get(stage.app(), &stage.world.caller, &other).await.unwrap().id.to_string();
    for id in [other.as_str(), "conn_0", ""] {
        let answer = flows::callback(stage.app(), id, good.clone(), &browser).await.unwrap();
        assert_eq!(case(answer), ProblemCase::OtherBrowser);
    }
    assert_eq!(stage.token_requests("authorization_code"), 0);
    done(stage.callback(good, &browser).await);
}

/// A13.
async fn an_answer_in_another_response_mode_is_refused(stage: &Stage) {
    let (_, browser, parameters) = ready(stage).await;
    let posted = with(parameters.clone(), flows::POSTED, "1");
    assert_eq!(case(stage.callback(posted, &browser).await), ProblemCase::OtherBrowser);
    assert_eq!(stage.token_requests("authorization_code"), 0);
    done(stage.callback(parameters, &browser).await);

    let wanted = CreateConnection { connector: "postbox".to_owned(), ..crate::connections::postcards() };
    let connection = connections::create(stage.app(), &stage.world.caller, wanted).await.unwrap();
    stage.register_for(&connection.id.to_string(), crate::flows_stage::APP_SECRET);
    let lookup = Lookup::of(&connection.name, "u-2");
    let token = stage.link_with(LinkRequest { lookup, ..LinkRequest::default() }).await;
    // the sandbox answers by redirect only; a post is what our own route makes of it
    let url = stage.provider_url(&token, &browser).await;
    assert!(url.contains("&response_mode=form_post"), "{url}");
    let parameters = stage.approve(&url.replace("&response_mode=form_post", ""), "ada");
    let call = |parameters| flows::callback(stage.app(), connection.id.as_str(), parameters, &browser);
    assert_eq!(case(call(parameters.clone()).await.unwrap()), ProblemCase::OtherBrowser);
    done(call(with(parameters, flows::POSTED, "1")).await.unwrap());
}

async fn a_state_ends_after_a_quarter_of_an_hour(stage: &Stage) {
    let (token, browser) = (stage.link("u-1").await, browser("a"));
    let url = stage.provider_url(&token, &browser).await;
    stage.world.clock.advance(Duration::from_secs(15 * 60 + 1));
    let late = stage.approve(&url, "ada");
    assert_eq!(case(stage.callback(late, &browser).await), ProblemCase::LinkEnded);
    assert_eq!(stage.token_requests("authorization_code"), 0);
    // the link itself still stands
    let again = stage.consent(&token, &browser, "ada").await;
    done(stage.callback(again, &browser).await);
}

async fn a_no_leaves_what_the_account_had(stage: &Stage) {
    let before = stage.connect("u-1", "ada").await;
    let (token, browser) = (stage.link("u-1").await, browser("a"));
    let refusal = stage.consent(&token, &browser, "ben").await;
    assert_eq!(case(stage.callback(refusal, &browser).await), ProblemCase::Denied);
    let after = stage.account("u-1").await;
    assert_eq!((after.status, after.generation), (AccountStatus::Active, before.generation));
    let parameters = stage.consent(&token, &browser, "ada").await;
    done(stage.callback(parameters, &browser).await);
}

async fn permissions_that_were_left_out_are_shown(stage: &Stage) {
    let (token, browser) = (stage.link("u-1").await, browser("a"));
    let url = stage.provider_url(&token, &browser).await;
    let approval = Approval { person: "dee".to_owned(), scopes: Some(vec!["profile.read".to_owned()]) };
    let parameters = pairs(&stage.control.approve(&url, &approval).unwrap());
    let shown = done(stage.callback(parameters, &browser).await);
    let missing: Vec<_> = shown.missing.iter().map(|line| line.scope.as_str()).collect();
    let account = stage.account("u-1").await;
    assert_eq!(account.granted_scopes, ["profile.read"]);
    assert_eq!(account.status, AccountStatus::Active);
    assert!(!missing.is_empty() && account.missing_scopes == missing);
}

async fn another_person_replaces_nobody_without_being_asked_for(stage: &Stage) {
    let before = stage.connect("u-1", "ada").await;
    for (choice, replaced) in [("back", false), ("keep", true)] {
        let (token, browser) = (stage.link("u-1").await, browser("a"));
        let parameters = stage.consent(&token, &browser, "eve").await;
        let PageBody::IdentityChanged(asked) = page(stage.callback(parameters.clone(), &browser).await)
        else {
            panic!("nobody was asked");
        };
        assert_eq!(stage.account("u-1").await.generation, before.generation);
        assert_eq!(Some(asked.before), before.identity_label);
        // a reload asks again, and changes nothing
        assert!(matches!(page(stage.callback(parameters, &browser).await), PageBody::IdentityChanged(_)));
        let form = vec![("csrf".to_owned(), asked.csrf.into()), ("choice".to_owned(), choice.into())];
        let Answer::Page(answer) = flows::submit(stage.app(), &token, &browser, form).await.unwrap() else {
            panic!("a redirect");
        };
        let Page { body: PageBody::Done(_), .. } = *answer else { panic!("{answer:?}") };
        let after = stage.account("u-1").await;
        assert_eq!(after.identity_id != before.identity_id, replaced);
        assert_eq!(after.previous_identity_id, before.identity_id.clone().filter(|_| replaced));
        assert_eq!(stage.control.live_grants("eve"), usize::from(replaced), "{choice}");
    }
}

async fn a_failed_exchange_leaves_the_link_usable(stage: &Stage) {
    let (token, browser, parameters) = ready(stage).await;
    stage.control.set("exchange", "503*1").unwrap();
    assert_eq!(case(stage.callback(parameters.clone(), &browser).await), ProblemCase::ProviderAway);
    // the code is not sent a second time, whatever happened to the first
    assert_eq!(case(stage.callback(parameters, &browser).await), ProblemCase::ProviderAway);
    assert_eq!(stage.token_requests("authorization_code"), 1);
    assert_eq!(stage.account("u-1").await.status, AccountStatus::PendingAuth);
    let again = stage.consent(&token, &browser, "ada").await;
    done(stage.callback(again, &browser).await);
}

async fn a_refused_client_secret_is_told_at_the_connection(stage: &Stage) {
    let (_, browser, parameters) = ready(stage).await;
    stage.register("another-secret").await;
    assert_eq!(case(stage.callback(parameters, &browser).await), ProblemCase::AppRefused);
    let connection = connections::get(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    assert_eq!(connection.attention.as_deref(), Some("client_rejected"));
    assert_eq!(stage.account("u-1").await.status, AccountStatus::PendingAuth);
}
