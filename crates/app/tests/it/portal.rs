//! What the browser of a connect link may do, and what not.

use keybearer_app::accounts::{
    self, Account, CreateAccount, Credentials, Lookup, ScopeSelection, UpdateAccount,
};
use keybearer_app::connections::{self, CreateConnection, ScopeSettings, UpdateConnection};
use keybearer_app::flows::{self, LinkRequest, PageBody};
use keybearer_app::organizations::{self, CreateOrganization};
use keybearer_app::tool_calls::{self, ToolCallQuery};
use keybearer_app::{Actor, AppConfig, Caller, PageAsk, Permissions, clients, logs, portal};
use keybearer_core::{AccountStatus, Code, StatusReason, VerifyMode};
use serde_json::json;

use crate::accounts::{new, tokens};
use crate::connections::postcards;
use crate::flows_stage::{Stage, browser, done, on_both_staged};
use crate::harness::{code, fields};
use crate::tokens_refresh::{connected, get as call};

fn open(config: &mut AppConfig) {
    config.links_open_all_accounts = true;
}

fn open_and_custom(config: &mut AppConfig) {
    open(config);
    config.verify_mode = VerifyMode::Custom;
    config.verify_urls = vec!["https://app.example/verify".parse().unwrap()];
}

on_both_staged!(crate::flows_stage::plain;
    a_session_is_its_links_account_and_no_other,
    a_session_ends_with_its_link,
    every_other_use_case_refuses_a_session,
    a_session_changes_its_scopes_and_nothing_else,
    a_redirect_leads_where_the_page_leads_and_only_this_browser_finishes_it,
    the_other_accounts_of_a_user_are_closed_unless_the_operator_opens_them,
    a_session_sees_the_calls_of_its_account_and_no_others,
);
on_both_staged!(super::open;
    an_open_link_shows_the_accounts_of_its_user_only,
);
on_both_staged!(super::open_and_custom;
    a_link_that_a_link_made_is_verified_alike_and_ends_no_later,
);

async fn session(stage: &Stage, token: &str) -> Caller {
    flows::admit(stage.app(), token, "b".repeat(22).as_str()).await.unwrap()
}

fn this() -> Lookup {
    Lookup::id("")
}

async fn made(stage: &Stage, user: &str) -> Account {
    accounts::create(stage.app(), &stage.world.caller, new(&stage.name, user, tokens())).await.unwrap()
}

async fn a_session_is_its_links_account_and_no_other(stage: &Stage) {
    let (mine, other) = (made(stage, "u-1").await, made(stage, "u-2").await);
    let caller = session(stage, &stage.link("u-1").await).await;
    let app = stage.app();
    for lookup in [this(), Lookup::id(mine.id.as_str())] {
        assert_eq!(portal::get(app, &caller, &lookup).await.unwrap().id, mine.id);
    }
    for lookup in [Lookup::id(other.id.as_str()), Lookup::id("ca_1"), Lookup::of(&stage.name, "u-2")] {
        assert_eq!(code(portal::get(app, &caller, &lookup).await), Code::PermissionDenied);
        assert_eq!(code(portal::disconnect(app, &caller, &lookup).await), Code::PermissionDenied);
        let patch = UpdateAccount::default();
        assert_eq!(code(portal::update(app, &caller, &lookup, patch).await), Code::PermissionDenied);
    }
    let ended = portal::disconnect(app, &caller, &this()).await.unwrap();
    assert_eq!((ended.status, ended.reason), (AccountStatus::Disconnected, StatusReason::DisconnectedByUser));
    assert_eq!(stage.account("u-2").await.status, AccountStatus::Active);
    // an API client has no account of its own
    assert_eq!(fields(portal::get(app, &stage.world.caller, &this()).await), ["id"]);
    let lookup = Lookup::id(other.id.as_str());
    assert_eq!(portal::disconnect(app, &stage.world.caller, &lookup).await.unwrap().id, other.id);
    assert_eq!(code(portal::get(app, &stage.world.stranger, &lookup).await), Code::AccountNotFound);
    assert_eq!(code(portal::redirect_url(app, &stage.world.caller, None).await), Code::PermissionDenied);
}

async fn a_session_sees_the_calls_of_its_account_and_no_others(stage: &Stage) {
    let account = connected(stage, 50).await;
    let (app, developer) = (stage.app(), &stage.world.caller);
    call(app, stage, "u-1").await.unwrap();
    call(app, stage, "nobody").await.unwrap_err();
    let first = PageAsk::default();
    while tool_calls::list(app, developer, ToolCallQuery::default(), &first).await.unwrap().items.len() < 2 {
        tokio::task::yield_now().await;
    }
    let caller = session(stage, &stage.link("u-1").await).await;
    let mine =
        portal::calls(app, &caller, ToolCallQuery::default(), &PageAsk::default()).await.unwrap().items;
    assert_eq!(mine.iter().map(|one| one.account_id.clone()).collect::<Vec<_>>(), [Some(account.id)]);
    let now = app.now();
    let hour = std::time::Duration::from_secs(3600);
    let span = ToolCallQuery {
        from: Some(now.minus(hour)),
        until: Some(now.plus(hour)),
        ..ToolCallQuery::default()
    };
    assert_eq!(portal::overview(app, &caller, span.clone()).await.unwrap().all.total(), 1);
    let other = ToolCallQuery { account_id: Some("ca_1".to_owned()), ..span.clone() };
    assert_eq!(
        code(portal::calls(app, &caller, other.clone(), &PageAsk::default()).await),
        Code::PermissionDenied
    );
    assert_eq!(code(portal::overview(app, &caller, other).await), Code::PermissionDenied);
    assert_eq!(code(portal::overview(app, developer, span).await), Code::PermissionDenied);
}

async fn a_session_ends_with_its_link(stage: &Stage) {
    let app = stage.app();
    let admit = |token: &str| {
        let token = token.to_owned();
        async move { flows::admit(app, &token, &"b".repeat(22)).await.map(|_| ()) }
    };
    assert_eq!(code(admit("0000000000000000000000000000000000000000").await), Code::Unauthenticated);
    let older = stage.link("u-1").await;
    let token = stage.link("u-1").await;
    assert_eq!(code(admit(&older).await), Code::Unauthenticated, "a newer link took its place");
    admit(&token).await.unwrap();
    let visit = browser("b");
    let parameters = stage.consent(&token, &visit, "ada").await;
    done(stage.callback(parameters, &visit).await);
    assert_eq!(code(admit(&token).await), Code::Unauthenticated, "success uses it up");
    let late = stage.link("u-2").await;
    let caller = session(stage, &late).await;
    stage.world.clock.advance(std::time::Duration::from_secs(3601));
    assert_eq!(code(admit(&late).await), Code::Unauthenticated, "its time is over");
    assert!(portal::redirect_url(app, &caller, None).await.is_err());
}

/// A caller without permissions: whoever forgets to ask who calls still refuses.
async fn every_other_use_case_refuses_a_session(stage: &Stage) {
    let account = made(stage, "u-1").await;
    let caller = session(stage, &stage.link("u-1").await).await;
    assert!(matches!(caller.actor, Actor::Session(_)));
    assert_eq!(caller.permissions, Permissions::default());
    let (app, denied) = (stage.app(), Code::PermissionDenied);
    let own = Lookup::id(account.id.as_str());
    assert_eq!(code(accounts::get(app, &caller, &own).await), denied);
    assert_eq!(code(accounts::auth(app, &caller, &own).await), denied);
    assert_eq!(code(accounts::delete(app, &caller, &own).await), denied);
    assert_eq!(code(accounts::disconnect(app, &caller, &own).await), denied);
    assert_eq!(code(accounts::update(app, &caller, &own, UpdateAccount::default()).await), denied);
    let query = accounts::AccountQuery::default();
    assert_eq!(code(accounts::list(app, &caller, &query, &PageAsk::default()).await), denied);
    assert_eq!(code(connections::get(app, &caller, &stage.name).await), denied);
    assert_eq!(code(clients::list(app, &caller).await), denied);
    assert_eq!(code(organizations::create(app, &caller, CreateOrganization::default()).await), denied);
    let request = LinkRequest { lookup: own, ..LinkRequest::default() };
    assert_eq!(code(flows::create_link(app, &caller, request).await.map(|_| ())), denied);
    let nothing = logs::CallQuery::default();
    assert_eq!(code(logs::list(app, &caller, &nothing, &PageAsk::default()).await.map(|_| ())), denied);
    let call = crate::tokens_refresh::get_as(stage, &caller, &stage.name, "/postcards").await;
    assert_eq!(code(call), denied);
}

async fn a_session_changes_its_scopes_and_nothing_else(stage: &Stage) {
    selectable(stage).await;
    let account = made(stage, "u-1").await;
    let caller = session(stage, &stage.link("u-1").await).await;
    let object = json!({"domain": "evil.example"}).as_object().cloned();
    for patch in [
        UpdateAccount { credentials: tokens(), ..UpdateAccount::default() },
        UpdateAccount {
            credentials: Credentials::Static { details: "{\"api_key\":\"k\"}".into() },
            ..UpdateAccount::default()
        },
        UpdateAccount { api_config: object, ..UpdateAccount::default() },
        UpdateAccount {
            fields: [("domain".to_owned(), "evil.example".into())].into(),
            ..UpdateAccount::default()
        },
    ] {
        assert_eq!(code(portal::update(stage.app(), &caller, &this(), patch).await), Code::PermissionDenied);
    }
    let choose = |names: &[&str]| UpdateAccount {
        scope_selection: Some(ScopeSelection {
            scopes: names.iter().map(|name| (*name).to_owned()).collect(),
            ..ScopeSelection::default()
        }),
        ..UpdateAccount::default()
    };
    let wrong = portal::update(stage.app(), &caller, &this(), choose(&["root"])).await;
    assert_eq!(code(wrong), Code::InvalidScopeSelection);
    let changed = portal::update(stage.app(), &caller, &this(), choose(&["postcards.read"])).await.unwrap();
    assert_eq!(changed.wanted_scopes, ["profile.read", "postcards.read"]);
    assert_eq!(changed.generation, account.generation);
}

async fn selectable(stage: &Stage) {
    let scopes = ScopeSettings {
        scopes: ["profile.read", "postcards.read", "postcards.write"].map(str::to_owned).to_vec(),
        required: vec!["profile.read".to_owned()],
        selectable: true,
        ..ScopeSettings::default()
    };
    let change = UpdateConnection { scopes: Some(scopes), ..UpdateConnection::default() };
    connections::update(stage.app(), &stage.world.caller, &stage.name, change).await.unwrap();
}

async fn a_redirect_leads_where_the_page_leads_and_only_this_browser_finishes_it(stage: &Stage) {
    selectable(stage).await;
    let token = stage.link("u-1").await;
    let caller = session(stage, &token).await;
    // the page asks for a choice first
    let page = portal::redirect_url(stage.app(), &caller, None).await.unwrap();
    assert_eq!(page.path(), format!("/c/{token}"));
    let select = |name: &str| ScopeSelection { scopes: vec![name.to_owned()], ..ScopeSelection::default() };
    let wrong = portal::redirect_url(stage.app(), &caller, Some(&select("root"))).await;
    assert_eq!(code(wrong), Code::InvalidScopeSelection);
    let url = portal::redirect_url(stage.app(), &caller, Some(&select("postcards.read"))).await.unwrap();
    let scopes = url.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    assert_eq!(scopes, "profile.read postcards.read");
    let parameters = stage.approve(url.as_str(), "ada");
    let other = stage.callback(parameters.clone(), &browser("z")).await;
    assert!(matches!(crate::flows_stage::page(other), PageBody::Problem(_)));
    done(stage.callback(parameters, &browser("b")).await);
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
}

async fn the_other_accounts_of_a_user_are_closed_unless_the_operator_opens_them(stage: &Stage) {
    let account = made(stage, "u-1").await;
    let caller = session(stage, &stage.link("u-1").await).await;
    let (app, denied) = (stage.app(), Code::PermissionDenied);
    assert_eq!(code(portal::connections(app, &caller).await), denied);
    assert_eq!(code(portal::connectors(app, &caller).await.map(|_| ())), denied);
    assert_eq!(code(portal::disconnect_mine(app, &caller, account.id.as_str()).await), denied);
    assert_eq!(code(portal::link(app, &caller, &stage.name).await.map(|_| ())), denied);
    assert_eq!(stage.account("u-1").await.status, AccountStatus::Active);
}

async fn second(stage: &Stage) -> String {
    let wanted = CreateConnection { name: Some("second".to_owned()), ..postcards() };
    connections::create(stage.app(), &stage.world.caller, wanted).await.unwrap().name
}

async fn an_open_link_shows_the_accounts_of_its_user_only(stage: &Stage) {
    let name = second(stage).await;
    let create = |new| accounts::create(stage.app(), &stage.world.caller, new);
    let first = made(stage, "u-1").await;
    let mine = create(new(&name, "u-1", tokens())).await.unwrap();
    let other = create(new(&name, "u-2", tokens())).await.unwrap();
    let lookup = Lookup { organization_id: Some("org_9".to_owned()), ..Lookup::of(&name, "u-1") };
    let scoped = create(CreateAccount { lookup, ..new(&name, "u-1", tokens()) }).await.unwrap();
    let caller = session(stage, &stage.link("u-1").await).await;
    let app = stage.app();
    let mut shown = portal::connections(app, &caller).await.unwrap();
    shown.sort_by(|left, right| left.connection_name.cmp(&right.connection_name));
    let seen: Vec<_> = shown.iter().map(|one| (one.connection_name.as_str(), one.account.clone())).collect();
    let active = AccountStatus::Active;
    assert_eq!(
        seen,
        [(stage.name.as_str(), Some((first.id, active))), ("second", Some((mine.id.clone(), active)))]
    );
    assert_eq!(portal::connectors(app, &caller).await.unwrap().len(), 1);
    for foreign in [other.id.as_str(), scoped.id.as_str(), "ca_1", "x"] {
        assert_eq!(code(portal::disconnect_mine(app, &caller, foreign).await), Code::AccountNotFound);
    }
    let ended = portal::disconnect_mine(app, &caller, mine.id.as_str()).await.unwrap();
    assert_eq!(ended.reason, StatusReason::DisconnectedByUser);
    assert_eq!(code(portal::connections(app, &stage.world.caller).await), Code::PermissionDenied);
}

async fn a_link_that_a_link_made_is_verified_alike_and_ends_no_later(stage: &Stage) {
    let name = second(stage).await;
    let id = connections::get(stage.app(), &stage.world.caller, &name).await.unwrap().id;
    let request = LinkRequest {
        lookup: Lookup::of(&stage.name, "u-1"),
        user_verify_url: Some("https://app.example/verify".to_owned()),
        lifetime: Some(std::time::Duration::from_secs(600)),
        ..LinkRequest::default()
    };
    let caller = session(stage, &stage.link_with(request).await).await;
    stage.world.clock.advance(std::time::Duration::from_secs(60));
    let link = portal::link(stage.app(), &caller, &name).await.unwrap();
    assert_eq!(link.expires_at.since(stage.app().now()).as_secs(), 540);
    stage.register_for(id.as_str(), crate::flows_stage::APP_SECRET);
    let token = link.url.path().strip_prefix("/c/").unwrap();
    let parameters = stage.consent(token, &browser("b"), "ada").await;
    let answer = flows::callback(stage.app(), id.as_str(), parameters, &browser("b")).await.unwrap();
    let flows::Answer::Redirect(to) = answer else { panic!("nobody was verified") };
    assert_eq!(to.path(), "/verify");
    let account = accounts::get(stage.app(), &stage.world.caller, &Lookup::of(&name, "u-1")).await.unwrap();
    assert_eq!(account.status, AccountStatus::PendingVerification);
}
