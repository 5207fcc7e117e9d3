//! Tests of a connection as the dashboard makes them: what each step saw, and in which words.

use keybearer_app::accounts::{self, CreateAccount, Lookup, ScopeSelection};
use keybearer_app::connections::{self, KeepEarlier, Rotation, ScopeSettings, UpdateConnection};
use keybearer_app::connectors::Bindings;
use keybearer_app::flows::trial::{
    self, Cause, CredentialCheck, NoteOutcome, TrialStep, addresses, check_credentials,
};
use keybearer_app::flows::{self, TestProgress, TestStand};
use keybearer_core::ids::FlowId;
use keybearer_core::{AccountStatus, Code};
use keybearer_sandbox::ClientConfig;

use crate::flows_stage::{APP_SECRET, Stage, browser, on_both_staged, with};
use crate::harness::code;

on_both_staged!(crate::flows_stage::plain;
    a_whole_test_notes_every_step,
    a_redirect_uri_that_differs_is_told_before_anybody_goes_there,
    the_clients_secret_is_told_from_the_code,
    what_the_provider_says_instead_of_a_code_is_understood,
    a_clock_that_is_wrong_is_seen,
    a_link_of_the_api_is_noted_nowhere,
    a_replaced_secret_is_tried_as_long_as_it_is_kept,
    accounts_leave_the_former_client_only_when_told,
    accounts_follow_what_their_connection_asks_for,
    everything_is_given_back_before_a_deletion_when_asked_for,
);

async fn begin(stage: &Stage) -> (String, FlowId) {
    let link = trial::begin_test(stage.app(), &stage.world.caller, &stage.name, "Ada").await.unwrap();
    (link.url.path().trim_start_matches("/c/").to_owned(), link.flow_id)
}

async fn progress(stage: &Stage, flow: &FlowId) -> TestProgress {
    flows::test_progress(stage.app(), &stage.world.caller, &stage.name, flow).await.unwrap()
}

/// What happens beside the test comes to an end soon; how long that takes decides nothing.
async fn until(stage: &Stage, flow: &FlowId, step: TrialStep) -> TestProgress {
    for _ in 0..2_000 {
        let test = progress(stage, flow).await;
        if test.note(step).is_some() {
            return test;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("{step:?} was never noted")
}

async fn a_whole_test_notes_every_step(stage: &Stage) {
    let (token, flow) = begin(stage).await;
    let before = until(stage, &flow, TrialStep::Reach).await;
    assert_eq!(before.note(TrialStep::Client).unwrap().outcome, NoteOutcome::Ok);
    let reach = before.note(TrialStep::Reach).unwrap();
    assert_eq!((reach.outcome, reach.seen.skew_seconds, reach.seen.tls_ms), (NoteOutcome::Ok, Some(0), None));
    assert!(before.note(TrialStep::Approve).is_none(), "nothing speaks against the redirect URI");
    let visit = browser("t");
    let parameters = stage.consent(&token, &visit, "ada").await;
    stage.callback(parameters, &visit).await;
    let after = until(stage, &flow, TrialStep::Call).await;
    assert_eq!(after.stand, TestStand::Connected);
    for step in [TrialStep::Exchange, TrialStep::Refresh, TrialStep::Call] {
        let note = after.note(step).unwrap();
        assert_eq!(note.outcome, NoteOutcome::Ok, "{step:?}");
        assert!(note.duration_ms.is_some());
    }
    assert_eq!(stage.token_requests("refresh_token"), 1, "refreshed once");
    assert_eq!(after.kept.as_ref().unwrap().by, "Ada");
    trial::keep_result(stage.app(), &stage.world.caller, &stage.name, &flow, (10, 10)).await.unwrap();
    trial::keep_result(stage.app(), &stage.world.caller, &stage.name, &flow, (1, 10)).await.unwrap();
    // the account may go: what was found stays
    let lookup = Lookup::id(after.account.id.as_str());
    accounts::delete(stage.app(), &stage.world.caller, &lookup).await.unwrap();
    let kept = trial::last_tested(stage.app(), &stage.world.caller, &stage.name).await.unwrap().unwrap();
    assert_eq!((kept.result, kept.by.as_str()), (Some((10, 10)), "Ada"));
}

async fn a_redirect_uri_that_differs_is_told_before_anybody_goes_there(stage: &Stage) {
    let id = stage.id().await;
    let registered = format!("https://keys.example/sso/v1/oauth/{id}/callback/");
    stage.control.register_client(ClientConfig {
        client_id: "app-1".to_owned(),
        client_secret: Some(APP_SECRET.into()),
        redirect_uris: vec![registered.clone()],
        name: "Fieldnote".to_owned(),
    });
    let (_, flow) = begin(stage).await;
    let test = until(stage, &flow, TrialStep::Approve).await;
    let seen = &test.note(TrialStep::Approve).unwrap().seen;
    assert_eq!((seen.cause, seen.status), (Some(Cause::RedirectUri), Some(400)));
    let named = addresses(seen.words.as_deref().unwrap());
    assert!(named.iter().any(|url| url.as_str() == registered), "{seen:?}");
    trial::stop_test(stage.app(), &stage.world.caller, &stage.name, &flow).await.unwrap();
    assert_eq!(progress(stage, &flow).await.stand, TestStand::Ended);
}

async fn the_clients_secret_is_told_from_the_code(stage: &Stage) {
    let check = async |id: Option<&str>, secret: &str| {
        let secrets = Bindings::new().with("client_secret", secret);
        check_credentials(stage.app(), &stage.world.caller, &stage.name, id, &secrets).await.unwrap()
    };
    assert!(matches!(check(None, "").await, CredentialCheck::Accepted { .. }), "what is stored is right");
    let refused = check(None, "cnry-another-secret").await;
    let CredentialCheck::Refused { words: Some(words) } = refused else { panic!("{refused:?}") };
    assert!(words.starts_with("invalid_client") && !words.contains("cnry"), "{words}");
    assert!(matches!(check(Some("nobody"), "").await, CredentialCheck::Refused { .. }));
    stage.control.set_all([("exchange", "503*1")]).unwrap();
    assert!(matches!(check(None, "").await, CredentialCheck::Unclear { .. }));
    // nothing was saved, and no secret is in the trail
    assert!(matches!(check(None, "").await, CredentialCheck::Accepted { .. }));
    let (stranger, nothing) = (&stage.world.stranger, Bindings::new());
    let denied = check_credentials(stage.app(), stranger, &stage.name, None, &nothing).await;
    assert_eq!(code(denied), Code::ConnectionNotFound);
}

async fn what_the_provider_says_instead_of_a_code_is_understood(stage: &Stage) {
    let all = [
        ("test_mode", Cause::TestMode),
        ("wrong_tenant", Cause::Tenant),
        ("redirect_mismatch", Cause::RedirectUri),
        ("deny", Cause::Denied),
    ];
    for (switch, cause) in all {
        let (token, flow) = begin(stage).await;
        until(stage, &flow, TrialStep::Reach).await;
        let visit = browser("t");
        let url = stage.provider_url(&token, &visit).await;
        stage.control.set_all([("consent", format!("{switch}*1").as_str())]).unwrap();
        let back = stage
            .control
            .approve(&url, &keybearer_sandbox::Approval { person: "ada".to_owned(), scopes: None });
        // a switch decides instead of the person
        let parameters = match back {
            Ok(url) if url.query().is_some_and(|query| query.contains("error=")) => {
                crate::flows_stage::pairs(&url)
            }
            _ => visit_page(&url).await,
        };
        stage.callback(parameters, &visit).await;
        let test = progress(stage, &flow).await;
        let seen = &test.note(TrialStep::Approve).unwrap_or_else(|| panic!("{switch}")).seen;
        assert_eq!(seen.cause, Some(cause), "{switch}: {seen:?}");
        assert!(seen.reference.is_some(), "the page of the failure can be found again");
        stage.control.set_all([("consent", "works")]).unwrap();
    }
    let get = async || connections::get(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    assert_eq!(get().await.attention.as_deref(), Some("consent_refused"));
    let (token, flow) = begin(stage).await;
    let visit = browser("t");
    let parameters = stage.consent(&token, &visit, "ada").await;
    stage.callback(parameters, &visit).await;
    until(stage, &flow, TrialStep::Call).await;
    assert_eq!(get().await.attention, None, "a test that works ends the need for attention");
    // a parameter that a provider echoes is no place for a secret
    let (token, flow) = begin(stage).await;
    let visit = browser("t");
    let parameters = stage.consent(&token, &visit, "ada").await;
    let echoed = "invalid_request cnry0123456789cnry0123456789cnry0123456789";
    let parameters =
        with(with(with(parameters, "code", ""), "error", "invalid_request"), "error_description", echoed);
    stage.callback(parameters, &visit).await;
    let test = progress(stage, &flow).await;
    assert!(!format!("{:?}", test.notes).contains("cnry"), "{:?}", test.notes);
}

/// What the sandbox answers a browser without a session.
async fn visit_page(url: &str) -> crate::flows_stage::Pairs {
    let url: url::Url = url.parse().unwrap();
    let client = keybearer_app::outbound::Outbound::to(&[&url], None).unwrap();
    let request = http::Request::get(url.as_str()).body(bytes::Bytes::new()).unwrap();
    let answer = client.send(request, std::time::Duration::from_secs(10)).await.unwrap();
    let to = answer.headers()[http::header::LOCATION].to_str().unwrap().parse().unwrap();
    crate::flows_stage::pairs(&to)
}

async fn a_clock_that_is_wrong_is_seen(stage: &Stage) {
    stage.control.set_skew(-600);
    let (_, flow) = begin(stage).await;
    let test = until(stage, &flow, TrialStep::Reach).await;
    let note = test.note(TrialStep::Reach).unwrap();
    assert_eq!((note.outcome, note.seen.skew_seconds), (NoteOutcome::Odd, Some(-600)));
}

async fn a_link_of_the_api_is_noted_nowhere(stage: &Stage) {
    let link = flows::create_test_link(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    let (token, visit) = (link.url.path().trim_start_matches("/c/").to_owned(), browser("t"));
    let parameters = stage.consent(&token, &visit, "ada").await;
    stage.callback(parameters, &visit).await;
    let test = progress(stage, &link.flow_id).await;
    assert_eq!((test.stand, test.notes.len(), test.kept), (TestStand::Connected, 0, None));
    assert_eq!(stage.token_requests("refresh_token"), 0, "nobody asked for more than the sign-in");
}

async fn a_replaced_secret_is_tried_as_long_as_it_is_kept(stage: &Stage) {
    let account = stage.connect("u-1", "ada").await;
    let rotate = async |keep: Option<KeepEarlier>| {
        let secrets = Bindings::new().with("client_secret", "cnry-not-known-there-yet");
        let rotation = Rotation { secrets, keep, ends_at: None };
        connections::rotate_secret(stage.app(), &stage.world.caller, &stage.name, rotation).await.unwrap()
    };
    let set = rotate(Some(KeepEarlier::Day)).await;
    assert!(set.connection.secret.has_earlier && set.connection.secret.earlier_until.is_some());
    let refresh = async || keybearer_app::refresh_now(stage.app(), &stage.world.caller, &account.id).await;
    stage.world.clock.advance(std::time::Duration::from_secs(20));
    assert!(refresh().await.unwrap().refreshed, "with the secret before it");
    let get = async || connections::get(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    assert_eq!(get().await.attention.as_deref(), Some("new_secret_refused"));
    // once the provider takes the new one, all is well by itself
    stage.register("cnry-not-known-there-yet").await;
    stage.world.clock.advance(std::time::Duration::from_secs(20));
    assert!(refresh().await.unwrap().refreshed);
    assert_eq!(get().await.attention, None);
    // its time is over: the former secret is gone for good
    stage.register(APP_SECRET).await;
    stage.world.clock.advance(std::time::Duration::from_secs(86_400));
    assert!(!get().await.secret.has_earlier);
    assert_eq!(code(refresh().await), Code::ClientRejected);
    keybearer_app::jobs::tidy_now(stage.app()).await.unwrap();
    // and it can be removed at once
    stage.register("cnry-not-known-there-yet").await;
    rotate(Some(KeepEarlier::UntilRemoved)).await;
    let forget =
        async || connections::forget_earlier_secret(stage.app(), &stage.world.caller, &stage.name).await;
    assert!(!forget().await.unwrap().secret.has_earlier);
    assert_eq!(code(forget().await), Code::FailedPrecondition);
    assert!(!rotate(None).await.connection.secret.has_earlier, "unless asked, none is kept");
}

async fn accounts_leave_the_former_client_only_when_told(stage: &Stage) {
    let account = stage.connect("u-1", "ada").await;
    let other = ClientConfig {
        client_id: "app-2".to_owned(),
        client_secret: Some("s3cr3t-of-app-two-0002".into()),
        redirect_uris: vec![format!("https://keys.example/sso/v1/oauth/{}/callback", stage.id().await)],
        name: "Fieldnote two".to_owned(),
    };
    stage.control.register_client(other);
    let client = connections::SetCredentials::ReplaceClient {
        source: keybearer_core::CredentialSource::Own,
        client_id: Some("app-2".to_owned()),
        secrets: Bindings::new().with("client_secret", "s3cr3t-of-app-two-0002"),
    };
    let set =
        connections::set_credentials(stage.app(), &stage.world.caller, &stage.name, client).await.unwrap();
    assert_eq!(set.on_earlier_client, 1);
    stage.world.clock.advance(std::time::Duration::from_secs(20));
    let refresh = async || keybearer_app::refresh_now(stage.app(), &stage.world.caller, &account.id).await;
    assert!(refresh().await.unwrap().refreshed, "it stays on its app");
    let drop = async |expected| {
        connections::drop_earlier_client(stage.app(), &stage.world.caller, &stage.name, expected).await
    };
    assert_eq!(code(drop(7).await), Code::FailedPrecondition, "not the number that was seen");
    assert_eq!(drop(1).await.unwrap().counts.on_earlier_client, 0);
    stage.world.clock.advance(std::time::Duration::from_secs(20));
    assert_eq!(code(refresh().await), Code::AccountNeedsSignIn);
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Expired);
}

async fn accounts_follow_what_their_connection_asks_for(stage: &Stage) {
    let (app, caller, name) = (stage.app(), &stage.world.caller, stage.name.as_str());
    let get = async || connections::get(app, caller, name).await.unwrap();
    let set = async |settings: ScopeSettings| {
        let patch = UpdateConnection { scopes: Some(settings), ..UpdateConnection::default() };
        connections::update(app, caller, name, patch).await.unwrap()
    };
    set(ScopeSettings { selectable: true, ..get().await.scopes }).await;
    let chosen = ScopeSelection { scopes: vec!["postcards.read".to_owned()], optional_scopes: Vec::new() };
    let own = CreateAccount {
        lookup: Lookup::of(name, "own-choice"),
        scope_selection: Some(chosen),
        ..CreateAccount::default()
    };
    accounts::create(app, caller, own).await.unwrap();
    set(ScopeSettings { selectable: false, ..get().await.scopes }).await;
    stage.connect("u-1", "ada").await;
    assert!(connections::lacking(app, caller, name, 10).await.unwrap().is_empty());
    let mut wider = get().await.scopes;
    wider.scopes.push("postcards.delete".to_owned());
    assert_eq!(set(wider).await.counts.scopes_behind, 1);
    let follows = stage.account("u-1").await;
    assert!(follows.wanted_scopes.contains(&"postcards.delete".to_owned()));
    assert_eq!(follows.missing_scopes, ["postcards.delete"]);
    let kept = stage.account("own-choice").await.wanted_scopes;
    assert!(!kept.contains(&"postcards.delete".to_owned()), "a choice of its own stays: {kept:?}");
    let lacking = connections::lacking(app, caller, name, 10).await.unwrap();
    assert_eq!(lacking.iter().map(|account| account.identifier.as_str()).collect::<Vec<_>>(), ["u-1"]);
    // the next sign-in asks for the new one, and that is that
    stage.connect("u-1", "ada").await;
    assert_eq!(get().await.counts.scopes_behind, 0);
    assert!(connections::lacking(app, caller, name, 10).await.unwrap().is_empty());
}

async fn everything_is_given_back_before_a_deletion_when_asked_for(stage: &Stage) {
    let (app, caller, name) = (stage.app(), &stage.world.caller, stage.name.as_str());
    for user in ["u-1", "u-2"] {
        stage.connect(user, "ada").await;
    }
    stage.link("u-3").await;
    let usage = connections::usage(app, caller, name).await.unwrap();
    assert_eq!((usage.calls, usage.open_links, usage.can_revoke), (0, 1, true));
    let told = connections::revoke_all(app, caller, name).await.unwrap();
    assert_eq!((told.revoked, told.refused), (2, 0));
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Disconnected);
    let copy = connections::duplicate(app, caller, name).await.unwrap();
    let first = connections::get(app, caller, name).await.unwrap();
    assert_eq!((copy.scopes, copy.fields), (first.scopes, first.fields));
    assert!(copy.client_id.is_none() && !copy.has_client_secret && copy.id != first.id);
    assert_eq!(
        code(connections::revoke_all(app, &stage.world.stranger, name).await),
        Code::ConnectionNotFound
    );
}
