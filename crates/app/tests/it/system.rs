//! The system check and the environment of a session, on both databases.

use std::time::Duration;

use keybearer_app::accounts::{Credentials, OauthTokens};
use keybearer_app::audit_trail::{self, TrailQuery};
use keybearer_app::environments::UpdateSettings;
use keybearer_app::first_steps::{self, FirstSteps};
use keybearer_app::logs::{self, CallQuery};
use keybearer_app::members::{self, NewMember};
use keybearer_app::sessions::{self, Visitor};
use keybearer_app::system::{self, State};
use keybearer_app::{PageAsk, Permission, Permissions, environments, jobs};
use keybearer_core::{Code, EnvironmentKind, SecretString};

use crate::accounts::{connection, make, new};
use crate::harness::{World, code, fields, on_both};

on_both!(
    every_check_is_made_and_good_on_a_new_server,
    what_is_late_is_told,
    a_session_goes_to_another_environment_and_comes_back,
    the_trail_is_filtered_by_who_what_and_which,
    the_first_steps_go_once_and_stay_where_somebody_put_them,
    calls_older_than_their_environment_keeps_them_are_deleted,
);

fn state(report: &system::Report, topic: &str) -> State {
    report
        .checks
        .iter()
        .find(|check| check.topic == topic)
        .unwrap_or_else(|| panic!("no {topic}: {report:?}"))
        .state
}

async fn every_check_is_made_and_good_on_a_new_server(world: &World) {
    let nobody = keybearer_app::Caller { permissions: Permissions::default(), ..world.caller.clone() };
    assert_eq!(code(system::glance(&world.app, &nobody).await), Code::PermissionDenied);
    assert_eq!(code(system::check(&world.app, &nobody).await), Code::PermissionDenied);
    let report = system::check(&world.app, &world.caller).await.unwrap();
    for topic in [
        "Version",
        "Database",
        "Migrations",
        "Encryption key",
        "Data keys",
        "Address filter",
        "Webhook queue",
        "Refreshes",
        "Waiting grants",
    ] {
        assert_eq!(state(&report, topic), State::Good, "{topic}: {report:?}");
    }
    assert!(!report.waiting && report.looked_at.is_some());
    assert_eq!(report.checks.iter().filter(|check| check.topic == "Address").count(), 1);
}

async fn what_is_late_is_told(world: &World) {
    let name = connection(world, "postcards").await;
    let short = Credentials::Oauth(OauthTokens {
        access_token: Some("at-4711".into()),
        refresh_token: Some("rt-4711".into()),
        scopes: vec!["profile.read".to_owned()],
        access_expires_at: Some(world.app.now().plus(Duration::from_secs(3600))),
        ..OauthTokens::default()
    });
    make(world, new(&name, "ada", short)).await;
    world.clock.advance(Duration::from_secs(40 * 86_400));
    let report = system::glance(&world.app, &world.caller).await.unwrap();
    let line = report.checks.iter().find(|check| check.topic == "Refreshes").unwrap();
    assert!(line.says.starts_with("1 accounts are due"), "{line:?}");
    assert_eq!(line.state, State::Odd);
    let strange = system::glance(&world.app, &world.stranger).await.unwrap();
    assert_eq!(state(&strange, "Refreshes"), State::Good, "the backlog of another environment is not theirs");
}

async fn a_session_goes_to_another_environment_and_comes_back(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let link = members::setup_link(app, caller).await.unwrap().unwrap();
    let token = SecretString::new(link.query_pairs().find(|(name, _)| name == "t").unwrap().1.into_owned());
    let new = NewMember { email: "ada@a.example".to_owned(), name: String::new() };
    let member = members::create_owner(app, &token, new, "cnry-correct-horse".into()).await.unwrap();
    let signed = sessions::begin(app, &member, &Visitor::default()).await.unwrap();
    let first = sessions::resume(app, &signed.token).await.unwrap().unwrap();
    assert_eq!(first.environment.id, caller.environment);
    world.clock.advance(Duration::from_secs(1));
    let made = environments::create(app, caller, "live", EnvironmentKind::Production).await.unwrap();
    let known = sessions::resume(app, &signed.token).await.unwrap().unwrap();
    sessions::enter(app, &known, made.id.as_str()).await.unwrap();
    let there = sessions::resume(app, &signed.token).await.unwrap().unwrap();
    assert_eq!((&there.environment.id, &there.caller.environment), (&made.id, &made.id));
    assert_eq!(world.audited(member.id.as_str(), "member.entered").await, 1);
    assert_eq!(code(sessions::enter(app, &there, "env_1").await), Code::NotFound);
    sessions::enter(app, &there, caller.environment.as_str()).await.unwrap();
    let back = sessions::resume(app, &signed.token).await.unwrap().unwrap();
    assert_eq!(back.environment.id, caller.environment);
}

async fn the_trail_is_filtered_by_who_what_and_which(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let name = connection(world, "postcards").await;
    let id = keybearer_app::connections::get(app, caller, &name).await.unwrap().id.to_string();
    let of = |actor: Option<&str>, action: Option<&str>, target: Option<&str>| TrailQuery {
        actor: actor.map(str::to_owned),
        action: action.map(str::to_owned),
        target: target.map(str::to_owned),
        ..TrailQuery::default()
    };
    let all = audit_trail::list(app, caller, &of(None, None, Some(&id)), &PageAsk::default()).await.unwrap();
    assert!(all.total >= 1 && all.items.iter().all(|line| line.target == id), "{all:?}");
    let created =
        audit_trail::list(app, caller, &of(None, Some("connection.cr"), Some(&id)), &PageAsk::default())
            .await
            .unwrap();
    assert_eq!(created.total, 1);
    let who = created.items[0].actor.clone();
    assert_eq!(
        audit_trail::list(app, caller, &of(Some(&who), Some("connection."), Some(&id)), &PageAsk::default())
            .await
            .unwrap()
            .total,
        all.total
    );
    for nothing in
        [of(Some("mem_1"), None, None), of(None, Some("connection_"), None), of(None, Some("%"), None)]
    {
        assert_eq!(
            audit_trail::list(app, caller, &nothing, &PageAsk::default()).await.unwrap().total,
            0,
            "{nothing:?}"
        );
    }
    let today = app.now().rfc3339()[..10].to_owned();
    for (from, last, total) in
        [("", &*today, all.total), (&today, "", all.total), ("2999-01-01", "", 0), ("", "1999-01-01", 0)]
    {
        let query = of(None, None, Some(&id)).between(("from", from), ("to", last)).unwrap();
        let found = audit_trail::list(app, caller, &query, &PageAsk::default()).await.unwrap().total;
        assert_eq!(found, total, "from {from:?} to {last:?}");
    }
    for wrong in ["yesterday", "2026-13-01", "2026-1-1", "';--"] {
        assert_eq!(fields(TrailQuery::default().between(("from", ""), ("to", wrong))), ["to"], "{wrong}");
    }
    let strange = audit_trail::list(app, &world.stranger, &of(None, None, Some(&id)), &PageAsk::default())
        .await
        .unwrap();
    assert_eq!(strange.total, 0);
    let text = audit_trail::csv(app, caller, &of(None, None, Some(&id))).await.unwrap();
    assert_eq!(i64::try_from(text.lines().count()).unwrap(), all.total + 1, "{text}");
}

async fn the_first_steps_go_once_and_stay_where_somebody_put_them(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let state = async |caller| first_steps::state(app, caller).await.unwrap();
    assert_eq!(state(caller).await, FirstSteps::Shown);
    first_steps::done(app, caller).await.unwrap();
    assert_eq!(state(caller).await, FirstSteps::Done);
    assert_eq!(state(&world.stranger).await, FirstSteps::Shown, "another environment has its own");
    first_steps::show(app, caller, true).await.unwrap();
    first_steps::done(app, caller).await.unwrap();
    assert_eq!(state(caller).await, FirstSteps::Restored, "somebody wanted it");
    for _ in 0..2 {
        first_steps::show(app, caller, false).await.unwrap();
    }
    first_steps::done(app, caller).await.unwrap();
    assert_eq!(state(caller).await, FirstSteps::Hidden);
    let here = caller.environment.as_str();
    assert_eq!(
        world.audited(here, "environment.settings_changed").await,
        2,
        "nothing changed the third time"
    );
    let reader = world.with_permissions(&[Permission::ConnectorsRead]);
    assert_eq!(state(&reader).await, FirstSteps::Hidden);
    assert_eq!(code(first_steps::done(app, &reader).await), Code::PermissionDenied);
    assert_eq!(code(first_steps::show(app, &reader, true).await), Code::PermissionDenied);
    assert_eq!(code(first_steps::state(app, &world.with_permissions(&[])).await), Code::PermissionDenied);
}

async fn calls_older_than_their_environment_keeps_them_are_deleted(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let columns = "id, environment_id, reference, source, method, path, duration_ms, started_at, outcome";
    for (number, environment) in [(1, &caller.environment), (2, &world.stranger.environment)] {
        let values = format!(
            "'tcl_{number}', '{environment}', 'REF{number}', 'PROXY', 'GET', '/x', 12, {}",
            app.now().micros()
        );
        world.sql(&format!("INSERT INTO call_log ({columns}) VALUES ({values}, 'success')")).await;
    }
    let kept = |caller: &keybearer_app::Caller| {
        let caller = caller.clone();
        async move { logs::list(app, &caller, &CallQuery::default(), &PageAsk::default()).await.unwrap().total }
    };
    assert_eq!(kept(caller).await, 1);
    let days = |days| UpdateSettings { call_log_days: Some(days), ..UpdateSettings::default() };
    let here = caller.environment.as_str();
    let long = environments::update_settings(app, caller, here, days(3651)).await;
    assert_eq!(code(long), Code::InvalidArgument);
    environments::update_settings(app, caller, here, days(2)).await.unwrap();
    world.clock.advance(Duration::from_secs(86_400));
    jobs::tidy_now(app).await.unwrap();
    assert_eq!(kept(caller).await, 1, "a day is less than two");
    world.clock.advance(Duration::from_secs(2 * 86_400));
    jobs::tidy_now(app).await.unwrap();
    assert_eq!(kept(caller).await, 0);
    assert_eq!(kept(&world.stranger).await, 1, "another environment keeps its own");
}
