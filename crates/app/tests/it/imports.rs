use keybearer_app::accounts::{self, Lookup, Revealed};
use keybearer_core::{Code, Timestamp};
use serde_json::json;

use crate::accounts::connection;
use crate::harness::{World, on_both};

on_both!(
    a_wrong_line_is_told_and_the_others_are_taken_in,
    an_import_replaces_only_when_it_is_asked_to,
    a_refresh_token_alone_is_exchanged_before_the_first_call,
);

async fn a_wrong_line_is_told_and_the_others_are_taken_in(world: &World) {
    let (oauth, key) = (connection(world, "postcards").await, connection(world, "luggage").await);
    let lines = [
        json!({"connection": oauth, "identifier": "ada", "access_token": "at", "refresh_token": "rt",
            "access_token_expires_at": "2030-01-02T04:04:05Z", "scopes": ["profile.read"]})
        .to_string(),
        String::new(),
        "{\"connection\": \"cnry-secret-in-a-broken-line".to_owned(),
        json!({"connection": oauth, "identifier": "ben", "password": "cnry-secret"}).to_string(),
        json!({"connection": oauth, "identifier": "ben", "access_token": 7}).to_string(),
        json!({"connection": oauth, "identifier": "ben"}).to_string(),
        json!({"connection": "nowhere", "identifier": "ben", "access_token": "at"}).to_string(),
        json!({"connection": key, "identifier": "ben", "fields": {"api_key": "cnry-secret"}}).to_string(),
        json!({"connection": oauth, "identifier": "ben", "access_token": "at",
            "access_token_expires_at": "cnry-secret"})
        .to_string(),
        json!({"connection": key, "identifier": "cy",
            "fields": {"api_key": "lk_0123456789abcdef0123456789abcdef"}})
        .to_string(),
        json!({"connection": oauth, "identifier": "ada", "access_token": "at"}).to_string(),
    ];
    let results = accounts::import(&world.app, &world.caller, &lines.join("\n")).await.unwrap();
    let shown: Vec<(usize, Option<Code>)> =
        results.iter().map(|line| (line.line, line.result.as_ref().err().map(|error| error.code))).collect();
    let wrong = Some(Code::InvalidArgument);
    assert_eq!(
        shown,
        [
            (1, None),
            (3, wrong),
            (4, wrong),
            (5, wrong),
            (6, wrong),
            (7, Some(Code::ConnectionNotFound)),
            (8, wrong),
            (9, wrong),
            (10, None),
            (11, Some(Code::AlreadyExists)),
        ]
    );
    assert!(!format!("{results:?}").contains("cnry"));
    let counts = accounts::counts(&world.app, &world.caller).await.unwrap();
    assert_eq!(counts.iter().map(|count| count.accounts).sum::<i64>(), 2);
    let ada = accounts::get(&world.app, &world.caller, &Lookup::of(&oauth, "ada")).await.unwrap();
    assert_eq!(ada.access_expires_at, Timestamp::parse_rfc3339("2030-01-02T04:04:05Z"));
    assert!(ada.next_refresh_at.is_some());
}

async fn an_import_replaces_only_when_it_is_asked_to(world: &World) {
    let oauth = connection(world, "postcards").await;
    let line = |token: &str, replace: bool| {
        json!({"connection": oauth, "identifier": "ada", "access_token": token, "replace": replace})
            .to_string()
    };
    let import = async |line: String| {
        accounts::import(&world.app, &world.caller, &line).await.unwrap().swap_remove(0).result
    };
    assert!(import(line("at-1", true)).await.unwrap().created);
    assert_eq!(import(line("at-2", false)).await.unwrap_err().code, Code::AlreadyExists);
    let replaced = import(line("at-3", true)).await.unwrap();
    assert!(!replaced.created);
    let read = accounts::auth(&world.app, &world.caller, &Lookup::id(replaced.id.as_str())).await.unwrap();
    let Some(Revealed::Oauth(tokens)) = read.credentials else { panic!() };
    assert_eq!(tokens.access_token, Some("at-3".into()));
    assert_eq!(world.audited(replaced.id.as_str(), "account.imported").await, 2);
}

async fn a_refresh_token_alone_is_exchanged_before_the_first_call(world: &World) {
    let oauth = connection(world, "postcards").await;
    let line = json!({"connection": oauth, "identifier": "ada", "refresh_token": "rt"}).to_string();
    let results = accounts::import(&world.app, &world.caller, &line).await.unwrap();
    let id = results[0].result.as_ref().unwrap().id.clone();
    let account = accounts::get(&world.app, &world.caller, &Lookup::id(id.as_str())).await.unwrap();
    assert_eq!(account.next_refresh_at, Some(keybearer_testkit::TEST_TIME));
    // the provider's answer is no token, and what was imported stays
    world.provider.answer(503);
    let read = accounts::auth(&world.app, &world.caller, &Lookup::id(id.as_str())).await.unwrap();
    let Some(Revealed::Oauth(tokens)) = read.credentials else { panic!() };
    assert_eq!(tokens.refresh_token, Some("rt".into()));
    assert!(world.provider.received()[0].contains("grant_type=refresh_token"));
}
