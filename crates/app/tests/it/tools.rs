//! The empty catalogue: rights, values and accounts are looked at as if there were tools.

use std::time::Duration;

use keybearer_app::accounts::Lookup;
use keybearer_app::mcp::{self, McpList, McpTarget};
use keybearer_app::tools::{self, ToolQuery};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::Code;

use crate::accounts::{connection, make, new, tokens};
use crate::harness::{World, code, fields, on_both};

on_both!(
    a_list_of_tools_looks_at_the_account_it_is_for,
    running_a_tool_looks_at_the_account_first,
    tools_and_servers_ask_for_permissions,
    no_mcp_server_is_made_or_found,
);

fn of(connector: &str, identifier: &str) -> Lookup {
    Lookup::of(connector, identifier)
}

async fn a_list_of_tools_looks_at_the_account_it_is_for(world: &World) {
    let name = connection(world, "postcards").await;
    let account = make(world, new(&name, "ada", tokens())).await;
    let list = async |account: Lookup, page: PageAsk| {
        let query = ToolQuery { account, ..ToolQuery::default() };
        tools::list(&world.app, &world.caller, &query, &page).await
    };
    let first = PageAsk::default;
    for good in
        [Lookup::default(), of("", ""), of(&name, "ada"), of(&name, ""), Lookup::id(account.id.as_str())]
    {
        list(good.clone(), first()).await.unwrap_or_else(|error| panic!("{good:?}: {error}"));
    }
    assert_eq!(code(list(of(&name, "nobody"), first()).await), Code::AccountNotFound);
    assert_eq!(code(list(of("nothing", "ada"), first()).await), Code::ConnectionNotFound);
    assert_eq!(code(list(of("nothing", ""), first()).await), Code::ConnectionNotFound);
    assert_eq!(code(list(Lookup::id("ca_1"), first()).await), Code::AccountNotFound);
    assert_eq!(fields(list(Lookup::id("ca_x"), first()).await), ["connected_account_id"]);
    // the wire cuts pages of tools that are too large, and knows no token of an empty list
    list(Lookup::default(), PageAsk::first(5000)).await.unwrap();
    let strange = PageAsk { size: 0, token: "A".repeat(32) };
    assert_eq!(fields(list(Lookup::default(), strange.clone()).await), ["page_token"]);
    assert_eq!(fields(tools::list_scoped(&world.app, &world.caller, "ada", &strange)), ["page_token"]);
    assert_eq!(fields(tools::list_available(&world.app, &world.caller, "ada", &strange)), ["page_token"]);
    // another environment sees neither
    let query = ToolQuery { account: Lookup::id(account.id.as_str()), ..ToolQuery::default() };
    let seen = tools::list(&world.app, &world.stranger, &query, &first()).await;
    assert_eq!(code(seen), Code::AccountNotFound);
}

async fn running_a_tool_looks_at_the_account_first(world: &World) {
    let name = connection(world, "postcards").await;
    let account = make(world, new(&name, "ada", tokens())).await;
    let run = async |lookup: Lookup| tools::execute(&world.app, &world.caller, "send_card", &lookup).await;
    assert_eq!(code(run(of(&name, "nobody")).await), Code::AccountNotFound);
    assert_eq!(code(run(of("nothing", "ada")).await), Code::ConnectionNotFound);
    assert_eq!(fields(run(Lookup::default()).await), ["connected_account_id"]);
    for known in [of(&name, "ada"), of("", "ada"), Lookup::id(account.id.as_str())] {
        let error = run(known).await.unwrap_err();
        assert_eq!((error.code, &*error.detail), (Code::NotFound, "tool not found: `send_card`"));
    }
    let refresh = async |lookup: Lookup| tools::refresh(&world.app, &world.caller, &lookup).await;
    assert_eq!(code(refresh(of(&name, "nobody")).await), Code::AccountNotFound);
    assert_eq!(fields(refresh(of("", "ada")).await), ["connected_account_id"]);
    assert_eq!(code(refresh(of(&name, "ada")).await), Code::FailedPrecondition);
}

async fn tools_and_servers_ask_for_permissions(world: &World) {
    let nobody = world.with_permissions(&[]);
    let (app, page, denied) = (&world.app, PageAsk::default(), Code::PermissionDenied);
    assert_eq!(code(tools::list(app, &nobody, &ToolQuery::default(), &page).await), denied);
    assert_eq!(code(tools::list_scoped(app, &nobody, "ada", &page)), denied);
    assert_eq!(code(tools::list_available(app, &nobody, "ada", &page)), denied);
    assert_eq!(code(tools::search(&nobody)), denied);
    assert_eq!(code(tools::execute(app, &nobody, "t", &Lookup::id("ca_1")).await), denied);
    assert_eq!(code(tools::refresh(app, &nobody, &Lookup::id("ca_1")).await), denied);
    assert_eq!(code(tools::create(&nobody)), denied);
    assert_eq!(code(tools::change(&nobody, "t")), denied);
    let reader = world.with_permissions(&[Permission::McpRead]);
    let writer = world.with_permissions(&[Permission::McpWrite]);
    assert_eq!(code(mcp::create(&reader)), denied);
    assert_eq!(code(mcp::change(&reader)), denied);
    assert_eq!(code(mcp::token(app, &reader, McpTarget::Config("cfg_1".into()), None).await), denied);
    assert_eq!(code(mcp::list(app, &writer, McpList::Configs, &page)), denied);
    assert_eq!(code(mcp::find(&writer)), denied);
}

async fn no_mcp_server_is_made_or_found(world: &World) {
    let name = connection(world, "postcards").await;
    let (app, caller) = (&world.app, &world.caller);
    assert_eq!(code(mcp::create(caller)), Code::FailedPrecondition);
    assert_eq!(code(mcp::find(caller)), Code::NotFound);
    assert_eq!(code(mcp::change(caller)), Code::NotFound);
    for what in [McpList::Configs, McpList::Instances, McpList::Servers] {
        mcp::list(app, caller, what, &PageAsk::first(30)).unwrap();
        assert_eq!(fields(mcp::list(app, caller, what, &PageAsk::first(31))), ["page_size"]);
    }
    let token = async |target: McpTarget, seconds: Option<u64>| {
        mcp::token(app, caller, target, seconds.map(Duration::from_secs)).await
    };
    let connection = || McpTarget::Connection(name.clone());
    assert_eq!(code(token(McpTarget::Config("cfg_1".into()), None).await), Code::NotFound);
    assert_eq!(code(token(McpTarget::Connection("nothing".into()), None).await), Code::ConnectionNotFound);
    assert_eq!(code(token(connection(), Some(60)).await), Code::FailedPrecondition);
    for seconds in [0, 59, 86_401] {
        assert_eq!(fields(token(connection(), Some(seconds)).await), ["expiry"]);
    }
}
