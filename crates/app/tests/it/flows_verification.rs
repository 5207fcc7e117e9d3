//! Verification: the app says who the person is before the code is exchanged, or the person shows it.

use std::time::Duration;

use keybearer_app::accounts::{self, Lookup};
use keybearer_app::flows::page::ProblemCase;
use keybearer_app::flows::{self, Answer, LinkRequest, PageBody, Visit};
use keybearer_app::members::{self, NewMember};
use keybearer_app::sessions::{self, Session, Visitor};
use keybearer_app::{AppConfig, Permission, connections};
use keybearer_core::{AccountStatus, Code, MemberRole, Result, StatusReason, VerifyMode};

use crate::flows_stage::{Pairs, Stage, browser, case, on_both_staged, page, pairs, value};
use crate::harness::code;

const VERIFY: &str = "https://app.example/verify";

fn custom(config: &mut AppConfig) {
    config.verify_mode = VerifyMode::Custom;
    config.verify_urls = vec![VERIFY.parse().unwrap()];
}

on_both_staged!(super::custom;
    the_right_person_is_connected_after_the_app_says_so,
    another_person_destroys_the_code,
    a_developer_sees_who_waits_and_plays_the_app_outside_of_production,
    another_environment_does_not_know_the_request,
    another_account_holder_replaces_nobody_without_being_asked_for,
    a_right_and_a_wrong_answer_at_once_have_one_winner,
    a_request_ends_with_its_link_its_connection_and_its_time,
    a_link_without_a_listed_address_cannot_be_verified,
);

fn request(stage: &Stage) -> LinkRequest {
    LinkRequest {
        lookup: Lookup::of(&stage.name, "u-1"),
        app_state: Some("app state".to_owned()),
        user_verify_url: Some(format!("{VERIFY}/user?a=1")),
        ..LinkRequest::default()
    }
}

/// Ada allows; gives what the app receives, and what the provider sent.
async fn parked(stage: &Stage) -> (Pairs, Pairs) {
    let (token, browser) = (stage.link_with(request(stage)).await, browser("a"));
    let parameters = stage.consent(&token, &browser, "ada").await;
    (redirected(stage.callback(parameters.clone(), &browser).await), parameters)
}

fn redirected(answer: Answer) -> Pairs {
    let Answer::Redirect(url) = answer else { panic!("{answer:?}") };
    assert!(url.as_str().starts_with("https://app.example/verify/user?a=1&auth_request_id="));
    pairs(&url)
}

async fn verify(stage: &Stage, id: &str, user: &str) -> Result<String> {
    flows::verify(stage.app(), &stage.world.caller, id, user).await
}

async fn a_developer_sees_who_waits_and_plays_the_app_outside_of_production(stage: &Stage) {
    let (app, caller) = (stage.app(), &stage.world.caller);
    assert!(flows::waiting(app, caller).await.unwrap().is_empty());
    let (received, _) = parked(stage).await;
    let id = value(&received, "auth_request_id");
    let waiting = flows::waiting(app, caller).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((&*waiting[0].request, &*waiting[0].user, &waiting[0].connection), (&*id, "u-1", &stage.name));
    assert!(flows::waiting(app, &stage.world.stranger).await.unwrap().is_empty());
    let foreign = flows::simulate(app, &stage.world.stranger, &id, "u-1").await;
    assert_eq!(code(foreign), Code::FlowNotFound);
    let reader = stage.world.with_permissions(&[Permission::AccountsRead]);
    assert_eq!(code(flows::waiting(app, &reader).await), Code::PermissionDenied);
    assert_eq!(code(flows::simulate(app, &reader, &id, "u-1").await), Code::PermissionDenied);
    // the same environment in production: neither list nor confirmation
    let kind =
        |word: &str| format!("UPDATE environment SET kind = '{word}' WHERE id = '{}'", caller.environment);
    stage.world.sql(&kind("prod")).await;
    assert_eq!(code(flows::waiting(app, caller).await), Code::FailedPrecondition);
    assert_eq!(code(flows::simulate(app, caller, &id, "u-1").await), Code::FailedPrecondition);
    assert_eq!(stage.token_requests("authorization_code"), 0);
    stage.world.sql(&kind("dev")).await;
    flows::simulate(app, caller, &id, "u-1").await.unwrap();
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
    assert!(flows::waiting(app, caller).await.unwrap().is_empty());
}

async fn the_right_person_is_connected_after_the_app_says_so(stage: &Stage) {
    let (received, parameters) = parked(stage).await;
    assert_eq!(value(&received, "state"), "app state");
    let waiting = stage.account("u-1").await;
    assert_eq!(waiting.status, AccountStatus::PendingVerification);
    assert_eq!(stage.token_requests("authorization_code"), 0);
    // a reload leads to the same place
    let id = value(&received, "auth_request_id");
    assert_eq!(value(&redirected(stage.callback(parameters, &browser("a")).await), "auth_request_id"), id);
    let next = verify(stage, &id, "u-1").await.unwrap();
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
    let query = next.split_once('?').unwrap().1;
    let shown = flows::success(stage.app(), query, None, &browser("z")).await.unwrap();
    let PageBody::Done(done) = page(shown) else { panic!("not done") };
    assert_eq!(done.identity, None, "anybody can open this page");
    assert_eq!(code(verify(stage, &id, "u-1").await), Code::FlowNotFound);
    assert_eq!(stage.token_requests("authorization_code"), 1);
}

async fn another_person_destroys_the_code(stage: &Stage) {
    let (received, parameters) = parked(stage).await;
    let id = value(&received, "auth_request_id");
    assert_eq!(code(verify(stage, &id, "u-2").await), Code::IdentifierMismatch);
    assert_eq!(code(verify(stage, &id, "u-1").await), Code::FlowNotFound);
    let account = stage.account("u-1").await;
    assert_eq!(
        (account.status, account.reason),
        (AccountStatus::PendingAuth, StatusReason::VerificationMismatch)
    );
    assert_eq!(case(stage.callback(parameters, &browser("a")).await), ProblemCase::OtherPerson);
    assert_eq!(stage.token_requests("authorization_code"), 0);
    let sealed = "SELECT state_hash FROM flow_attempt WHERE sealed IS NOT NULL";
    assert!(stage.world.sql(sealed).await.is_empty(), "the code is still there");
}

/// B18.
async fn another_account_holder_replaces_nobody_without_being_asked_for(stage: &Stage) {
    let id = value(&parked(stage).await.0, "auth_request_id");
    verify(stage, &id, "u-1").await.unwrap();
    let before = stage.account("u-1").await;
    let (token, browser) = (stage.link_with(request(stage)).await, browser("a"));
    let parameters = stage.consent(&token, &browser, "eve").await;
    let received = redirected(stage.callback(parameters, &browser).await);
    let next = verify(stage, &value(&received, "auth_request_id"), "u-1").await.unwrap();
    assert_eq!(stage.account("u-1").await.generation, before.generation, "the old grant stays");
    let query = next.split_once('?').unwrap().1;
    let seen = |link: Option<String>, cookie| {
        let visit = crate::flows_stage::browser(cookie);
        async move { page(flows::success(stage.app(), query, link.as_deref(), &visit).await.unwrap()) }
    };
    assert!(matches!(seen(None, "z").await, PageBody::Done(_)), "who has no link learns nothing");
    let PageBody::IdentityChanged(asked) = seen(Some(token.clone()), "a").await else {
        panic!("nobody was asked")
    };
    assert_eq!(Some(asked.before), before.identity_label);
    let form = vec![("csrf".to_owned(), asked.csrf.into()), ("choice".to_owned(), "keep".into())];
    flows::submit(stage.app(), &token, &browser, form).await.unwrap();
    let after = stage.account("u-1").await;
    assert_eq!(after.previous_identity_id, before.identity_id);
    assert_eq!(after.generation, before.generation + 1);
}

/// I4.
async fn a_right_and_a_wrong_answer_at_once_have_one_winner(stage: &Stage) {
    for _ in 0..5 {
        let id = value(&parked(stage).await.0, "auth_request_id");
        let users = (0..20).map(|number| if number % 2 == 0 { "u-1" } else { "u-2" });
        let answers = futures_util::future::join_all(users.map(|user| verify(stage, &id, user))).await;
        let won: Vec<_> = answers
            .into_iter()
            .filter(|answer| answer.as_ref().err().is_none_or(|error| error.code != Code::FlowNotFound))
            .collect();
        assert_eq!(won.len(), 1, "{won:?}");
        let active = stage.account("u-1").await.status == AccountStatus::Active;
        assert_eq!(won[0].is_ok(), active);
        accounts::delete(stage.app(), &stage.world.caller, &Lookup::of(&stage.name, "u-1")).await.unwrap();
    }
}

async fn another_environment_does_not_know_the_request(stage: &Stage) {
    let (received, _) = parked(stage).await;
    let id = value(&received, "auth_request_id");
    for user in ["u-1", "u-2"] {
        let foreign = flows::verify(stage.app(), &stage.world.stranger, &id, user).await;
        assert_eq!(code(foreign), Code::FlowNotFound);
    }
    for unknown in ["", "x", &"x".repeat(5000)] {
        assert_eq!(code(verify(stage, unknown, "u-1").await), Code::FlowNotFound);
    }
    verify(stage, &id, "u-1").await.unwrap();
}

async fn a_request_ends_with_its_link_its_connection_and_its_time(stage: &Stage) {
    let superseded = value(&parked(stage).await.0, "auth_request_id");
    let id = value(&parked(stage).await.0, "auth_request_id");
    assert_eq!(code(verify(stage, &superseded, "u-1").await), Code::FlowNotFound);
    connections::pause(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    assert_eq!(code(verify(stage, &id, "u-1").await), Code::ConnectionPaused);
    connections::resume(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    stage.world.clock.advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(code(verify(stage, &id, "u-1").await), Code::FlowNotFound);
    assert_eq!(stage.token_requests("authorization_code"), 0);
}

async fn a_link_without_a_listed_address_cannot_be_verified(stage: &Stage) {
    let foreign = LinkRequest { user_verify_url: Some("https://evil.example/".to_owned()), ..request(stage) };
    let refused = flows::create_link(stage.app(), &stage.world.caller, foreign).await;
    assert_eq!(code(refused), Code::InvalidArgument);
    let none = LinkRequest { user_verify_url: None, ..request(stage) };
    let (token, browser) = (stage.link_with(none).await, browser("a"));
    let parameters = stage.consent(&token, &browser, "ada").await;
    assert_eq!(case(stage.callback(parameters, &browser).await), ProblemCase::AppRefused);
    assert_eq!(stage.token_requests("authorization_code"), 0);
}

fn by_dashboard(config: &mut AppConfig) {
    config.verify_mode = VerifyMode::Dashboard;
    config.verify_urls = vec![VERIFY.parse().unwrap()];
}

on_both_staged!(super::by_dashboard;
    a_member_who_is_the_user_confirms_in_the_browser_that_came_back,
    another_member_destroys_what_came_back,
);

const USER: &str = "Una@Fieldnote.example";

/// Somebody who is signed in to the dashboard.
async fn member(stage: &Stage, email: &str) -> Session {
    let (app, caller) = (stage.app(), &stage.world.caller);
    let new = NewMember { email: email.to_owned(), name: String::new() };
    let (_, link) = members::invite(app, caller, &new, MemberRole::Viewer).await.unwrap();
    let token = value(&pairs(&link), "t");
    let member = members::choose_password(app, &token.into(), "correct horse battery".into()).await.unwrap();
    let signed = sessions::begin(app, &member, &Visitor::default()).await.unwrap();
    sessions::resume(app, &signed.token).await.unwrap().unwrap()
}

/// What the browser brings to the page of the dashboard, and what the provider sent.
async fn at_the_dashboard(stage: &Stage) -> (String, Pairs) {
    let wanted = LinkRequest {
        lookup: Lookup::of(&stage.name, USER),
        // an address of the app changes nothing: the dashboard confirms
        user_verify_url: Some(format!("{VERIFY}/user")),
        ..LinkRequest::default()
    };
    let (token, browser) = (stage.link_with(wanted).await, browser("a"));
    let parameters = stage.consent(&token, &browser, "ada").await;
    let sent = || async {
        let Answer::Redirect(url) = stage.callback(parameters.clone(), &browser).await else {
            panic!("no way on")
        };
        assert!(url.as_str().starts_with("https://keys.example/connect/confirm?request="), "{url}");
        value(&pairs(&url), "request")
    };
    let request = sent().await;
    assert_eq!(sent().await, request, "a reload leads to the same place");
    assert_eq!(stage.account(USER).await.status, AccountStatus::PendingVerification);
    (request, parameters)
}

async fn a_member_who_is_the_user_confirms_in_the_browser_that_came_back(stage: &Stage) {
    let una = member(stage, "una@fieldnote.example").await;
    let (request, _) = at_the_dashboard(stage).await;
    let app = stage.app();
    // whoever sends her the address of their own consent gets nothing confirmed
    assert_eq!(code(flows::confirm(app, &una, &browser("b"), &request).await), Code::FlowNotFound);
    assert_eq!(code(flows::confirm(app, &una, &Visit::default(), &request).await), Code::FlowNotFound);
    assert_eq!(code(verify(stage, &request, USER).await), Code::FlowNotFound, "the API does not confirm it");
    let a = browser("a").browser.unwrap();
    assert_eq!(code(verify(stage, &format!("dashboard\0{a}\0{request}"), USER).await), Code::FlowNotFound);
    assert_eq!(stage.token_requests("authorization_code"), 0);
    let next = flows::confirm(app, &una, &browser("a"), &request).await.unwrap();
    assert!(next.starts_with("https://keys.example/connect/success?flow="), "{next}");
    assert_eq!(stage.account(USER).await.status, AccountStatus::Active);
    assert_eq!(code(flows::confirm(app, &una, &browser("a"), &request).await), Code::FlowNotFound);
    assert_eq!(stage.token_requests("authorization_code"), 1);
}

async fn another_member_destroys_what_came_back(stage: &Stage) {
    let (una, eve) =
        (member(stage, "una@fieldnote.example").await, member(stage, "eve@fieldnote.example").await);
    let (request, parameters) = at_the_dashboard(stage).await;
    let error = flows::confirm(stage.app(), &eve, &browser("a"), &request).await.unwrap_err();
    assert_eq!(error.code, Code::IdentifierMismatch);
    assert!(
        error.detail.contains("eve@fieldnote.example") && !error.detail.to_lowercase().contains("una@"),
        "{error}"
    );
    assert_eq!(code(flows::confirm(stage.app(), &una, &browser("a"), &request).await), Code::FlowNotFound);
    let account = stage.account(USER).await;
    assert_eq!(
        (account.status, account.reason),
        (AccountStatus::PendingAuth, StatusReason::VerificationMismatch)
    );
    assert_eq!(case(stage.callback(parameters, &browser("a")).await), ProblemCase::OtherPerson);
    assert_eq!(stage.token_requests("authorization_code"), 0);
    let mismatch = stage.world.audited(account.id.as_str(), "verify.mismatch").await;
    assert_eq!(mismatch, 1);
}
