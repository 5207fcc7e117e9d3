//! The log of tool calls and the sums over it, on both databases, against a log made by hand.

use std::time::Duration;

use keybearer_app::analytics::{self, Tally};
use keybearer_app::environments::{self, UpdateSettings};
use keybearer_app::tool_calls::{self, ToolCallQuery};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::{Code, Timestamp};

use crate::accounts::{connection, make, new, tokens};
use crate::flows_stage::{Stage, on_both_staged};
use crate::harness::{World, code, fields, on_both};
use crate::tokens_refresh::{connected, get};

on_both!(
    sums_are_those_of_a_log_made_by_hand,
    calls_are_filtered_and_paged,
    a_hundred_thousand_calls_are_added_up_by_the_database,
);

on_both_staged!(crate::flows_stage::plain;
    a_proxied_call_is_logged_with_ids_and_details_where_wanted,
);

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// Writes one line: number, time, outcome and the rest as SQL.
async fn log(world: &World, number: u32, time: &str, outcome: &str, rest: &str) {
    let columns = "id, environment_id, reference, source, method, path, duration_ms, started_at, outcome, \
                   connector, connection_name, connection_id, account_id, status, error_code, agent_run_id";
    let (environment, micros) = (&world.caller.environment, at(time).micros());
    let values = format!(
        "'tcl_{number}', '{environment}', 'REF{number}', 'PROXY', 'GET', '/x', 12, {micros}, '{outcome}'"
    );
    world.sql(&format!("INSERT INTO call_log ({columns}) VALUES ({values}, {rest})")).await;
}

const POSTCARDS: &str = "'postcards', 'postcards', NULL, NULL";
const LUGGAGE: &str = "'luggage', 'my-Luggage_1', NULL, NULL";

/// Twelve to one o'clock: 3 successes, 2 provider errors, 2 platform errors, and one call right at each edge.
async fn by_hand(world: &World) {
    log(world, 1, "2030-01-01T11:59:59.999999Z", "success", &format!("{POSTCARDS}, 200, NULL, NULL")).await;
    log(world, 2, "2030-01-01T12:00:00Z", "success", &format!("{POSTCARDS}, 200, NULL, 'run-1'")).await;
    log(
        world,
        3,
        "2030-01-01T12:04:59.999999Z",
        "provider_error",
        &format!("{POSTCARDS}, 404, NULL, 'run-1'"),
    )
    .await;
    log(world, 4, "2030-01-01T12:05:00Z", "provider_error", &format!("{LUGGAGE}, 404, NULL, NULL")).await;
    log(world, 5, "2030-01-01T12:30:00Z", "platform_error", &format!("{LUGGAGE}, 429, 'rate_limited', NULL"))
        .await;
    log(
        world,
        6,
        "2030-01-01T12:30:01Z",
        "platform_error",
        "NULL, NULL, NULL, NULL, 404, 'connection_not_found', NULL",
    )
    .await;
    log(world, 7, "2030-01-01T12:59:59Z", "success", &format!("{LUGGAGE}, 204, NULL, NULL")).await;
    log(world, 8, "2030-01-01T12:59:59.999999Z", "success", &format!("{POSTCARDS}, 200, NULL, NULL")).await;
    log(world, 9, "2030-01-01T13:00:00Z", "success", &format!("{POSTCARDS}, 200, NULL, NULL")).await;
}

fn hour() -> ToolCallQuery {
    ToolCallQuery {
        from: Some(at("2030-01-01T12:00:00Z")),
        // one o'clock, told from another time zone
        until: Some(at("2030-01-01T18:30:00+05:30")),
        ..ToolCallQuery::default()
    }
}

fn tally(success: i64, provider_errors: i64, platform_errors: i64) -> Tally {
    Tally { success, provider_errors, platform_errors }
}

async fn sums_are_those_of_a_log_made_by_hand(world: &World) {
    by_hand(world).await;
    let overview = async |query| analytics::overview(&world.app, &world.caller, query).await;
    let sums = overview(hour()).await.unwrap();
    assert_eq!((sums.all, sums.all.total(), sums.all.errors()), (tally(3, 2, 2), 7, 4));
    let connectors: Vec<(&str, Tally)> =
        sums.connectors.iter().map(|(name, sum)| (name.as_str(), *sum)).collect();
    assert_eq!(
        connectors,
        [("", tally(0, 0, 1)), ("LUGGAGE", tally(1, 1, 1)), ("POSTCARDS", tally(2, 1, 0))]
    );
    let codes: Vec<(&str, i64)> = sums.codes.iter().map(|(code, count)| (code.as_str(), *count)).collect();
    assert_eq!(codes, [("http_404", 2), ("connection_not_found", 1), ("rate_limited", 1)]);
    assert_eq!((sums.width, sums.slots.len()), (Duration::from_secs(300), 12));
    let filled: Vec<(String, Tally)> = sums
        .slots
        .iter()
        .filter(|(_, sum)| sum.total() > 0)
        .map(|(begins, sum)| (begins.rfc3339()[11..16].to_owned(), *sum))
        .collect();
    let expected = [
        ("12:00", tally(1, 1, 0)),
        ("12:05", tally(0, 1, 0)),
        ("12:30", tally(0, 0, 2)),
        ("12:55", tally(2, 0, 0)),
    ];
    assert_eq!(filled, expected.map(|(time, sum)| (time.to_owned(), sum)));

    let one = ToolCallQuery { providers: vec!["Luggage".to_owned()], ..hour() };
    assert_eq!(overview(one).await.unwrap().all, tally(1, 1, 1));
    let failed = ToolCallQuery { statuses: vec!["provider_error".into(), "platform_error".into()], ..hour() };
    assert_eq!(overview(failed).await.unwrap().all, tally(0, 2, 2));
    let coded = ToolCallQuery { error_codes: vec!["http_404".into(), "rate_limited".into()], ..hour() };
    assert_eq!(overview(coded).await.unwrap().all, tally(0, 2, 1));
    let named = ToolCallQuery { connection_name: Some("LUGGAGE_".to_owned()), ..hour() };
    assert_eq!(overview(named).await.unwrap().all, tally(1, 1, 1));
    let elsewhere = ToolCallQuery { sources: vec!["mcp".to_owned()], ..hour() };
    assert_eq!(overview(elsewhere).await.unwrap().all, tally(0, 0, 0));
    let foreign = analytics::overview(&world.app, &world.stranger, hour()).await.unwrap();
    assert_eq!((foreign.all, foreign.connectors.len(), foreign.codes.len()), (tally(0, 0, 0), 0, 0));

    assert_eq!(fields(overview(ToolCallQuery::default()).await), ["start_time"]);
    assert_eq!(fields(overview(ToolCallQuery { until: hour().from, ..hour() }).await), ["end_time"]);
    let wrong = ToolCallQuery { statuses: vec!["fine".to_owned()], ..hour() };
    assert_eq!(fields(overview(wrong).await), ["status"]);
    let nobody = world.with_permissions(&[Permission::AccountsRead]);
    assert_eq!(code(analytics::overview(&world.app, &nobody, hour()).await), Code::PermissionDenied);
}

async fn calls_are_filtered_and_paged(world: &World) {
    by_hand(world).await;
    let list = async |query: ToolCallQuery, size, token: &str| {
        let page = PageAsk { size, token: token.to_owned() };
        tool_calls::list(&world.app, &world.caller, query, &page).await
    };
    let numbers = |page: &keybearer_app::Listed<tool_calls::ToolCall>| {
        page.items.iter().map(|call| call.execution_id.clone()).collect::<Vec<_>>()
    };
    let first = list(hour(), 3, "").await.unwrap();
    assert_eq!((numbers(&first), first.total), (vec!["exec_8".into(), "exec_7".into(), "exec_6".into()], 7));
    let second = list(hour(), 3, &first.next.clone().unwrap()).await.unwrap();
    assert_eq!(numbers(&second), ["exec_5", "exec_4", "exec_3"]);
    assert_eq!(numbers(&list(hour(), 3, &second.previous.unwrap()).await.unwrap()), numbers(&first));
    assert_eq!(fields(list(ToolCallQuery::default(), 3, &first.next.unwrap()).await), ["page_token"]);
    assert_eq!(fields(list(hour(), 101, "").await), ["page_size"]);
    let run = ToolCallQuery { agent_run_id: Some("run-1".to_owned()), ..ToolCallQuery::default() };
    assert_eq!(numbers(&list(run, 0, "").await.unwrap()), ["exec_3", "exec_2"]);

    let call = tool_calls::get(&world.app, &world.caller, "exec_4").await.unwrap();
    assert_eq!((call.status, call.error_tier), ("provider_error", Some("provider")));
    assert_eq!((call.error_code.as_deref(), call.provider.as_deref()), (Some("http_404"), Some("LUGGAGE")));
    let call = tool_calls::get(&world.app, &world.caller, "exec_5").await.unwrap();
    assert_eq!((call.status, call.error_tier), ("platform_error", Some("caller")));
    for unknown in ["exec_44", "exec_", "4", "tcl_x", "'"] {
        assert_eq!(
            code(tool_calls::get(&world.app, &world.caller, unknown).await),
            Code::NotFound,
            "{unknown}"
        );
    }
    assert_eq!(code(tool_calls::get(&world.app, &world.stranger, "exec_4").await), Code::NotFound);

    // whose account it was is read from the account, while there is one
    let name = connection(world, "postcards").await;
    let ada = make(world, new(&name, "ada", tokens())).await;
    world.sql(&format!("UPDATE call_log SET account_id = '{}' WHERE id = 'tcl_2'", ada.id)).await;
    let user = ToolCallQuery { identifier: Some("ada".to_owned()), ..ToolCallQuery::default() };
    let found = list(user.clone(), 0, "").await.unwrap();
    assert_eq!((numbers(&found), found.items[0].identifier.as_deref()), (vec!["exec_2".into()], Some("ada")));
    keybearer_app::accounts::delete(
        &world.app,
        &world.caller,
        &keybearer_app::accounts::Lookup::of(&name, "ada"),
    )
    .await
    .unwrap();
    assert_eq!(list(user, 0, "").await.unwrap().total, 0);
    let kept = tool_calls::get(&world.app, &world.caller, "exec_2").await.unwrap();
    assert_eq!((kept.account_id, kept.identifier), (Some(ada.id), None));
}

async fn a_hundred_thousand_calls_are_added_up_by_the_database(world: &World) {
    let environment = &world.caller.environment;
    let columns = "id, environment_id, reference, source, method, path, duration_ms, started_at, outcome, connector, status";
    let first = at("2030-01-01T00:00:00Z").micros();
    let row = format!(
        "'tcl_' || CAST(n AS TEXT), '{environment}', 'R', 'PROXY', 'GET', '/x', 5, {first} + CAST(n AS BIGINT) * 6000000, \
         CASE WHEN n % 10 = 0 THEN 'provider_error' ELSE 'success' END, \
         'c' || CAST(n % 7 AS TEXT), CASE WHEN n % 10 = 0 THEN 500 ELSE 200 END"
    );
    let numbers = match world.is_postgres() {
        true => "generate_series(1, 100000) AS g(n)",
        false => {
            "(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 100000) SELECT n FROM g)"
        }
    };
    world.sql(&format!("INSERT INTO call_log ({columns}) SELECT {row} FROM {numbers}")).await;
    let week = ToolCallQuery {
        from: Some(Timestamp::from_micros(first)),
        until: Some(at("2030-01-08T00:00:00Z")),
        ..ToolCallQuery::default()
    };
    let sums = analytics::overview(&world.app, &world.caller, week).await.unwrap();
    assert_eq!((sums.all, sums.slots.len()), (tally(90_000, 10_000, 0), 28));
    assert_eq!((sums.connectors.len(), sums.codes), (7, vec![("http_500".to_owned(), 10_000)]));
}

async fn a_proxied_call_is_logged_with_ids_and_details_where_wanted(stage: &Stage) {
    let account = connected(stage, 50).await;
    let (app, caller) = (stage.app(), &stage.world.caller);
    let last = async |count: usize| {
        loop {
            let listed =
                tool_calls::list(app, caller, ToolCallQuery::default(), &PageAsk::default()).await.unwrap();
            if listed.items.len() == count {
                return listed.items.into_iter().next().unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    get(app, stage, "u-1").await.unwrap();
    let call = last(1).await;
    assert_eq!((call.status, call.source.as_str(), call.error_code), ("success", "PROXY", None));
    assert_eq!((call.account_id, call.identifier.as_deref()), (Some(account.id), Some("u-1")));
    assert_eq!(
        (call.connection_name.as_deref(), call.provider.as_deref()),
        (Some(&*stage.name), Some("POSTCARDS"))
    );
    let stored = stage.world.sql("SELECT COALESCE(error_message, '') || path FROM call_log").await;
    assert_eq!(stored, ["/postcards"], "no identifier in the log");

    stage.world.clock.advance(Duration::from_secs(1));
    get(app, stage, "nobody").await.unwrap_err();
    let call = last(2).await;
    assert_eq!((call.status, call.error_code.as_deref()), ("platform_error", Some("account_not_found")));
    assert_eq!(call.error_message.as_deref(), Some(Code::AccountNotFound.title()));
    let on = UpdateSettings { detailed_errors: Some(true), ..UpdateSettings::default() };
    environments::update_settings(app, caller, caller.environment.as_str(), on).await.unwrap();
    stage.world.clock.advance(Duration::from_secs(1));
    get(app, stage, "nobody").await.unwrap_err();
    assert_eq!(last(3).await.error_message.as_deref(), Some("this user has no account on the connection"));
}
