//! A user's own page: what it shows, what can be done on it, and what it is no way to.

use std::time::Duration;

use keybearer_app::accounts::{self, CreateAccount, Lookup};
use keybearer_app::flows::page::{ProblemCase, ServiceLine, ServiceState, ServicesPage, StopPage};
use keybearer_app::flows::{self, Answer, LinkRequest, PageBody};
use keybearer_app::user_pages::{self, UserPage, UserPageAsk, UserPageRequest};
use keybearer_app::{Permission, connections, journal};
use keybearer_core::{AccountStatus, Code, StatusReason};

use crate::accounts::connection;
use crate::flows_stage::{Stage, browser, case, done, on_both_staged, page, problem};
use crate::harness::{code, fields};

on_both_staged!(crate::flows_stage::plain;
    a_user_chooses_a_service_and_connects_it,
    a_user_disconnects_what_they_connected,
    opening_a_page_a_hundred_times_writes_nothing_and_calls_nobody,
    a_page_ends_after_its_time_and_with_its_person,
    a_page_is_no_way_to_accounts_of_others,
    a_page_that_only_connects_ends_nothing,
    a_paused_connection_is_shown_and_cannot_be_connected,
    many_services_are_searched_and_a_page_can_name_some,
    a_page_needs_the_rights_for_what_it_lets_a_user_do,
    the_address_of_a_page_is_stored_nowhere,
    the_pages_of_a_user_end_when_the_developer_says_so,
    a_note_is_told_to_the_developer_and_never_to_the_user,
);

fn of(user: &str, manage: bool) -> UserPageRequest {
    UserPageRequest { identifier: user.to_owned(), manage, ..UserPageRequest::default() }
}

async fn make(stage: &Stage, request: UserPageRequest) -> UserPage {
    user_pages::create(stage.app(), &stage.world.caller, request).await.unwrap()
}

async fn see(stage: &Stage, made: &UserPage, ask: UserPageAsk) -> PageBody {
    page(user_pages::view(stage.app(), made.token.expose(), &ask).await.unwrap())
}

async fn shown(stage: &Stage, made: &UserPage) -> ServicesPage {
    services(see(stage, made, UserPageAsk::default()).await)
}

fn services(body: PageBody) -> ServicesPage {
    match body {
        PageBody::Services(services) => services,
        other => panic!("{other:?}"),
    }
}

async fn question(stage: &Stage, made: &UserPage, account: &str) -> PageBody {
    see(stage, made, UserPageAsk { stop: Some(account.to_owned()), ..UserPageAsk::default() }).await
}

fn stop(body: PageBody) -> StopPage {
    match body {
        PageBody::Stop(stop) => stop,
        other => panic!("{other:?}"),
    }
}

async fn press(stage: &Stage, made: &UserPage, line: &ServiceLine) -> Answer {
    let token = made.token.expose();
    user_pages::connect(stage.app(), token, &line.connection, &line.account).await.unwrap()
}

fn led_to(answer: Answer) -> String {
    match answer {
        Answer::Redirect(url) => url.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn end(stage: &Stage, made: &UserPage, account: &str) -> Answer {
    user_pages::disconnect(stage.app(), made.token.expose(), account).await.unwrap()
}

async fn a_user_chooses_a_service_and_connects_it(stage: &Stage) {
    let made = make(stage, of("u-1", false)).await;
    let before = shown(stage, &made).await;
    assert!(!before.manage && before.search.is_none());
    let [line] = before.lines.as_slice() else { panic!("{before:?}") };
    assert_eq!((line.state, line.account.as_str(), line.label.as_deref()), (ServiceState::Open, "", None));
    let link = led_to(press(stage, &made, line).await);
    let token = link.strip_prefix("https://keys.example/c/").unwrap();
    let parameters = stage.consent(token, &browser("a"), "ada").await;
    let end = done(stage.callback(parameters, &browser("a")).await);
    assert_eq!(end.return_url.unwrap().as_str(), "https://keys.example/me");
    let after = shown(stage, &made).await;
    let account = stage.account("u-1").await;
    let [line] = after.lines.as_slice() else { panic!("{after:?}") };
    assert_eq!((line.state, line.identity.clone()), (ServiceState::Connected, account.identity_label));
    assert_eq!(line.since, Some(stage.app().now()));
    assert!(line.permissions.iter().all(|line| !line.plain.is_empty()) && !line.permissions.is_empty());
}

async fn a_user_disconnects_what_they_connected(stage: &Stage) {
    let account = stage.connect("u-1", "ada").await;
    let made = make(stage, of("u-1", true)).await;
    let asked = stop(question(stage, &made, account.id.as_str()).await);
    assert!(asked.revokes && asked.identity.is_some());
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active, "a question changes nothing");
    let to = led_to(end(stage, &made, account.id.as_str()).await);
    assert_eq!(to, format!("{}?stopped={}", made.url, account.id));
    let ended = stage.account("u-1").await;
    assert_eq!((ended.status, ended.reason), (AccountStatus::Disconnected, StatusReason::DisconnectedByUser));
    let ask = UserPageAsk { stopped: Some(account.id.to_string()), ..UserPageAsk::default() };
    let after = services(see(stage, &made, ask).await);
    assert_eq!(after.stopped.unwrap().revoked, Some(true));
    assert_eq!(after.lines[0].state, ServiceState::Open);
    // the same account is connected again, not a second one
    let link = led_to(press(stage, &made, &after.lines[0]).await);
    let parameters =
        stage.consent(link.strip_prefix("https://keys.example/c/").unwrap(), &browser("a"), "ada").await;
    done(stage.callback(parameters, &browser("a")).await);
    assert_eq!((stage.account("u-1").await.id, shown(stage, &made).await.lines.len()), (account.id, 1));
}

async fn rows(stage: &Stage) -> Vec<String> {
    let mut counts = Vec::new();
    for table in ["flow", "flow_attempt", "account", "event", "audit", "call_log", "user_page"] {
        counts.extend(stage.world.sql(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}")).await);
    }
    counts
}

async fn opening_a_page_a_hundred_times_writes_nothing_and_calls_nobody(stage: &Stage) {
    let account = stage.connect("u-1", "ada").await;
    let made = make(stage, of("u-1", true)).await;
    let (before, asked) = (rows(stage).await, stage.control.counters());
    for _ in 0..50 {
        shown(stage, &made).await;
        stop(question(stage, &made, account.id.as_str()).await);
    }
    assert_eq!((rows(stage).await, stage.control.counters()), (before, asked));
}

async fn a_page_ends_after_its_time_and_with_its_person(stage: &Stage) {
    stage.connect("u-1", "ada").await;
    let made = make(stage, of("u-1", true)).await;
    assert_eq!(made.expires_at, stage.app().now().plus(Duration::from_secs(3600)));
    stage.world.clock.advance(Duration::from_secs(3600));
    let ended = problem(see(stage, &made, UserPageAsk::default()).await);
    assert_eq!((ended.case, ended.ended_at), (ProblemCase::LinkEnded, Some(made.expires_at)));
    assert_eq!(case(end(stage, &made, stage.account("u-1").await.id.as_str()).await), ProblemCase::LinkEnded);
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
    let (mine, other) = (make(stage, of("u-1", true)).await, make(stage, of("u-2", true)).await);
    accounts::erase_person(stage.app(), &stage.world.caller, "u-1", 1).await.unwrap();
    assert_eq!(problem(see(stage, &mine, UserPageAsk::default()).await).case, ProblemCase::LinkEnded);
    shown(stage, &other).await;
}

async fn a_page_is_no_way_to_accounts_of_others(stage: &Stage) {
    let theirs = stage.connect("u-2", "ada").await;
    let made = make(stage, of("u-1", true)).await;
    let lines = shown(stage, &made).await.lines;
    assert!(lines.iter().all(|line| line.account.is_empty()), "{lines:?}");
    let foreign = ServiceLine { account: theirs.id.to_string(), ..lines[0].clone() };
    assert_eq!(case(press(stage, &made, &foreign).await), ProblemCase::ConnectionOff);
    assert_eq!(problem(question(stage, &made, theirs.id.as_str()).await).case, ProblemCase::ConnectionOff);
    assert_eq!(case(end(stage, &made, theirs.id.as_str()).await), ProblemCase::ConnectionOff);
    assert_eq!(stage.account("u-2").await.status, AccountStatus::Active);
    // a page of one organization shows only what is scoped to it
    let lookup = Lookup { organization_id: Some("org-a".into()), ..Lookup::of(&stage.name, "u-3") };
    let new = CreateAccount { lookup, ..CreateAccount::default() };
    let scoped = accounts::create(stage.app(), &stage.world.caller, new).await.unwrap();
    for (organization, account) in [("org-a", scoped.id.to_string()), ("org-b", String::new())] {
        let request = UserPageRequest { organization_id: organization.into(), ..of("u-3", true) };
        let lines = shown(stage, &make(stage, request).await).await.lines;
        assert_eq!(lines.iter().map(|line| line.account.clone()).collect::<Vec<_>>(), [account]);
    }
}

async fn a_page_that_only_connects_ends_nothing(stage: &Stage) {
    let account = stage.connect("u-1", "ada").await;
    let made = make(stage, of("u-1", false)).await;
    assert_eq!(problem(question(stage, &made, account.id.as_str()).await).case, ProblemCase::ConnectionOff);
    assert_eq!(case(end(stage, &made, account.id.as_str()).await), ProblemCase::ConnectionOff);
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
}

async fn a_paused_connection_is_shown_and_cannot_be_connected(stage: &Stage) {
    stage.connect("u-1", "ada").await;
    connections::pause(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    let made = make(stage, of("u-1", true)).await;
    let lines = shown(stage, &made).await.lines;
    assert_eq!(lines[0].state, ServiceState::Off);
    assert_eq!(case(press(stage, &made, &lines[0]).await), ProblemCase::ConnectionOff);
    assert!(shown(stage, &make(stage, of("u-2", true)).await).await.lines.is_empty());
    // what is paused can still be ended
    led_to(end(stage, &made, &lines[0].account).await);
}

async fn many_services_are_searched_and_a_page_can_name_some(stage: &Stage) {
    for _ in 0..8 {
        connection(&stage.world, "luggage").await;
    }
    let made = make(stage, of("u-1", false)).await;
    let all = shown(stage, &made).await;
    assert_eq!((all.lines.len(), all.search.as_deref()), (9, Some("")));
    assert!(all.lines.iter().filter(|line| line.label.is_some()).count() == 8, "{:?}", all.lines);
    let ask = UserPageAsk { search: Some(" POSTC ".into()), ..UserPageAsk::default() };
    let found = services(see(stage, &made, ask).await);
    assert_eq!((found.lines.len(), found.search.as_deref()), (1, Some("POSTC")));
    let named =
        UserPageRequest { connections: vec![stage.name.clone(), stage.id().await], ..of("u-1", false) };
    assert_eq!(shown(stage, &make(stage, named).await).await.lines.len(), 1);
    let unknown = UserPageRequest { connections: vec!["nothing".into()], ..of("u-1", false) };
    let refused = user_pages::create(stage.app(), &stage.world.caller, unknown).await;
    assert_eq!(code(refused), Code::ConnectionNotFound);
}

async fn a_page_needs_the_rights_for_what_it_lets_a_user_do(stage: &Stage) {
    let writer = stage.world.with_permissions(&[Permission::AccountsWrite]);
    let reader = stage.world.with_permissions(&[Permission::AccountsRead, Permission::AccountsRevoke]);
    assert_eq!(
        code(user_pages::create(stage.app(), &reader, of("u-1", false)).await),
        Code::PermissionDenied
    );
    assert_eq!(code(user_pages::create(stage.app(), &writer, of("u-1", true)).await), Code::PermissionDenied);
    user_pages::create(stage.app(), &writer, of("u-1", false)).await.unwrap();
    let day = Some(Duration::from_secs(86_401));
    for (request, field) in [
        (UserPageRequest { lifetime: day, ..of("u-1", true) }, "lifetime_seconds"),
        (UserPageRequest { lifetime: Some(Duration::from_secs(59)), ..of("u-1", false) }, "lifetime_seconds"),
        (of("", false), "identifier"),
        (of("keybearer:org-wide", false), "identifier"),
        (UserPageRequest { locale: Some("xx".into()), ..of("u-1", false) }, "locale"),
        (UserPageRequest { return_url: Some("javascript:1".into()), ..of("u-1", false) }, "return_url"),
        (UserPageRequest { app_state: Some("x".repeat(513)), ..of("u-1", false) }, "state"),
    ] {
        let refused = user_pages::create(stage.app(), &stage.world.caller, request).await;
        assert_eq!(fields(refused), [field]);
    }
    let longer = UserPageRequest { lifetime: day, ..of("u-1", false) };
    user_pages::create(stage.app(), &stage.world.caller, longer).await.unwrap();
}

async fn the_address_of_a_page_is_stored_nowhere(stage: &Stage) {
    let made = make(stage, of("u-1", true)).await;
    let lines = shown(stage, &made).await.lines;
    led_to(press(stage, &made, &lines[0]).await);
    let texts = [
        "SELECT token_hash || connections FROM user_page",
        "SELECT COALESCE(return_url, '') || token_hash FROM flow",
        "SELECT detail || target FROM audit",
    ];
    for text in texts {
        let stored = stage.world.sql(text).await;
        assert!(!stored.is_empty() && stored.iter().all(|row| !row.contains(made.token.expose().as_str())));
    }
    assert!(!format!("{made:?}").contains(made.token.expose().as_str()));
}

async fn the_pages_of_a_user_end_when_the_developer_says_so(stage: &Stage) {
    let account = stage.connect("u-1", "ada").await;
    let mine = [make(stage, of("u-1", true)).await, make(stage, of("u-1", false)).await];
    let other = make(stage, of("u-2", true)).await;
    let reader = stage.world.with_permissions(&[Permission::AccountsRead, Permission::AccountsRevoke]);
    assert_eq!(code(user_pages::end(stage.app(), &reader, "u-1").await), Code::PermissionDenied);
    assert_eq!(fields(user_pages::end(stage.app(), &stage.world.caller, "").await), ["identifier"]);
    // what another environment calls by the same name is none of its business
    assert_eq!(user_pages::end(stage.app(), &stage.world.stranger, "u-1").await.unwrap(), 0);
    shown(stage, &mine[0]).await;
    assert_eq!(user_pages::end(stage.app(), &stage.world.caller, "u-1").await.unwrap(), 2);
    for made in &mine {
        let ended = problem(see(stage, made, UserPageAsk::default()).await);
        assert_eq!(ended.case, ProblemCase::LinkEnded);
        assert_eq!(case(end(stage, made, account.id.as_str()).await), ProblemCase::LinkEnded);
    }
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
    shown(stage, &other).await;
    assert_eq!(user_pages::end(stage.app(), &stage.world.caller, "u-1").await.unwrap(), 0);
    let lines = stage.world.sql("SELECT action FROM audit WHERE action = 'user_page.ended'").await;
    assert_eq!(lines.len(), 3, "each time, the stranger's in their own trail");
}

async fn a_note_is_told_to_the_developer_and_never_to_the_user(stage: &Stage) {
    let note = || Some(" Ticket 4711: asked by phone ".to_owned());
    let made = make(stage, UserPageRequest { note: note(), ..of("u-1", true) }).await;
    let lines = shown(stage, &made).await.lines;
    let mut links = vec![led_to(press(stage, &made, &lines[0]).await)];
    let request =
        LinkRequest { lookup: Lookup::of(&stage.name, "u-1"), note: note(), ..LinkRequest::default() };
    links.push(flows::create_link(stage.app(), &stage.world.caller, request).await.unwrap().url.to_string());
    let account = stage.account("u-1").await.id;
    let story = journal::story(stage.app(), &stage.world.caller, &account, None, 50).await.unwrap();
    let told: Vec<_> = story.items.iter().filter_map(|entry| entry.further.as_deref()).collect();
    assert_eq!(told, ["Ticket 4711: asked by phone"; 2]);
    for link in links {
        let token = link.strip_prefix("https://keys.example/c/").unwrap();
        assert!(!format!("{:?}", stage.view(token, &browser("a")).await).contains("4711"));
    }
    assert!(!format!("{:?}", shown(stage, &made).await).contains("4711"));
    for wrong in ["x".repeat(201), "two\nlines".to_owned()] {
        let request = UserPageRequest { note: Some(wrong.clone()), ..of("u-1", false) };
        assert_eq!(fields(user_pages::create(stage.app(), &stage.world.caller, request).await), ["note"]);
        let request = LinkRequest {
            lookup: Lookup::of(&stage.name, "u-1"),
            note: Some(wrong),
            ..LinkRequest::default()
        };
        assert_eq!(fields(flows::create_link(stage.app(), &stage.world.caller, request).await), ["note"]);
    }
}
