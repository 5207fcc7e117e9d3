//! Changing a brand: everything is checked first, then written as a whole over the version that was seen.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keybearer_core::{Code, Error, FieldViolation, Result};
use keybearer_store::{BrandRow, BrandSave, LogoKind, LogoPut, LogoRow, LogoVariant};
use serde_json::json;
use url::Url;

use super::colour::Rgb;
use super::types::{BrandChange, Changed, Corners, Font, LogoChange, PageTheme, Settings, WordChange};
use super::{png, show, svg, theme, urls};
use crate::access::{Caller, Permission};
use crate::flows::language;
use crate::state::App;
use crate::{audit, environments};

/// Largest logo.
const LOGO: usize = 64 * 1024;
/// Longest wording, and most of them.
const TEXT: usize = 400;
const WORDS: usize = 2000;

/// Changes the brand of an environment.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`], [`Code::FailedPrecondition`] when somebody changed it meanwhile,
/// `InvalidArgument` at each wrong field.
pub async fn update(app: &App, caller: &Caller, environment: &str, change: &BrandChange) -> Result<Changed> {
    caller.require(Permission::SettingsWrite)?;
    let found = environments::reachable(app, caller, environment).await?;
    let before = app.db().find_brand(&found.id).await?;
    let seen = before.as_ref().map_or(0, |row| row.version);
    if change.expected_version.is_some_and(|expected| expected != seen) {
        return Err(raced());
    }
    let mut brand = show::whole(app, &found.id, found.app_name, before).await?;
    let mut wrong = Vec::new();
    if let Some(name) = &change.app_name {
        match environments::check_name("app_name", name) {
            Ok(()) => name.trim().clone_into(&mut brand.app_name),
            Err(error) => wrong.extend(error.violations),
        }
    }
    apply(&mut brand.settings, change, &mut wrong);
    let (logos, left_out) = logos(change, &mut wrong);
    let stays = |change: &LogoChange, there: bool| match change {
        LogoChange::Keep => there,
        LogoChange::Remove => false,
        LogoChange::Replace(_) => true,
    };
    if stays(&change.logo_dark, brand.logo_dark.is_some()) && !stays(&change.logo, brand.logo.is_some()) {
        let description = "must come with a logo for light surfaces".to_owned();
        wrong.push(FieldViolation { field: "logo_dark".to_owned(), description });
    }
    if !wrong.is_empty() {
        return Err(Error::fields(wrong));
    }
    let row = BrandRow {
        environment_id: found.id.clone(),
        version: seen + 1,
        settings: json!(brand.settings),
        updated_at: app.now(),
    };
    let inside = Caller { environment: found.id.clone(), ..caller.clone() };
    let line = audit::row(app, &inside, "branding.changed", found.id.as_str(), detail(change))?;
    let save = BrandSave { row, app_name: brand.app_name.clone(), logos };
    if !app.db().save_brand(&save, seen, &line).await? {
        return Err(raced());
    }
    let brand = show::whole(app, &found.id, save.app_name, Some(save.row)).await?;
    Ok(Changed { brand, left_out })
}

fn raced() -> Error {
    Error::new(Code::FailedPrecondition, "somebody changed the hosted pages meanwhile")
        .with_help("load them again and repeat the change")
}

fn apply(settings: &mut Settings, change: &BrandChange, wrong: &mut Vec<FieldViolation>) {
    let mut note =
        |field: &str, what: String| wrong.push(FieldViolation { field: field.to_owned(), description: what });
    if let Some(text) = &change.colour {
        match (text.trim().is_empty(), Rgb::parse(text)) {
            (true, _) => settings.colour = None,
            (_, Some(colour)) => settings.colour = Some(colour.to_string()),
            _ => note("colour", "must be written as # and six digits, for example #00b2e3".to_owned()),
        }
    }
    let one_of = |all: Vec<&str>| format!("must be one of {}", all.join(", "));
    match change.corners.as_deref().map(Corners::parse) {
        Some(Some(corners)) => settings.corners = corners,
        Some(None) => note("corners", one_of(Corners::ALL.iter().map(|one| one.as_str()).collect())),
        None => {}
    }
    match change.font.as_deref().map(Font::parse) {
        Some(Some(font)) => settings.font = font,
        Some(None) => note("font", one_of(Font::ALL.iter().map(|one| one.as_str()).collect())),
        None => {}
    }
    match change.theme.as_deref().map(PageTheme::parse) {
        Some(Some(theme)) => settings.theme = theme,
        Some(None) => note("theme", one_of(PageTheme::ALL.iter().map(|one| one.as_str()).collect())),
        None => {}
    }
    settings.without_footer = change.footer.map_or(settings.without_footer, |shown| !shown);
    link(&mut settings.support_url, "support_url", change.support_url.as_deref(), wrong);
    link(&mut settings.privacy_url, "privacy_url", change.privacy_url.as_deref(), wrong);
    languages(settings, change, wrong);
    lists(settings, change, wrong);
    words(settings, &change.words, wrong);
}

fn link(place: &mut Option<Url>, field: &str, text: Option<&str>, wrong: &mut Vec<FieldViolation>) {
    match text.map(str::trim) {
        None => {}
        Some("") => *place = None,
        Some(text) => match urls::web(field, text) {
            Ok(url) => *place = Some(url),
            Err(violation) => wrong.push(violation),
        },
    }
}

fn is_language(text: &str) -> bool {
    language::LANGUAGES.contains(&text)
}

fn languages(settings: &mut Settings, change: &BrandChange, wrong: &mut Vec<FieldViolation>) {
    let mut note = |field: &str, description: String| {
        wrong.push(FieldViolation { field: field.to_owned(), description });
    };
    let known = || format!("must be of: {}", language::LANGUAGES.join(", "));
    match &change.languages_off {
        Some(off) if !off.iter().all(|language| is_language(language)) => note("languages_off", known()),
        Some(off) => settings.languages_off = off.iter().cloned().collect(),
        None => {}
    }
    match change.default_language.as_deref() {
        Some("") => settings.default_language = None,
        Some(default) if !is_language(default) => note("default_language", known()),
        Some(default) => settings.default_language = Some(default.to_owned()),
        None => {}
    }
    let default = settings.default_language.as_deref().unwrap_or("en");
    if settings.languages_off.contains(default) {
        let description = "must be a language that is on: people whose language is off read this one";
        note("default_language", description.to_owned());
    }
}

fn lists(settings: &mut Settings, change: &BrandChange, wrong: &mut Vec<FieldViolation>) {
    if let Some(texts) = &change.return_urls {
        match urls::list("return_urls", texts) {
            Ok(list) => settings.return_urls = list,
            Err(violation) => wrong.push(violation),
        }
    }
    if let Some(texts) = &change.embed_origins {
        match urls::origins("embed_origins", texts) {
            Ok(list) => settings.embed_origins = list,
            Err(violation) => wrong.push(violation),
        }
    }
}

fn words(settings: &mut Settings, changes: &[WordChange], wrong: &mut Vec<FieldViolation>) {
    for WordChange { language, key, text } in changes {
        let field = || format!("words.{language}.{key}");
        let known = is_language(language)
            && key.len() <= 80
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let text = text.trim();
        if !known || text.chars().count() > TEXT || text.chars().any(char::is_control) {
            let description = "must be one line of at most 400 characters, for a key of ours".to_owned();
            wrong.push(FieldViolation { field: field(), description });
        } else if text.is_empty() {
            if let Some(all) = settings.words.get_mut(language) {
                all.remove(key);
            }
        } else {
            settings.words.entry(language.clone()).or_default().insert(key.clone(), text.to_owned());
        }
    }
    settings.words.retain(|_, all| !all.is_empty());
    if settings.words.values().map(std::collections::BTreeMap::len).sum::<usize>() > WORDS {
        let description = "must be at most 2000 texts".to_owned();
        wrong.push(FieldViolation { field: "words".to_owned(), description });
    }
}

fn logos(change: &BrandChange, wrong: &mut Vec<FieldViolation>) -> (Vec<LogoPut>, Vec<String>) {
    let (mut puts, mut left_out) = (Vec::new(), Vec::new());
    for (field, variant, change) in
        [("logo", LogoVariant::Light, &change.logo), ("logo_dark", LogoVariant::Dark, &change.logo_dark)]
    {
        match change {
            LogoChange::Keep => {}
            LogoChange::Remove => puts.push(LogoPut::Remove(variant)),
            LogoChange::Replace(bytes) => match logo(field, variant, bytes) {
                Ok((row, names)) => {
                    puts.push(LogoPut::Replace(row));
                    left_out.extend(names);
                }
                Err(error) => wrong.extend(error.violations),
            },
        }
    }
    (puts, left_out)
}

fn logo(field: &str, variant: LogoVariant, bytes: &[u8]) -> Result<(LogoRow, Vec<String>)> {
    if bytes.is_empty() || bytes.len() > LOGO {
        return Err(Error::field(field, "must be an SVG or PNG of at most 64 KB"));
    }
    if png::is(bytes) {
        let picture = png::clean(field, bytes)?;
        let row = LogoRow {
            variant,
            kind: LogoKind::Png,
            hash: theme::hash(&picture),
            content: STANDARD.encode(picture),
        };
        return Ok((row, Vec::new()));
    }
    let cleaned = svg::clean(field, bytes)?;
    if cleaned.svg.len() > LOGO {
        return Err(Error::field(field, "must be an SVG or PNG of at most 64 KB"));
    }
    let hash = theme::hash(cleaned.svg.as_bytes());
    let row = LogoRow { variant, kind: LogoKind::Svg, hash, content: cleaned.svg };
    Ok((row, cleaned.left_out.into_iter().collect()))
}

/// What changed, by name: texts may be long.
fn detail(change: &BrandChange) -> serde_json::Value {
    let mut names: Vec<&str> = Vec::new();
    let texts = [
        ("app_name", change.app_name.is_some()),
        ("colour", change.colour.is_some()),
        ("corners", change.corners.is_some()),
        ("font", change.font.is_some()),
        ("theme", change.theme.is_some()),
        ("support_url", change.support_url.is_some()),
        ("privacy_url", change.privacy_url.is_some()),
        ("footer", change.footer.is_some()),
        ("languages", change.languages_off.is_some() || change.default_language.is_some()),
        ("return_urls", change.return_urls.is_some()),
        ("embed_origins", change.embed_origins.is_some()),
        ("logo", change.logo != LogoChange::Keep),
        ("logo_dark", change.logo_dark != LogoChange::Keep),
    ];
    names.extend(texts.into_iter().filter(|(_, given)| *given).map(|(name, _)| name));
    let words: Vec<String> =
        change.words.iter().map(|word| format!("{}.{}", word.language, word.key)).take(100).collect();
    json!({"fields": names, "words": words})
}
