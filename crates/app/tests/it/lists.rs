use keybearer_app::PageAsk;
use keybearer_app::accounts::{self, AccountQuery, Credentials};
use keybearer_app::connections::{self, Connection, ConnectionQuery};
use keybearer_core::AccountStatus;

use crate::accounts::{connection, make as make_account, new};
use crate::connections::{make, postcards};
use crate::harness::{World, fields, on_both, tick};

on_both!(
    lists_are_paged_with_tokens_that_fit_the_wire,
    lists_filter_and_search_without_wildcards,
    a_search_has_its_own_limits_and_tokens,
);

async fn lists_are_paged_with_tokens_that_fit_the_wire(world: &World) {
    for _ in 0..5 {
        make(world, postcards()).await;
        tick(world);
    }
    let query = ConnectionQuery { connector: Some("POSTCARDS".to_owned()), ..ConnectionQuery::default() };
    let list = async |query: &ConnectionQuery, size, token: &str| {
        let page = PageAsk { size, token: token.to_owned() };
        connections::list(&world.app, &world.caller, query, &page).await
    };
    let names = |page: &keybearer_app::Listed<Connection>| {
        page.items.iter().map(|connection| connection.name.clone()).collect::<Vec<_>>()
    };
    let first = list(&query, 2, "").await.unwrap();
    assert_eq!((names(&first), first.total), (vec!["postcards-5".into(), "postcards-4".into()], 5));
    assert_eq!(first.previous, None);
    let token = first.next.clone().unwrap();
    assert_eq!(token.len(), 32);
    let second = list(&query, 2, &token).await.unwrap();
    assert_eq!(names(&second), ["postcards-3", "postcards-2"]);
    assert_eq!(names(&list(&query, 2, &second.previous.unwrap()).await.unwrap()), names(&first));
    let last = list(&query, 2, &second.next.unwrap()).await.unwrap();
    assert_eq!((names(&last), last.next), (vec!["postcards".to_owned()], None));

    // J04: changed, of another query, of another environment, of the wrong size
    let mut flipped = token.clone().into_bytes();
    flipped[3] ^= 1;
    let flipped = String::from_utf8(flipped).unwrap();
    for bad in [flipped.as_str(), "AAAA", "-1", &"A".repeat(32), &"A".repeat(1 << 20)] {
        assert_eq!(fields(list(&query, 2, bad).await), ["page_token"]);
    }
    assert_eq!(fields(list(&ConnectionQuery::default(), 2, &token).await), ["page_token"]);
    let page = PageAsk { size: 2, token };
    let foreign = connections::list(&world.app, &world.stranger, &query, &page).await;
    assert_eq!(fields(foreign), ["page_token"]);
    assert_eq!(fields(list(&query, 101, "").await), ["page_size"]);
}

async fn lists_filter_and_search_without_wildcards(world: &World) {
    let (oauth, key) = (connection(world, "postcards").await, connection(world, "luggage").await);
    for user in ["ada_1", "adax1", "100%", "ben"] {
        make_account(world, new(&oauth, user, Credentials::None)).await;
        tick(world);
    }
    make_account(world, new(&key, "ada_1", Credentials::None)).await;
    let found = async |query: AccountQuery| {
        let listed = accounts::list(&world.app, &world.caller, &query, &PageAsk::first(50)).await.unwrap();
        assert_eq!(i64::try_from(listed.items.len()).unwrap(), listed.total);
        listed
            .items
            .into_iter()
            .map(|account| format!("{}/{}", account.connector, account.identifier))
            .collect::<Vec<_>>()
    };
    let text = |query: &str| AccountQuery { query: Some(query.to_owned()), ..AccountQuery::default() };
    assert_eq!(found(text("ada_")).await, ["luggage/ada_1", "postcards/ada_1"]);
    assert_eq!(found(text("0%")).await, ["postcards/100%"]);
    assert_eq!(found(text("' OR 1=1 --")).await, Vec::<String>::new());
    let named = AccountQuery { connection_names: vec![key.clone()], ..AccountQuery::default() };
    assert_eq!(found(named).await, ["luggage/ada_1"]);
    let barred = AccountQuery { connection_names: vec![format!("x|{key}")], ..AccountQuery::default() };
    assert_eq!(found(barred).await, Vec::<String>::new());
    let provider = AccountQuery { connector: Some("LUGGAGE".to_owned()), ..AccountQuery::default() };
    assert_eq!(found(provider).await, ["luggage/ada_1"]);
    let user = AccountQuery { identifier: Some("ben".to_owned()), ..AccountQuery::default() };
    assert_eq!(found(user).await, ["postcards/ben"]);
    let active = AccountQuery { status: Some(AccountStatus::Active), ..AccountQuery::default() };
    assert_eq!(found(active).await, Vec::<String>::new());
}

async fn a_search_has_its_own_limits_and_tokens(world: &World) {
    let (oauth, key) = (connection(world, "postcards").await, connection(world, "luggage").await);
    make_account(world, new(&oauth, "ada_1", Credentials::None)).await;
    tick(world);
    make_account(world, new(&key, "ada_1", Credentials::None)).await;
    let text = |query: &str| AccountQuery { query: Some(query.to_owned()), ..AccountQuery::default() };
    let search = async |query: &str, size| {
        accounts::search(&world.app, &world.caller, query, None, &PageAsk::first(size)).await
    };
    assert_eq!(search("ADA_", 10).await.unwrap().total, 2);
    assert_eq!(fields(search("ad", 10).await), ["query"]);
    assert_eq!(fields(search("ada", 31).await), ["page_size"]);
    let first = search("ada", 1).await.unwrap();
    let next = PageAsk { size: 1, token: first.next.unwrap() };
    let list = accounts::list(&world.app, &world.caller, &text("ada"), &next).await;
    assert_eq!(fields(list), ["page_token"]);
    assert_eq!(accounts::counts(&world.app, &world.caller).await.unwrap().len(), 2);
}
