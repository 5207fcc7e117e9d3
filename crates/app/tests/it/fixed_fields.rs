//! Account fields that the developer gives for everybody.

use keybearer_app::accounts::{self, Lookup};
use keybearer_app::connections::{self, UpdateConnection};
use keybearer_app::flows::{self, LinkRequest};
use keybearer_core::{AccountStatus, SecretString};

use crate::accounts::connection;
use crate::flows_stage::{Stage, browser, credential_form, done, on_both_staged};
use crate::harness::{fields, texts};

on_both_staged!(crate::flows_stage::plain;
    what_is_the_same_for_all_is_neither_asked_nor_taken_from_a_browser,
    what_is_filled_in_for_a_user_stands_in_the_form_and_can_be_changed,
);

async fn what_is_the_same_for_all_is_neither_asked_nor_taken_from_a_browser(stage: &Stage) {
    let name = connection(&stage.world, "lockers").await;
    let fix = async |pairs: &[(&str, &str)]| {
        let patch = UpdateConnection { fixed: texts(pairs), ..UpdateConnection::default() };
        connections::update(stage.app(), &stage.world.caller, &name, patch).await
    };
    assert_eq!(
        fields(fix(&[("password", "locker-ada")]).await),
        ["fixed.password"],
        "a secret is each user's own"
    );
    assert_eq!(fields(fix(&[("nothing", "x")]).await), ["fixed.nothing"]);
    let fixed = fix(&[("username", " ada ")]).await.unwrap();
    assert_eq!(fixed.fixed["username"], "ada");
    let lookup = Lookup::of(&name, "u-1");
    let token = stage.link_with(LinkRequest { lookup: lookup.clone(), ..LinkRequest::default() }).await;
    let visit = browser("a");
    let form = credential_form(stage.view(&token, &visit).await);
    let asked: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(asked, ["password"]);
    let posted = [("csrf", form.csrf.as_str()), ("username", "eve"), ("password", "locker-ada")];
    let posted = posted.map(|(name, value)| (name.to_owned(), SecretString::from(value))).to_vec();
    done(flows::submit(stage.app(), &token, &visit, posted).await.unwrap());
    let account = accounts::get(stage.app(), &stage.world.caller, &lookup).await.unwrap();
    assert_eq!(account.status, AccountStatus::Active);
    assert_eq!(account.identity_id.as_deref(), Some("ada"), "whatever the browser sent");
    // an empty value asks everybody again
    assert!(fix(&[("username", "")]).await.unwrap().fixed.is_empty());
}

async fn what_is_filled_in_for_a_user_stands_in_the_form_and_can_be_changed(stage: &Stage) {
    let name = connection(&stage.world, "lockers").await;
    let request = |pairs: &[(&str, &str)]| LinkRequest {
        lookup: Lookup::of(&name, "u-1"),
        fields: texts(pairs),
        ..LinkRequest::default()
    };
    let make = async |pairs| flows::create_link(stage.app(), &stage.world.caller, request(pairs)).await;
    assert_eq!(
        fields(make(&[("password", "locker-ada"), ("nothing", "x")]).await),
        ["fields.nothing", "fields.password",]
    );
    assert_eq!(
        stage.world.sql("SELECT identifier FROM account").await,
        [""; 0],
        "a refused link makes nothing"
    );
    let (token, visit) = (stage.link_with(request(&[("username", " eve ")])).await, browser("a"));
    let form = credential_form(stage.view(&token, &visit).await);
    let shown = form.fields.iter().map(|field| (field.name.as_str(), field.value.as_str()));
    assert_eq!(shown.collect::<Vec<_>>(), [("username", "eve"), ("password", "")]);
    let posted = [("csrf", form.csrf.as_str()), ("username", "ada"), ("password", "locker-ada")];
    let posted = posted.map(|(name, value)| (name.to_owned(), SecretString::from(value))).to_vec();
    done(flows::submit(stage.app(), &token, &visit, posted).await.unwrap());
    let account = accounts::get(stage.app(), &stage.world.caller, &Lookup::of(&name, "u-1")).await.unwrap();
    assert_eq!(account.identity_id.as_deref(), Some("ada"));
    // what is fixed for everybody is not filled in for one
    let patch = UpdateConnection { fixed: texts(&[("username", "ada")]), ..UpdateConnection::default() };
    connections::update(stage.app(), &stage.world.caller, &name, patch).await.unwrap();
    assert_eq!(fields(make(&[("username", "eve")]).await), ["fields.username"]);
}
