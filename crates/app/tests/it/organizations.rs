//! Organizations: their own life, and what ends with them.

use std::collections::BTreeMap;

use keybearer_app::accounts::{self, AccountQuery, CreateAccount, Lookup};
use keybearer_app::organizations::{
    self, CreateOrganization, Organization, OrganizationKey, UpdateOrganization,
};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::Code;

use crate::accounts::{connection, make as make_account, new as new_account, tokens};
use crate::harness::{World, code, fields, on_both, tick};

on_both!(
    an_organization_is_found_by_both_ids_and_changes_only_what_is_given,
    external_ids_and_slugs_are_unique_in_their_environment,
    values_of_an_organization_that_are_wrong_are_named,
    organizations_come_in_pages,
    deleting_an_organization_wipes_its_accounts_and_no_others,
    an_account_may_name_an_organization_that_was_never_made,
    another_environment_and_fewer_permissions_see_no_organizations,
);

fn new(name: &str) -> CreateOrganization {
    CreateOrganization { display_name: name.to_owned(), ..CreateOrganization::default() }
}

async fn make(world: &World, new: CreateOrganization) -> Organization {
    organizations::create(&world.app, &world.caller, new).await.unwrap()
}

fn by_id(organization: &Organization) -> OrganizationKey {
    OrganizationKey::Id(organization.id.to_string())
}

async fn an_organization_is_found_by_both_ids_and_changes_only_what_is_given(world: &World) {
    let metadata = BTreeMap::from([("plan".to_owned(), "gold".to_owned())]);
    let given = CreateOrganization {
        external_id: Some("tenant-7".to_owned()),
        slug: Some("acme".to_owned()),
        logo_url: Some("https://acme.example/logo.png".to_owned()),
        metadata: metadata.clone(),
        ..new(" Acme ")
    };
    let made = make(world, given).await;
    assert_eq!((made.display_name.as_str(), made.external_id.as_deref()), ("Acme", Some("tenant-7")));
    for key in [by_id(&made), OrganizationKey::External("tenant-7".to_owned())] {
        assert_eq!(organizations::get(&world.app, &world.caller, &key).await.unwrap(), made);
    }
    let patch = UpdateOrganization {
        display_name: Some("Acme & Sons".to_owned()),
        external_id: Some(String::new()),
        ..UpdateOrganization::default()
    };
    let changed = organizations::update(&world.app, &world.caller, &by_id(&made), patch).await.unwrap();
    assert_eq!((changed.display_name.as_str(), changed.external_id), ("Acme & Sons", None));
    assert_eq!((changed.slug.as_deref(), changed.metadata), (Some("acme"), metadata));
    let gone = OrganizationKey::External("tenant-7".to_owned());
    assert_eq!(code(organizations::get(&world.app, &world.caller, &gone).await), Code::NotFound);
    for action in ["organization.created", "organization.updated"] {
        assert_eq!(world.audited(made.id.as_str(), action).await, 1, "{action}");
    }
}

async fn external_ids_and_slugs_are_unique_in_their_environment(world: &World) {
    let with = |external: &str, slug: &str| CreateOrganization {
        external_id: Some(external.to_owned()),
        slug: Some(slug.to_owned()),
        ..new("A")
    };
    make(world, with("x", "s")).await;
    for taken in [with("x", "t"), with("y", "s")] {
        assert_eq!(code(organizations::create(&world.app, &world.caller, taken).await), Code::AlreadyExists);
    }
    // many have neither
    let other = make(world, with("", "")).await;
    make(world, with("", "")).await;
    let patch = UpdateOrganization { slug: Some("s".to_owned()), ..UpdateOrganization::default() };
    let changed = organizations::update(&world.app, &world.caller, &by_id(&other), patch).await;
    assert_eq!(code(changed), Code::AlreadyExists);
    assert!(organizations::create(&world.app, &world.stranger, with("x", "s")).await.is_ok());
}

async fn values_of_an_organization_that_are_wrong_are_named(world: &World) {
    let create = |new| organizations::create(&world.app, &world.caller, new);
    for name in ["", "  ", "a\nb", &"a".repeat(201)] {
        assert_eq!(fields(create(new(name)).await), ["organization.display_name"], "{name}");
    }
    for url in ["javascript:alert(1)", "data:text/html,x", "//x", "logo.png"] {
        let given = CreateOrganization { logo_url: Some(url.to_owned()), ..new("A") };
        assert_eq!(fields(create(given).await), ["organization.logo_url"], "{url}");
    }
    let given = CreateOrganization { external_id: Some("a\u{0}".to_owned()), ..new("A") };
    assert_eq!(fields(create(given).await), ["organization.external_id"]);
}

async fn organizations_come_in_pages(world: &World) {
    for number in 0..5 {
        let external_id = Some(format!("t-{number}"));
        make(world, CreateOrganization { external_id, ..new(&format!("O{number}")) }).await;
        tick(world);
    }
    let page = async |external: Option<&str>, token: String| {
        let ask = PageAsk { size: 2, token };
        organizations::list(&world.app, &world.caller, external, &ask).await.unwrap()
    };
    let first = page(None, String::new()).await;
    let names: Vec<&str> = first.items.iter().map(|one| one.display_name.as_str()).collect();
    assert_eq!((names, first.total, first.previous), (vec!["O4", "O3"], 5, None));
    let token = first.next.unwrap();
    assert_eq!(token.len(), 32);
    let second = page(None, token.clone()).await;
    assert_eq!(second.items[0].display_name, "O2");
    let back = page(None, second.previous.unwrap()).await;
    assert_eq!(back.items[0].display_name, "O4");
    assert_eq!(page(Some("t-1"), String::new()).await.total, 1);
    let mixed = PageAsk { size: 2, token };
    let refused = organizations::list(&world.app, &world.caller, Some("t-1"), &mixed).await;
    assert_eq!(fields(refused), ["page_token"]);
    let large = PageAsk { size: 101, token: String::new() };
    assert_eq!(fields(organizations::list(&world.app, &world.caller, None, &large).await), ["page_size"]);
}

async fn deleting_an_organization_wipes_its_accounts_and_no_others(world: &World) {
    let (name, organization) = (connection(world, "postcards").await, make(world, new("Acme")).await);
    let scoped = |user: &str, organization: &str| CreateAccount {
        lookup: Lookup { organization_id: Some(organization.to_owned()), ..Lookup::of(&name, user) },
        ..new_account(&name, user, tokens())
    };
    let inside = make_account(world, scoped("ada", organization.id.as_str())).await;
    let outside = make_account(world, scoped("ben", "org_1")).await;
    let unscoped = make_account(world, new_account(&name, "eve", tokens())).await;
    let deleted = organizations::delete(&world.app, &world.caller, &by_id(&organization)).await.unwrap();
    assert_eq!(deleted, 1);
    let get = |id: &str| {
        let lookup = Lookup::id(id);
        async move { accounts::get(&world.app, &world.caller, &lookup).await }
    };
    assert_eq!(code(get(inside.id.as_str()).await), Code::AccountNotFound);
    assert!(get(outside.id.as_str()).await.is_ok() && get(unscoped.id.as_str()).await.is_ok());
    let events = world.events(&inside.id).await;
    assert_eq!(events.last().unwrap().0, "connected_account.deleted");
    assert_eq!(world.audited(organization.id.as_str(), "organization.deleted").await, 1);
    assert_eq!(world.audited(inside.id.as_str(), "account.revocation").await, 1);
    // twice is not found, as everywhere
    let again = organizations::delete(&world.app, &world.caller, &by_id(&organization)).await;
    assert_eq!(code(again), Code::NotFound);
}

async fn an_account_may_name_an_organization_that_was_never_made(world: &World) {
    let name = connection(world, "postcards").await;
    let lookup = Lookup { organization_id: Some("my-own-tenant".to_owned()), ..Lookup::of(&name, "ada") };
    let made = make_account(world, CreateAccount { lookup, ..new_account(&name, "ada", tokens()) }).await;
    let query = AccountQuery { organization_id: Some("my-own-tenant".to_owned()), ..AccountQuery::default() };
    let listed = accounts::list(&world.app, &world.caller, &query, &PageAsk::default()).await.unwrap();
    assert_eq!(listed.items[0].id, made.id);
}

async fn another_environment_and_fewer_permissions_see_no_organizations(world: &World) {
    let made = make(world, CreateOrganization { external_id: Some("x".to_owned()), ..new("A") }).await;
    let (app, stranger) = (&world.app, &world.stranger);
    for key in
        [by_id(&made), OrganizationKey::External("x".to_owned()), OrganizationKey::Id("org_1".to_owned())]
    {
        assert_eq!(code(organizations::get(app, stranger, &key).await), Code::NotFound);
        let patch = UpdateOrganization::default();
        assert_eq!(code(organizations::update(app, stranger, &key, patch).await), Code::NotFound);
        assert_eq!(code(organizations::delete(app, stranger, &key).await), Code::NotFound);
    }
    assert_eq!(organizations::list(app, stranger, None, &PageAsk::default()).await.unwrap().total, 0);
    let reader = world.with_permissions(&[Permission::OrganizationsRead, Permission::OrganizationsWrite]);
    assert_eq!(code(organizations::delete(app, &reader, &by_id(&made)).await), Code::PermissionDenied);
    let nobody = world.with_permissions(&[]);
    assert_eq!(code(organizations::get(app, &nobody, &by_id(&made)).await), Code::PermissionDenied);
    assert_eq!(code(organizations::create(app, &nobody, new("B")).await), Code::PermissionDenied);
    assert_eq!(
        code(organizations::list(app, &nobody, None, &PageAsk::default()).await),
        Code::PermissionDenied
    );
}
