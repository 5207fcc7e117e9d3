//! What a connect link does, and what it does not do.

use std::time::Duration;

use keybearer_app::accounts::Lookup;
use keybearer_app::connections;
use keybearer_app::flows::page::ProblemCase;
use keybearer_app::flows::{self, LinkRequest, PageBody};
use keybearer_core::{AccountStatus, Code, StatusReason};

use crate::accounts::connection;
use crate::flows_stage::{Stage, browser, case, credential_form, done, on_both_staged, page, problem};
use crate::harness::code;

on_both_staged!(crate::flows_stage::plain;
    a_link_connects_the_account_of_the_person_who_allows,
    opening_a_link_a_hundred_times_writes_nothing_and_calls_nobody,
    a_newer_link_takes_the_place_of_the_older_one,
    a_link_ends_after_its_time,
    a_link_of_a_paused_connection_waits,
    a_pasted_key_is_proven_before_it_is_kept,
    the_eleventh_key_in_ten_minutes_is_not_tried,
    a_form_of_another_browser_is_refused,
);

async fn a_link_connects_the_account_of_the_person_who_allows(stage: &Stage) {
    let (token, browser) = (stage.link("u-1").await, browser("a"));
    assert_eq!(stage.account("u-1").await.status, AccountStatus::PendingAuth);
    let parameters = stage.consent(&token, &browser, "ada").await;
    let shown = done(stage.callback(parameters.clone(), &browser).await);
    let account = stage.account("u-1").await;
    assert_eq!((account.status, account.reason), (AccountStatus::Active, StatusReason::Connected));
    assert!(account.identity_id.is_some() && shown.identity == account.identity_label);
    assert_eq!(account.granted_scopes, account.wanted_scopes);
    assert_eq!(shown.missing, []);
    assert_eq!(problem(stage.view(&token, &browser).await).case, ProblemCase::LinkUsed);
    // a reload shows the same page and asks the provider nothing
    assert_eq!(done(stage.callback(parameters, &browser).await).identity, shown.identity);
    assert_eq!(stage.token_requests("authorization_code"), 1);
    let events = stage.world.events(&account.id).await;
    let count = |name: &str| events.iter().filter(|(kind, _)| kind.ends_with(name)).count();
    assert_eq!(count("oauth_succeeded"), 1, "{events:?}");
}

async fn rows(stage: &Stage) -> Vec<String> {
    let mut counts = Vec::new();
    for table in ["flow", "flow_attempt", "account", "event", "audit", "call_log", "refresh_log"] {
        counts.extend(stage.world.sql(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}")).await);
    }
    let flow = "SELECT CAST(state AS TEXT) || expires_at || superseded || COALESCE(failure, '') FROM flow";
    counts.extend(stage.world.sql(flow).await);
    counts
}

async fn opening_a_link_a_hundred_times_writes_nothing_and_calls_nobody(stage: &Stage) {
    let token = stage.link("u-1").await;
    let (before, asked) = (rows(stage).await, stage.control.counters());
    let mut states = std::collections::BTreeSet::new();
    for _ in 0..100 {
        states.insert(stage.provider_url(&token, &browser("a")).await);
    }
    assert_eq!(states.len(), 100, "each page has a state of its own");
    assert_eq!((rows(stage).await, stage.control.counters()), (before, asked));
}

async fn a_newer_link_takes_the_place_of_the_older_one(stage: &Stage) {
    let (old, browser) = (stage.link("u-1").await, browser("a"));
    let parameters = stage.consent(&old, &browser, "ada").await;
    let new = stage.link("u-1").await;
    assert_eq!(problem(stage.view(&old, &browser).await).case, ProblemCase::LinkEnded);
    assert_eq!(case(stage.callback(parameters, &browser).await), ProblemCase::LinkEnded);
    assert_eq!(stage.token_requests("authorization_code"), 0);
    let parameters = stage.consent(&new, &browser, "ada").await;
    done(stage.callback(parameters, &browser).await);
}

async fn a_link_ends_after_its_time(stage: &Stage) {
    let lifetime = Some(Duration::from_secs(60));
    let request = LinkRequest { lookup: Lookup::of(&stage.name, "u-1"), lifetime, ..LinkRequest::default() };
    let (token, browser) = (stage.link_with(request).await, browser("a"));
    stage.world.clock.advance(Duration::from_secs(59));
    let parameters = stage.consent(&token, &browser, "ada").await;
    stage.world.clock.advance(Duration::from_secs(2));
    let ended = problem(stage.view(&token, &browser).await);
    assert_eq!((ended.case, ended.retry), (ProblemCase::LinkEnded, false));
    // who left for the provider in time is not sent away
    done(stage.callback(parameters, &browser).await);
    assert_eq!(problem(stage.view("no-such-token", &browser).await).case, ProblemCase::LinkEnded);
}

async fn a_link_of_a_paused_connection_waits(stage: &Stage) {
    let (token, browser) = (stage.link("u-1").await, browser("a"));
    let parameters = stage.consent(&token, &browser, "ada").await;
    connections::pause(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    let refused = LinkRequest { lookup: Lookup::of(&stage.name, "u-2"), ..LinkRequest::default() };
    assert_eq!(
        code(flows::create_link(stage.app(), &stage.world.caller, refused).await),
        Code::ConnectionPaused
    );
    let made = stage.world.sql("SELECT identifier FROM account ORDER BY identifier").await;
    assert_eq!(made, ["u-1"], "a link that was refused leaves no account");
    assert_eq!(problem(stage.view(&token, &browser).await).case, ProblemCase::ConnectionOff);
    assert_eq!(case(stage.callback(parameters.clone(), &browser).await), ProblemCase::ConnectionOff);
    assert_eq!(stage.token_requests("authorization_code"), 0);
    connections::resume(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    done(stage.callback(parameters, &browser).await);
}

const KEY: &str = "lk_0123456789abcdef0123456789abcdef";
const WITHDRAWN: &str = "lk_0123456789abcdef0123456789ab0000";

struct Form<'a> {
    stage: &'a Stage,
    connection: String,
    token: String,
}

impl<'a> Form<'a> {
    async fn of(stage: &'a Stage, connector: &str) -> Self {
        let connection = connection(&stage.world, connector).await;
        let lookup = Lookup::of(&connection, "u-1");
        let token = stage.link_with(LinkRequest { lookup, ..LinkRequest::default() }).await;
        Self { stage, connection, token }
    }

    async fn post(&self, fields: &[(&str, &str)]) -> flows::Answer {
        let browser = browser("a");
        let csrf = credential_form(self.stage.view(&self.token, &browser).await).csrf;
        let mut form = vec![("csrf".to_owned(), csrf.into())];
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())));
        flows::submit(self.stage.app(), &self.token, &browser, form).await.unwrap()
    }

    async fn account(&self) -> keybearer_app::accounts::Account {
        let lookup = Lookup::of(&self.connection, "u-1");
        keybearer_app::accounts::get(self.stage.app(), &self.stage.world.caller, &lookup).await.unwrap()
    }
}

async fn a_pasted_key_is_proven_before_it_is_kept(stage: &Stage) {
    let form = Form::of(stage, "luggage").await;
    let malformed = credential_form(page(form.post(&[("api_key", "not a key")]).await));
    assert!(malformed.fields[0].error.is_some() && malformed.fields[0].value.is_empty());
    assert_eq!(stage.control.counters().requests, 0, "nothing is sent for a malformed key");
    let refused = credential_form(page(form.post(&[("api_key", WITHDRAWN)]).await));
    assert!(refused.problem.is_some() && refused.fields[0].value.is_empty());
    assert_eq!(form.account().await.status, AccountStatus::PendingAuth);
    assert!(done(form.post(&[("api_key", KEY)]).await).identity.is_some());
    assert_eq!(form.account().await.status, AccountStatus::Active);

    let lockers = Form::of(stage, "lockers").await;
    let wrong = [("username", "ada"), ("password", "wrong")];
    let refused = credential_form(page(lockers.post(&wrong).await));
    assert_eq!((refused.fields[0].value.as_str(), refused.fields[1].value.as_str()), ("ada", ""));
    done(lockers.post(&[("username", "ada"), ("password", "locker-ada")]).await);
    assert_eq!(lockers.account().await.identity_id.as_deref(), Some("ada"));
}

async fn the_eleventh_key_in_ten_minutes_is_not_tried(stage: &Stage) {
    let form = Form::of(stage, "luggage").await;
    for _ in 0..10 {
        credential_form(page(form.post(&[("api_key", WITHDRAWN)]).await));
    }
    let asked = stage.control.counters().requests;
    let refused = problem(page(form.post(&[("api_key", KEY)]).await));
    assert_eq!(refused.case, ProblemCase::TooManyTries);
    assert!(refused.wait_seconds.is_some_and(|wait| (1..=600).contains(&wait)));
    assert_eq!(stage.control.counters().requests, asked);
    stage.world.clock.advance(Duration::from_secs(601));
    done(form.post(&[("api_key", KEY)]).await);
}

async fn a_form_of_another_browser_is_refused(stage: &Stage) {
    let form = Form::of(stage, "luggage").await;
    let csrf = credential_form(stage.view(&form.token, &browser("a")).await).csrf;
    let key = || ("api_key".to_owned(), KEY.into());
    let cases = [
        (browser("b"), vec![("csrf".to_owned(), csrf.clone().into()), key()]),
        (browser("a"), vec![key()]),
        (browser("a"), vec![("csrf".to_owned(), "x".into()), key()]),
        (flows::Visit::default(), vec![("csrf".to_owned(), csrf.into()), key()]),
    ];
    for (visit, fields) in cases {
        let refused = flows::submit(stage.app(), &form.token, &visit, fields).await.unwrap();
        assert_eq!(case(refused), ProblemCase::OtherBrowser);
    }
    assert_eq!(stage.control.counters().requests, 0);
    assert!(matches!(stage.view(&form.token, &browser("a")).await, PageBody::Credentials(_)));
}
