//! D21 as it is drawn: what is saved or typed, what becomes of the colour, and where the preview is.

use askama::Template;
use keybearer_app::Permission;
use keybearer_app::brand::colour::Rgb;
use keybearer_app::brand::theme::{DARK, LIGHT, Shades, ratio};
use keybearer_app::brand::{Brand, Corners, Font, PageTheme};
use keybearer_core::{FieldViolation, Result};
use serde::Deserialize;

use super::answer::sentence;
use super::form::Form;
use super::frame::{Frame, Section};
use super::guard::Visit;
use crate::web::assets;
use crate::web::hosted::{self, Screen};

/// What the preview shows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Looked {
    pub screen: String,
    pub scheme: String,
    pub size: String,
    pub lang: String,
}

impl Looked {
    /// Of a posted form.
    pub fn read(form: &Form) -> Self {
        Self {
            screen: form.text("screen"),
            scheme: form.text("scheme"),
            size: form.text("size"),
            lang: form.text("lang"),
        }
    }

    /// The page with the same preview.
    pub fn address(&self) -> String {
        let pairs =
            [("screen", &self.screen), ("scheme", &self.scheme), ("size", &self.size), ("lang", &self.lang)];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("/branding?{query}")
    }
}

/// The form as it is filled in.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed {
    pub app_name: String,
    pub colour: String,
    pub corners: String,
    pub font: String,
    pub theme: String,
    pub support_url: String,
    pub privacy_url: String,
    pub footer: bool,
    pub languages_off: Vec<String>,
    pub default_language: String,
    pub return_urls: String,
    pub embed_origins: String,
}

impl Typed {
    /// What is saved.
    pub fn of(brand: &Brand) -> Self {
        let settings = &brand.settings;
        let url = |url: &Option<url::Url>| url.as_ref().map(url::Url::to_string).unwrap_or_default();
        let urls: Vec<&str> = settings.return_urls.iter().map(url::Url::as_str).collect();
        Self {
            app_name: brand.app_name.clone(),
            colour: settings.colour.clone().unwrap_or_default(),
            corners: settings.corners.as_str().to_owned(),
            font: settings.font.as_str().to_owned(),
            theme: settings.theme.as_str().to_owned(),
            support_url: url(&settings.support_url),
            privacy_url: url(&settings.privacy_url),
            footer: !settings.without_footer,
            languages_off: settings.languages_off.iter().cloned().collect(),
            default_language: settings.default_language.clone().unwrap_or_else(|| "en".to_owned()),
            return_urls: urls.join("\n"),
            embed_origins: settings.embed_origins.join("\n"),
        }
    }

    /// What was posted.
    pub fn read(form: &Form) -> Self {
        Self {
            app_name: form.text("app_name"),
            colour: form.text("colour"),
            corners: form.text("corners"),
            font: form.text("font"),
            theme: form.text("theme"),
            support_url: form.text("support_url"),
            privacy_url: form.text("privacy_url"),
            footer: form.has("footer"),
            languages_off: super::branding::languages_off(form),
            default_language: form.text("default_language"),
            return_urls: form.text("return_urls"),
            embed_origins: form.text("embed_origins"),
        }
    }

    /// What the preview is told of it.
    pub fn draft<'a>(&'a self, looked: &'a Looked) -> [(&'static str, &'a str); 10] {
        [
            ("app_name", &self.app_name),
            ("colour", &self.colour),
            ("corners", &self.corners),
            ("font", &self.font),
            ("theme", &self.theme),
            ("footer", if self.footer { "on" } else { "" }),
            ("support_url", &self.support_url),
            ("privacy_url", &self.privacy_url),
            ("scheme", &looked.scheme),
            ("lang", &looked.lang),
        ]
    }

    /// Where the preview of this is, and the code for it.
    fn preview(&self, looked: &Looked, screen: &str) -> [String; 2] {
        let query = || form_urlencoded::Serializer::new(String::new());
        let draft = query().extend_pairs(self.draft(looked)).finish();
        let chosen = query().append_pair("screen", screen).append_pair("size", &looked.size).finish();
        [format!("/branding/preview/{screen}?{draft}"), format!("/branding/phone?{chosen}&{draft}")]
    }
}

/// One value of a choice.
pub(super) struct Choice {
    pub value: String,
    pub label: String,
    pub chosen: bool,
}

/// A language of the pages.
pub(super) struct Language {
    pub code: String,
    pub name: String,
    pub on: bool,
}

/// What becomes of the colour, in words, with a swatch.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Contrast {
    /// `#rrggbb`.
    pub swatch: String,
    pub says: String,
}

/// D21.
#[derive(Template)]
#[template(path = "dashboard/branding.html")]
pub(super) struct BrandingView {
    frame: Frame,
    script: String,
    typed: Typed,
    version: i64,
    logo: Option<String>,
    logo_dark: Option<String>,
    contrast: Vec<Contrast>,
    corners: Vec<Choice>,
    fonts: Vec<Choice>,
    themes: Vec<Choice>,
    languages: Vec<Language>,
    /// How many texts are other than ours.
    changed: usize,
    may: bool,
    wrong: Vec<FieldViolation>,
    screens: Vec<Choice>,
    schemes: Vec<Choice>,
    sizes: Vec<Choice>,
    preview_languages: Vec<Choice>,
    preview: String,
    on_phone: String,
    phone: bool,
}

impl BrandingView {
    /// What is wrong with a field.
    fn error(&self, field: &str) -> Option<String> {
        let found = self.wrong.iter().find(|wrong| wrong.field == field)?;
        Some(sentence(&format!("this {}", found.description)))
    }
}

/// The page.
pub(super) fn view(
    visit: &Visit,
    brand: &Brand,
    typed: Typed,
    looked: Looked,
    wrong: &[FieldViolation],
) -> Result<BrandingView> {
    let screens = hosted::screens();
    let screen = screens.iter().find(|screen| screen.name == looked.screen).or(screens.first());
    let screen = screen.map_or("start", |screen| screen.name).to_owned();
    let phone = looked.size != "desktop";
    let words = |all: &[(&str, &str)], chosen: &str| -> Vec<Choice> {
        all.iter().map(|(value, label)| choice(value, label, chosen)).collect()
    };
    let [preview, on_phone] = typed.preview(&looked, &screen);
    Ok(BrandingView {
        script: assets::address("branding.js"),
        frame: visit
            .frame(Section::Branding, "Hosted pages")
            .under("", "Hosted pages")
            .command("keybearer branding set --app-name NAME --colour '#00b2e3' --logo logo.svg"),
        changed: brand.settings.words.values().map(std::collections::BTreeMap::len).sum(),
        version: brand.version,
        logo: brand.logo.clone(),
        logo_dark: brand.logo_dark.clone(),
        contrast: contrast(&typed.colour),
        corners: words(&CORNERS, &typed.corners),
        fonts: words(&FONTS, &typed.font),
        themes: words(&THEMES, &typed.theme),
        languages: languages(&typed),
        may: visit.caller().permissions.has(Permission::SettingsWrite),
        wrong: wrong.to_vec(),
        preview,
        on_phone,
        screens: screens.iter().map(|one: &Screen| choice(one.name, &one.label, &screen)).collect(),
        schemes: words(&[("", "As set"), ("light", "Light"), ("dark", "Dark")], &looked.scheme),
        sizes: words(&[("phone", "Phone"), ("desktop", "Desktop")], if phone { "phone" } else { "desktop" }),
        preview_languages: languages_of(&looked.lang),
        phone,
        typed,
    })
}

const CORNERS: [(&str, &str); 3] = [
    (Corners::Soft.as_str(), "Soft"),
    (Corners::Square.as_str(), "Square"),
    (Corners::Round.as_str(), "Round"),
];
const FONTS: [(&str, &str); 2] =
    [(Font::Built.as_str(), "Built in"), (Font::System.as_str(), "Their system's")];
const THEMES: [(&str, &str); 3] = [
    (PageTheme::Auto.as_str(), "As their system"),
    (PageTheme::Light.as_str(), "Always light"),
    (PageTheme::Dark.as_str(), "Always dark"),
];

pub(super) fn choice(value: &str, label: &str, chosen: &str) -> Choice {
    Choice { value: value.to_owned(), label: label.to_owned(), chosen: value == chosen }
}

fn languages(typed: &Typed) -> Vec<Language> {
    let on = |code: &String| !typed.languages_off.contains(code);
    hosted::languages()
        .into_iter()
        .map(|one| Language { on: on(&one.code), code: one.code, name: one.name })
        .collect()
}

fn languages_of(chosen: &str) -> Vec<Choice> {
    let chosen = if chosen.is_empty() { "en" } else { chosen };
    hosted::languages().iter().map(|one| choice(&one.code, &one.name, chosen)).collect()
}

/// What becomes of a colour; nothing for a text that is none.
pub(super) fn contrast(text: &str) -> Vec<Contrast> {
    let Some(colour) = Rgb::parse(text) else { return Vec::new() };
    let ink = if colour.ink() == Rgb::BLACK { "black" } else { "white" };
    let on_it = Contrast {
        swatch: colour.to_string(),
        says: format!("Text on it: {ink}, {}:1. Good.", ratio(colour, colour.ink())),
    };
    let mut all = vec![on_it];
    for (surface, name) in [(LIGHT, "white"), (DARK, "dark")] {
        let shades = Shades::new(colour, surface);
        let says = if shades.link == colour {
            format!("As a link on {name}: the same, {}:1. Good.", ratio(colour, surface))
        } else {
            let (link, own) = (ratio(shades.link, surface), ratio(colour, surface));
            format!("As a link on {name}: {}, {link}:1. Good. (Your colour has {own}:1.)", shades.link)
        };
        all.push(Contrast { swatch: shades.link.to_string(), says });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contrast_is_told_in_words() {
        let says: Vec<String> = contrast("#00b2e3").into_iter().map(|line| line.says).collect();
        assert_eq!(says[0], "Text on it: black, 8.48:1. Good.");
        assert_eq!(says[1], "As a link on white: #067ea1, 4.66:1. Good. (Your colour has 2.48:1.)");
        assert!(says[2].starts_with("As a link on dark: the same, 6.9"), "{}", says[2]);
        assert_eq!(contrast("#00b2e3\"><script>"), []);
    }
}
