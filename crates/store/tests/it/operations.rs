//! The lists, logs and sums of the dashboard, on both databases.

use keybearer_core::ids::{AccountId, CallLogId, ConnectionId, EnvironmentId, EventId, FlowId};
use keybearer_core::{
    AccountStatus, AuthType, ConnectionState, CredentialSource, FlowKind, FlowState, StatusReason, Timestamp,
};
use keybearer_store::{
    AuthMode, CallOutcome, CallRow, ConnectionRow, FigureSpan, FlowRow, Grant, Identity, JournalFilter,
    JournalKind, NewAccount, NewEvent, PageRequest, Position, RefreshLogRow, Sealed, SurveyFilter, Walk,
};
use serde_json::json;

use crate::world::{World, at, environment, on_both};

on_both!(
    accounts_are_found_by_every_filter_and_page,
    a_list_reads_no_account_that_it_does_not_show,
    the_log_merges_what_five_tables_hold,
    refreshes_count_their_tries_and_pictures_add_them_up,
    how_far_a_link_got_is_noted_once,
    a_person_s_traces_go_and_the_last_notice_stays,
    a_day_s_count_is_the_last_one,
);

const DAY: i64 = 86_400_000_000;

async fn connection(world: &World, number: i64, environment: &EnvironmentId) -> ConnectionId {
    let row = ConnectionRow {
        id: ConnectionId::from_number(number),
        environment_id: environment.clone(),
        name: format!("connection-{number}"),
        connector: "postcards".to_owned(),
        method: "oauth".to_owned(),
        state: ConnectionState::Active,
        attention: None,
        attention_at: None,
        label: String::new(),
        blurb_for_users: String::new(),
        credential_source: CredentialSource::Own,
        credential_id: None,
        config: json!({}),
        scopes: json!({}),
        auth_mode: AuthMode::User,
        proxy_enabled: true,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    };
    world.db.create_connection(&row, None).await.unwrap();
    row.id
}

fn new(environment: &EnvironmentId, connection: &ConnectionId, number: u64) -> NewAccount {
    let id = i64::try_from(number).unwrap();
    NewAccount {
        id: AccountId::from_number(1_000 + id),
        environment_id: environment.clone(),
        connection_id: connection.clone(),
        identifier: format!("user-{number}%"),
        organization_id: String::new(),
        user_id: String::new(),
        status: (AccountStatus::Active, StatusReason::Connected),
        auth_type: AuthType::Oauth,
        method: "oauth".to_owned(),
        grant: Some(Grant {
            sealed: Sealed::from(vec![0]),
            credential_id: None,
            access_expires_at: None,
            refresh_expires_at: Some(at(number * 86_400)),
            next_refresh_at: Some(at(0)),
        }),
        variables: json!({}),
        granted_scopes: vec!["a".to_owned()],
        wanted_scopes: if number == 3 { vec!["a".to_owned(), "b".to_owned()] } else { vec!["a".to_owned()] },
        api_config: json!({}),
        identity: Some(Identity { id: format!("idp-{number}"), label: Some("x".repeat(3000)) }),
        org_wide: false,
        created_at: at(number),
    }
}

/// Five accounts on one connection, another's beside them, and one of another environment.
async fn accounts(world: &World) -> (ConnectionId, ConnectionId) {
    let own = &world.environment;
    let (first, second) = (connection(world, 1, own).await, connection(world, 2, own).await);
    for number in 1..=5 {
        world.db.create_account(&new(own, &first, number), &[]).await.unwrap();
    }
    world.db.create_account(&new(own, &second, 6), &[]).await.unwrap();
    let other = environment(&world.db, 2).await;
    let foreign = connection(world, 3, &other).await;
    world.db.create_account(&new(&other, &foreign, 7), &[]).await.unwrap();
    (first, second)
}

async fn found(world: &World, filter: &SurveyFilter) -> Vec<String> {
    let page =
        world.db.survey_accounts(&world.environment, filter, &PageRequest::first(50), 100).await.unwrap();
    assert_eq!(page.total, i64::try_from(page.rows.len()).unwrap());
    page.rows.into_iter().map(|row| row.identifier).collect()
}

async fn accounts_are_found_by_every_filter_and_page(world: &World) {
    let (first, second) = accounts(world).await;
    let all = SurveyFilter::default();
    assert_eq!(found(world, &all).await.len(), 6);
    let of = SurveyFilter { connections: Some(vec![second.clone()]), ..all.clone() };
    assert_eq!(found(world, &of).await, ["user-6%"]);
    let none = SurveyFilter { connections: Some(Vec::new()), ..all.clone() };
    assert!(found(world, &none).await.is_empty());
    let searched = SurveyFilter { query: Some("IDP-2".to_owned()), ..all.clone() };
    assert_eq!(found(world, &searched).await, ["user-2%"]);
    let wild = SurveyFilter { query: Some("user%".to_owned()), ..all.clone() };
    assert!(found(world, &wild).await.is_empty());
    let by_id = SurveyFilter { id: Some(AccountId::from_number(1004)), ..all.clone() };
    assert_eq!(found(world, &by_id).await, ["user-4%"]);
    let person = SurveyFilter { walk: Walk::Person("user-5%".to_owned()), ..all.clone() };
    assert_eq!(found(world, &person).await, ["user-5%"]);
    let ends = SurveyFilter { ends: Some((at(0), at(2 * 86_400 + 1))), ..all.clone() };
    assert_eq!(found(world, &ends).await, ["user-2%", "user-1%"]);
    assert_eq!(found(world, &SurveyFilter { walk: Walk::ScopeGap, ..all.clone() }).await, ["user-3%"]);
    assert!(
        found(world, &SurveyFilter { status: Some(AccountStatus::Expired), ..all.clone() }).await.is_empty()
    );
    world.db.touch_account(&AccountId::from_number(1001), at(40 * 86_400)).await.unwrap();
    let since = at(10 * 86_400).micros().div_euclid(DAY);
    let unused = SurveyFilter { unused_since: Some(since), connections: Some(vec![first]), ..all.clone() };
    assert_eq!(found(world, &unused).await, ["user-5%", "user-4%", "user-3%", "user-2%"]);

    let page = |position| PageRequest { position, limit: 4 };
    let one = world.db.survey_accounts(&world.environment, &all, &page(Position::Start), 3).await.unwrap();
    assert_eq!((one.rows.len(), one.total), (4, 3), "counting stops where it is told to");
    let after = page(Position::After(one.next.unwrap()));
    let two = world.db.survey_accounts(&world.environment, &all, &after, 3).await.unwrap();
    let names = |rows: &[keybearer_store::AccountRow]| {
        rows.iter().map(|row| row.identifier.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&two.rows), ["user-2%", "user-1%"]);
    let before = page(Position::Before(two.previous.unwrap()));
    let again = world.db.survey_accounts(&world.environment, &all, &before, 3).await.unwrap();
    assert_eq!(names(&again.rows), names(&one.rows));
}

async fn a_list_reads_no_account_that_it_does_not_show(world: &World) {
    accounts(world).await;
    let all = SurveyFilter::default();
    let filters = [
        (all.clone(), "account_listed"),
        (SurveyFilter { query: Some("x".to_owned()), ..all.clone() }, "account_listed"),
        (SurveyFilter { status: Some(AccountStatus::Expired), ..all.clone() }, "account_listed"),
        (SurveyFilter { unused_since: Some(1), ..all.clone() }, "account_listed"),
        (SurveyFilter { walk: Walk::Person("x".to_owned()), ..all.clone() }, "account_identifier"),
        (SurveyFilter { walk: Walk::Failing, ..all.clone() }, "account_failing"),
        (SurveyFilter { walk: Walk::ScopeGap, ..all.clone() }, "account_scope_gap"),
    ];
    for (filter, index) in filters {
        let plan = world.db.explain_survey(&world.environment, &filter).await.unwrap().join("\n");
        if world.db.kind() == "sqlite" {
            assert!(plan.matches(index).count() >= 2, "{filter:?}:\n{plan}");
            let covered = plan.contains(&format!("COVERING INDEX {index}"));
            assert!(covered || index != "account_listed", "{filter:?}:\n{plan}");
        }
        assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN account\n"), "{filter:?}:\n{plan}");
    }
}

fn call(world: &World, number: i64, account: &AccountId, connection: &ConnectionId, failed: bool) -> CallRow {
    CallRow {
        id: CallLogId::from_number(number),
        environment_id: world.environment.clone(),
        reference: format!("AAAA-BBB{number}"),
        source: "PROXY".to_owned(),
        connection_id: Some(connection.clone()),
        account_id: Some(account.clone()),
        method: "GET".to_owned(),
        path: format!("/things/{number}"),
        status: Some(if failed { 500 } else { 200 }),
        error_code: None,
        duration_ms: 30,
        started_at: at(100 + u64::try_from(number).unwrap()),
        outcome: if failed { CallOutcome::ProviderError } else { CallOutcome::Success },
        connector: Some("postcards".to_owned()),
        connection_name: Some("connection-1".to_owned()),
        tool_name: None,
        agent_run_id: None,
        error_message: None,
        provider_ms: Some(20),
    }
}

fn flow(world: &World, connection: &ConnectionId, account: &AccountId) -> FlowRow {
    FlowRow {
        id: FlowId::from_number(1),
        environment_id: world.environment.clone(),
        connection_id: connection.clone(),
        account_id: Some(account.clone()),
        kind: FlowKind::Connect,
        token_hash: "00".to_owned(),
        state: FlowState::Created,
        app_state: None,
        user_verify_url: None,
        scope_selection: None,
        sealed_input: None,
        expires_at: at(900),
        created_at: at(50),
        finished_at: None,
        failure: None,
        superseded: false,
        locale: Some("pt-BR".to_owned()),
        return_url: None,
        note: None,
    }
}

fn span(world: &World) -> FigureSpan {
    FigureSpan { environment: world.environment.clone(), from: at(0), until: at(10_000), connection: None }
}

fn refresh(number: i64, account: &AccountId, outcome: &str) -> RefreshLogRow {
    RefreshLogRow {
        id: format!("evt_{number}"),
        account_id: account.clone(),
        at: at(200 + u64::try_from(number).unwrap()),
        outcome: outcome.to_owned(),
        reason: (outcome != "refreshed").then(|| "provider_unavailable".to_owned()),
        generation: 1,
        duration_ms: 5,
    }
}

async fn the_log_merges_what_five_tables_hold(world: &World) {
    let (first, _) = accounts(world).await;
    let account = AccountId::from_number(1001);
    let db = &world.db;
    let rows = [call(world, 1, &account, &first, false), call(world, 2, &account, &first, true)];
    db.append_calls(&rows).await.unwrap();
    db.append_refresh_log(&refresh(9, &account, "transient")).await.unwrap();
    db.create_flow(&flow(world, &first, &account), &[]).await.unwrap();
    let far = Timestamp::from_micros(i64::MAX);
    let list = async |kind, filter: &JournalFilter| {
        db.list_journal(&world.environment, kind, filter, (far, ""), 10).await.unwrap()
    };
    let all = JournalFilter::default();
    let calls = list(JournalKind::Call, &all).await;
    assert_eq!(
        calls.iter().map(|row| row.what.as_str()).collect::<Vec<_>>(),
        ["GET /things/2", "GET /things/1"]
    );
    assert_eq!(
        (calls[0].failed, calls[0].provider_ms, calls[0].person.as_deref()),
        (1, Some(20), Some("user-1%"))
    );
    let failed = JournalFilter { failed: Some(true), person: Some("user-1%".to_owned()), ..all.clone() };
    assert_eq!(list(JournalKind::Call, &failed).await.len(), 1);
    let text = JournalFilter { text: Some("THINGS/1".to_owned()), ..all.clone() };
    assert_eq!(list(JournalKind::Call, &text).await.len(), 1);
    for kind in [JournalKind::Refresh, JournalKind::Connect] {
        let of = JournalFilter {
            account_id: Some(account.clone()),
            connection_id: Some(first.clone()),
            ..all.clone()
        };
        assert_eq!(list(kind, &of).await.len(), 1, "{kind:?}");
        let late = JournalFilter { from: Some(at(5000)), ..all.clone() };
        assert!(list(kind, &late).await.is_empty(), "{kind:?}");
    }
    for kind in [JournalKind::Webhook, JournalKind::Change, JournalKind::Event] {
        assert!(list(kind, &all).await.is_empty(), "{kind:?}");
    }
    let page =
        db.list_journal(&world.environment, JournalKind::Call, &all, (calls[0].at, &calls[0].id), 10).await;
    assert_eq!(page.unwrap().len(), 1);
    let named = db.find_journal(&world.environment, JournalKind::Call, "AAAA-BBB2").await.unwrap();
    assert_eq!(named.len(), 1);
    let foreign =
        db.find_journal(&EnvironmentId::from_number(2), JournalKind::Call, "AAAA-BBB2").await.unwrap();
    assert!(foreign.is_empty());
}

async fn refreshes_count_their_tries_and_pictures_add_them_up(world: &World) {
    let (first, _) = accounts(world).await;
    let account = AccountId::from_number(1001);
    let db = &world.db;
    for (number, outcome) in
        [(1, "refreshed"), (2, "transient"), (3, "uncertain"), (4, "refreshed"), (5, "refreshed")]
    {
        db.append_refresh_log(&refresh(number, &account, outcome)).await.unwrap();
    }
    let far = (Timestamp::from_micros(i64::MAX), "");
    let rows = db
        .list_journal(&world.environment, JournalKind::Refresh, &JournalFilter::default(), far, 10)
        .await
        .unwrap();
    assert_eq!(
        rows.iter().rev().map(|row| row.status.clone().unwrap()).collect::<Vec<_>>(),
        ["1", "1", "2", "3", "1"]
    );
    let mut sums = db.count_refreshes_by_slot(&span(world), DAY).await.unwrap();
    sums.sort_by(|one, other| one.outcome.cmp(&other.outcome));
    let sums: Vec<(&str, i64)> = sums.iter().map(|sum| (sum.outcome.as_str(), sum.refreshes)).collect();
    assert_eq!(sums, [("failed", 2), ("first", 2), ("retried", 1)]);
    db.append_calls(&[call(world, 1, &account, &first, true)]).await.unwrap();
    let strip = db.tally_calls(&span(world), DAY).await.unwrap();
    assert_eq!((strip.len(), strip[0].total, strip[0].failed), (1, 1, 1));
    let strip = db
        .tally_refreshes(&FigureSpan { connection: Some(first.clone()), ..span(world) }, DAY)
        .await
        .unwrap();
    assert_eq!((strip[0].total, strip[0].failed), (5, 2));
    assert_eq!(db.list_latencies(&span(world), DAY).await.unwrap()[0].provider_ms, Some(20));
    let late = FigureSpan { until: at(4 * 86_400), ..span(world) };
    let ends = db.count_ends_by_slot(&late, DAY).await.unwrap();
    assert_eq!(ends.iter().map(|end| end.refreshes).collect::<Vec<_>>(), [1, 1, 1]);
    assert!(db.count_stopped(&span(world)).await.unwrap().is_empty());
}

async fn how_far_a_link_got_is_noted_once(world: &World) {
    let (first, _) = accounts(world).await;
    let db = &world.db;
    let row = flow(world, &first, &AccountId::from_number(1001));
    db.create_flow(&row, &[]).await.unwrap();
    let stages = db.count_flow_stages(&span(world)).await.unwrap().unwrap();
    assert_eq!((stages.made, stages.opened), (1, 0));
    db.note_flow_opened(&row.id, at(60)).await.unwrap();
    db.note_flow_opened(&row.id, at(70)).await.unwrap();
    db.note_flow_returned(&row.id, at(80)).await.unwrap();
    db.note_flow_left(&row.id, at(90)).await.unwrap();
    db.note_flow_trouble(&row.id, "consent_denied", "CCCC-DDDD", at(85)).await.unwrap();
    db.note_flow_trouble(&row.id, "link_expired", "EEEE-FFFF", at(99)).await.unwrap();
    let found = db.find_journal(&world.environment, JournalKind::Connect, "EEEE-FFFF").await.unwrap();
    let micros = |seconds| at(seconds).micros();
    let way = format!("{}|{}|{}||{}", micros(60), micros(80), micros(80), micros(99));
    assert_eq!(
        (found[0].words.as_deref(), found[0].reason.as_deref()),
        (Some(way.as_str()), Some("consent_denied"))
    );
    let stages = db.count_flow_stages(&span(world)).await.unwrap().unwrap();
    assert_eq!((stages.opened, stages.gone, stages.returned, stages.done), (1, 1, 1, 0));
    let losses = db.count_flow_losses(&span(world)).await.unwrap();
    assert_eq!(
        (losses[0].stage.as_str(), losses[0].reason.as_str(), losses[0].times),
        ("returned", "consent_denied", 1)
    );
}

async fn a_person_s_traces_go_and_the_last_notice_stays(world: &World) {
    let (first, _) = accounts(world).await;
    let (db, account) = (&world.db, AccountId::from_number(1001));
    let event = |number, event_type: &str| NewEvent {
        id: EventId::from_number(number),
        event_type: event_type.to_owned(),
        payload: json!({"identifier": "user-1%"}),
        created_at: at(1),
        organization_id: None,
        connection_id: Some(first.clone()),
        sample: false,
    };
    db.create_account(&NewAccount { identifier: "x".to_owned(), ..new(&world.environment, &first, 9) }, &[])
        .await
        .unwrap();
    let rows = [
        call(world, 1, &account, &first, false),
        call(world, 2, &AccountId::from_number(1009), &first, true),
    ];
    db.append_calls(&rows).await.unwrap();
    assert_eq!(db.list_accounts_of_person(&world.environment, "user-1%", 9).await.unwrap().len(), 1);
    db.remove_account(&account, &[event(1, "updated"), event(2, "deleted")], None).await.unwrap();
    let foreign = db.erase_traces(&EnvironmentId::from_number(2), &account, "deleted").await.unwrap();
    assert_eq!(foreign, (0, 0));
    assert_eq!(db.erase_traces(&world.environment, &account, "deleted").await.unwrap(), (1, 1));
    let left = db.list_account_events(&account, 0, 9).await.unwrap();
    assert_eq!(left.iter().map(|event| event.event_type.as_str()).collect::<Vec<_>>(), ["deleted"]);
    assert_eq!(db.find_calls(&world.environment, "AAAA-BBB2").await.unwrap().len(), 1);
}

async fn a_day_s_count_is_the_last_one(world: &World) {
    accounts(world).await;
    let db = &world.db;
    db.take_census(10, 0).await.unwrap();
    db.delete_account(&AccountId::from_number(1001), &[]).await.unwrap();
    db.take_census(10, 0).await.unwrap();
    db.take_census(12, 0).await.unwrap();
    let days = db.list_census(&world.environment, (0, 20), None).await.unwrap();
    let days: Vec<(i64, AccountStatus, i64)> =
        days.iter().map(|one| (one.day, one.status, one.accounts)).collect();
    assert_eq!(days, [(10, AccountStatus::Active, 5), (12, AccountStatus::Active, 5)]);
    db.take_census(13, 12).await.unwrap();
    assert_eq!(db.list_census(&world.environment, (0, 12), None).await.unwrap(), []);
}
