//! How the hosted pages of an environment look and what they say, on both databases.

use keybearer_app::accounts::Lookup;
use keybearer_app::brand::{self, AssetKind, BrandChange, LogoChange, WordChange};
use keybearer_app::flows::page::{PageHead, StartPage};
use keybearer_app::flows::{self, Answer, LinkRequest, PageBody};
use keybearer_app::{Caller, Permission, Permissions};
use keybearer_core::Code;

use crate::flows_stage::{Stage, browser, done, on_both_staged, pairs};
use crate::harness::{World, code, fields, on_both};
use keybearer_sandbox::Approval;

on_both!(
    a_brand_is_kept_and_another_environment_has_none_of_it,
    a_change_over_a_newer_one_is_refused,
    whoever_may_not_change_settings_changes_no_brand,
    every_wrong_field_is_named_and_nothing_is_saved,
    the_files_of_a_brand_are_found_by_their_hash_only,
    a_logo_is_cleaned_replaced_and_taken_away,
    a_lent_preview_shows_what_it_was_made_for_and_ends,
);

const LOGO: &[u8] =
    b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 4' onload='alert(1)'><script>alert(2)</script>\
                      <path d='M0 0h4v4z' fill='#ff0000'/></svg>";

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn colourful() -> BrandChange {
    BrandChange { colour: text("#FC0"), logo: LogoChange::Replace(LOGO.to_vec()), ..BrandChange::default() }
}

async fn update(world: &World, change: &BrandChange) -> keybearer_core::Result<brand::Changed> {
    brand::update(&world.app, &world.caller, world.caller.environment.as_str(), change).await
}

async fn a_brand_is_kept_and_another_environment_has_none_of_it(world: &World) {
    let change = BrandChange {
        app_name: text(" Fieldnote "),
        corners: text("round"),
        font: text("system"),
        theme: text("dark"),
        support_url: text("https://fieldnote.example/help"),
        privacy_url: text("https://fieldnote.example/privacy"),
        footer: Some(false),
        languages_off: Some(vec!["ja".to_owned()]),
        default_language: text("de"),
        words: vec![WordChange {
            language: "de".into(),
            key: "cancel".into(),
            text: " Lieber nicht ".into(),
        }],
        return_urls: Some(vec!["https://app.fieldnote.example/".to_owned()]),
        embed_origins: Some(vec!["https://app.fieldnote.example".to_owned()]),
        ..colourful()
    };
    let changed = update(world, &change).await.unwrap();
    assert_eq!(changed.left_out, ["onload", "script"]);
    let own = world.caller.environment.as_str();
    let read = brand::get(&world.app, &world.caller, own).await.unwrap();
    assert_eq!(read, changed.brand);
    assert_eq!((read.version, read.app_name.as_str()), (1, "Fieldnote"));
    let settings = &read.settings;
    assert_eq!(settings.colour.as_deref(), Some("#ffcc00"));
    assert_eq!(settings.words["de"]["cancel"], "Lieber nicht");
    assert!(settings.without_footer && !settings.speaks("ja") && settings.speaks("de"));
    assert_eq!(settings.support_url.as_ref().unwrap().as_str(), "https://fieldnote.example/help");
    assert_eq!(settings.embed_origins, ["https://app.fieldnote.example"]);
    assert_eq!(world.audited(own, "branding.changed").await, 1);
    let stranger = world.stranger.environment.as_str();
    let other = brand::get(&world.app, &world.stranger, stranger).await.unwrap();
    assert_eq!((other.version, other.logo, &other.settings), (0, None, &brand::Settings::default()));
    // what is empty goes, what is absent stays
    let less = BrandChange {
        colour: text(""),
        support_url: text(""),
        default_language: text(""),
        ..BrandChange::default()
    };
    let left = update(world, &less).await.unwrap().brand;
    assert_eq!((left.version, left.settings.colour, left.settings.support_url), (2, None, None));
    assert!(
        left.settings.default_language.is_none()
            && left.settings.privacy_url.is_some()
            && left.logo.is_some()
    );
    let ours = vec![WordChange { language: "de".into(), key: "cancel".into(), text: String::new() }];
    let left = update(world, &BrandChange { words: ours, ..BrandChange::default() }).await.unwrap().brand;
    assert!(left.settings.words.is_empty());
}

async fn a_change_over_a_newer_one_is_refused(world: &World) {
    let seen = |version| BrandChange { expected_version: Some(version), ..colourful() };
    update(world, &seen(0)).await.unwrap();
    assert_eq!(code(update(world, &seen(0)).await), Code::FailedPrecondition);
    update(world, &seen(1)).await.unwrap();
    let (one, two) = (seen(2), seen(2));
    let (one, two) = tokio::join!(update(world, &one), update(world, &two));
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1, "{one:?} {two:?}");
}

async fn whoever_may_not_change_settings_changes_no_brand(world: &World) {
    let own = world.caller.environment.as_str();
    let reader = world.with_permissions(&[Permission::SettingsRead]);
    assert_eq!(code(brand::update(&world.app, &reader, own, &colourful()).await), Code::PermissionDenied);
    assert_eq!(brand::get(&world.app, &reader, own).await.unwrap().version, 0);
    let nobody = world.with_permissions(&[]);
    assert_eq!(code(brand::get(&world.app, &nobody, own).await), Code::PermissionDenied);
    let usual = Caller { permissions: Permissions::default_set(), ..world.caller.clone() };
    let setter = world.with_permissions(&[Permission::SettingsRead, Permission::SettingsWrite]);
    let foreign = world.stranger.environment.as_str();
    assert_eq!(code(brand::get(&world.app, &usual, foreign).await), Code::NotFound);
    for unknown in [foreign, "env_77", "x"] {
        assert_eq!(code(brand::update(&world.app, &setter, unknown, &colourful()).await), Code::NotFound);
    }
}

async fn every_wrong_field_is_named_and_nothing_is_saved(world: &World) {
    let list = |text: &str| Some(vec![text.to_owned()]);
    let wrong = BrandChange {
        app_name: text(""),
        colour: text("red;}"),
        corners: text("pointed"),
        font: text("comic"),
        theme: text("pink"),
        support_url: text("javascript:alert(1)"),
        privacy_url: text("//fieldnote.example"),
        languages_off: list("<script>"),
        default_language: text("tlh"),
        words: vec![WordChange { language: "de".into(), key: "../x".into(), text: "x".into() }],
        return_urls: list("https://a.example/?q"),
        embed_origins: list("https://a.example; script-src *"),
        logo: LogoChange::Replace(b"GIF89a".to_vec()),
        logo_dark: LogoChange::Replace(vec![b' '; 70_000]),
        ..BrandChange::default()
    };
    let mut named = fields(update(world, &wrong).await);
    named.sort();
    let expected = [
        "app_name",
        "colour",
        "corners",
        "default_language",
        "embed_origins",
        "font",
        "languages_off",
        "logo",
        "logo_dark",
        "privacy_url",
        "return_urls",
        "support_url",
        "theme",
        "words.de.../x",
    ];
    assert_eq!(named, expected);
    assert_eq!(
        brand::get(&world.app, &world.caller, world.caller.environment.as_str()).await.unwrap().version,
        0
    );
    let off = BrandChange { languages_off: list("en"), ..BrandChange::default() };
    assert_eq!(fields(update(world, &off).await), ["default_language"]);
    let alone = BrandChange { logo_dark: LogoChange::Replace(LOGO.to_vec()), ..BrandChange::default() };
    assert_eq!(fields(update(world, &alone).await), ["logo_dark"]);
}

async fn the_files_of_a_brand_are_found_by_their_hash_only(world: &World) {
    let changed = update(world, &colourful()).await.unwrap().brand;
    let sheet = changed.settings.look().address().unwrap();
    let (sheet, logo) = (sheet.strip_prefix("/theme/").unwrap(), changed.logo.unwrap());
    let logo = logo.strip_prefix("/theme/").unwrap();
    let css = brand::asset(&world.app, sheet).await.unwrap().unwrap();
    assert_eq!(css.kind, AssetKind::Css);
    assert!(String::from_utf8(css.bytes).unwrap().contains("--primary:#ffcc00"));
    let svg = brand::asset(&world.app, logo).await.unwrap().unwrap();
    assert_eq!(svg.kind, AssetKind::Svg);
    assert!(!String::from_utf8(svg.bytes).unwrap().contains("alert"));
    let other = "0".repeat(32);
    for unknown in [
        format!("{other}.css"),
        format!("{other}.svg"),
        logo.replace(".svg", ".png"),
        logo.replace(".svg", ".css"),
        logo.replace(".svg", ""),
        sheet.replace(".css", ".svg"),
        sheet.to_uppercase(),
        "../keybearer.css".to_owned(),
        String::new(),
    ] {
        assert_eq!(brand::asset(&world.app, &unknown).await.unwrap(), None, "{unknown}");
    }
    update(world, &BrandChange { colour: text("#4b7d87"), ..BrandChange::default() }).await.unwrap();
    assert_eq!(brand::asset(&world.app, sheet).await.unwrap(), None, "nobody looks like that any more");
}

async fn a_logo_is_cleaned_replaced_and_taken_away(world: &World) {
    let both = BrandChange { logo_dark: LogoChange::Replace(LOGO.to_vec()), ..colourful() };
    let first = update(world, &both).await.unwrap().brand;
    assert_eq!(first.logo, first.logo_dark);
    let another = b"<svg viewBox='0 0 2 2'><rect width='2' height='2'/></svg>".to_vec();
    let replaced = BrandChange { logo: LogoChange::Replace(another), ..BrandChange::default() };
    let second = update(world, &replaced).await.unwrap().brand;
    assert_ne!(second.logo, first.logo);
    assert_eq!(second.logo_dark, first.logo_dark);
    let gone = BrandChange { logo: LogoChange::Remove, ..BrandChange::default() };
    assert_eq!(fields(update(world, &gone).await), ["logo_dark"], "a dark logo alone is none");
    let gone = BrandChange { logo_dark: LogoChange::Remove, ..gone };
    let last = update(world, &gone).await.unwrap().brand;
    assert_eq!((last.logo, last.logo_dark), (None, None));
}

async fn a_lent_preview_shows_what_it_was_made_for_and_ends(world: &World) {
    update(world, &BrandChange { app_name: text("Fieldnote"), ..colourful() }).await.unwrap();
    let (app, what) = (&world.app, "screen=done&colour=%23777777");
    let pass = brand::lend(app, &world.caller, what).await.unwrap();
    let saved = brand::get(app, &world.caller, world.caller.environment.as_str()).await.unwrap();
    assert_eq!(brand::lent(app, &pass.token, what).await.unwrap(), saved);
    for other in ["", "screen=done", "screen=done&colour=%23777778", "screen=start&colour=%23777777"] {
        assert_eq!(code(brand::lent(app, &pass.token, other).await), Code::NotFound, "{other}");
    }
    let parts: Vec<&str> = pass.token.split('.').collect();
    let (foreign, later) = (world.stranger.environment.as_str(), (pass.until.seconds() + 60).to_string());
    for forged in [
        format!("{foreign}.{}.{}", parts[1], parts[2]),
        format!("{}.{later}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        String::new(),
    ] {
        assert_eq!(code(brand::lent(app, &forged, what).await), Code::NotFound, "{forged}");
    }
    let nobody = world.with_permissions(&[Permission::AccountsRead]);
    assert_eq!(code(brand::lend(app, &nobody, what).await), Code::PermissionDenied);
    world.clock.advance(std::time::Duration::from_secs(15 * 60 - 1));
    brand::lent(app, &pass.token, what).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(code(brand::lent(app, &pass.token, what).await), Code::LinkExpired);
}

mod on_pages {
    use super::*;

    on_both_staged!(crate::flows_stage::plain;
        a_page_has_the_brand_of_its_environment,
        a_link_leads_back_to_what_is_allowed,
        a_page_goes_back_by_itself_where_nothing_is_left_to_read,
        only_who_has_the_link_sees_who_is_connected_on_the_page_that_stays,
    );

    async fn head(stage: &Stage, token: &str) -> (PageHead, StartPage) {
        let answer = flows::view(stage.app(), token, &browser("a")).await.unwrap();
        let Answer::Page(page) = answer else { panic!("no page") };
        let PageBody::Start(start) = page.body else { panic!("no start page") };
        (page.head, start)
    }

    async fn a_page_has_the_brand_of_its_environment(stage: &Stage) {
        let (token, world) = (stage.link("u-1").await, &stage.world);
        assert_eq!(*head(stage, &token).await.0.brand, brand::PageBrand::default());
        let stranger = world.stranger.environment.as_str();
        brand::update(&world.app, &world.stranger, stranger, &colourful()).await.unwrap();
        assert_eq!(*head(stage, &token).await.0.brand, brand::PageBrand::default());
        let changed = update(world, &colourful()).await.unwrap().brand;
        let (head, _) = head(stage, &token).await;
        assert_eq!(
            (&head.brand.logo, &head.brand.sheet),
            (&changed.logo, &changed.settings.look().address())
        );
    }

    async fn a_link_leads_back_to_what_is_allowed(stage: &Stage) {
        let asked = |url: &str| LinkRequest {
            lookup: Lookup::of(&stage.name, "u-1"),
            return_url: text(url),
            ..LinkRequest::default()
        };
        // without a list every web address is as good as before
        let (token, browser) = (stage.link_with(asked("https://any.example/done?x=1")).await, browser("a"));
        let (page, start) = head(stage, &token).await;
        assert_eq!(page.return_url, start.cancel_url);
        assert_eq!(start.cancel_url.unwrap().as_str(), "https://any.example/done?x=1");
        let parameters = stage.consent(&token, &browser, "ada").await;
        let back = done(stage.callback(parameters, &browser).await).return_url;
        assert_eq!(back.unwrap().as_str(), "https://any.example/done?x=1");
        let only = vec!["https://app.example/done".to_owned()];
        let list = BrandChange { return_urls: Some(only), ..BrandChange::default() };
        update(&stage.world, &list).await.unwrap();
        for good in ["https://app.example/done", "https://app.example/done/7?x#y"] {
            stage.link_with(asked(good)).await;
        }
        for bad in [
            "https://app.example/donetoo",
            "https://app.example.evil.example/done",
            "http://app.example/done",
            "https://app.example@evil.example/done",
            "javascript:alert(1)",
            "https://app.example/done/../other",
        ] {
            let refused = flows::create_link(stage.app(), &stage.world.caller, asked(bad)).await;
            assert_eq!(fields(refused), ["return_url"], "{bad}");
        }
        stage.link("u-2").await;
    }

    async fn asked(stage: &Stage, user: &str) -> String {
        let lookup = Lookup::of(&stage.name, user);
        let return_url = text("https://app.example/done");
        stage.link_with(LinkRequest { lookup, return_url, ..LinkRequest::default() }).await
    }

    async fn a_page_goes_back_by_itself_where_nothing_is_left_to_read(stage: &Stage) {
        let browser = browser("a");
        let shown = async |token: &str, scopes: Option<Vec<String>>| {
            let url = stage.provider_url(token, &browser).await;
            let person = if scopes.is_some() { "dee" } else { "ada" }.to_owned();
            let parameters = pairs(&stage.control.approve(&url, &Approval { person, scopes }).unwrap());
            done(stage.callback(parameters, &browser).await)
        };
        assert!(shown(&asked(stage, "u-1").await, None).await.stay.is_some());
        assert_eq!(shown(&stage.link("u-2").await, None).await.stay, None, "there is nothing to go back to");
        let partial = shown(&asked(stage, "u-3").await, Some(vec!["profile.read".to_owned()])).await;
        assert!(!partial.missing.is_empty() && partial.return_url.is_some());
        assert_eq!(partial.stay, None, "what was left out is to be read");
        let test = flows::create_test_link(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
        let token = test.url.path().strip_prefix("/c/").unwrap().to_owned();
        assert_eq!(shown(&token, None).await.stay, None, "the developer looks at it");
    }

    async fn only_who_has_the_link_sees_who_is_connected_on_the_page_that_stays(stage: &Stage) {
        let (token, other, browser) = (asked(stage, "u-1").await, asked(stage, "u-2").await, browser("a"));
        let parameters = stage.consent(&token, &browser, "ada").await;
        let first = done(stage.callback(parameters, &browser).await);
        let stay = first.stay.unwrap();
        let query = stay.strip_prefix("/connect/success?").unwrap();
        let page = async |query: &str, link: Option<&str>| {
            done(flows::success(stage.app(), query, link, &browser).await.unwrap())
        };
        let own = page(query, Some(&token)).await;
        assert_eq!((own.stay, own.identity, own.return_url), (None, first.identity, first.return_url));
        let leaves = page(query.strip_suffix("&stay=1").unwrap(), Some(&token)).await;
        assert_eq!(leaves.stay, Some(stay.clone()));
        for link in [None, Some("nothing"), Some(other.as_str())] {
            let anybody = page(query, link).await;
            assert_eq!((anybody.stay, anybody.identity, anybody.return_url), (None, None, None), "{link:?}");
        }
        let unfinished = flows::create_link(
            stage.app(),
            &stage.world.caller,
            LinkRequest { lookup: Lookup::of(&stage.name, "u-1"), ..LinkRequest::default() },
        );
        let again = unfinished.await.unwrap();
        assert!(page(&format!("flow={}", again.flow_id), Some("x")).await.identity.is_none());
    }
}
