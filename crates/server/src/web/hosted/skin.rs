//! The brand of the app on a page: its stylesheet, its logo, its theme, its links.

use keybearer_app::brand::{Font, PageBrand, PageTheme};

use super::frame::Href;

/// How a page looks apart from its logo.
#[derive(Clone, Debug)]
pub(super) struct Skin {
    /// The stylesheet that is laid over ours.
    pub sheet: Option<String>,
    /// `light`, `dark`, or `auto` for the person's own.
    pub theme: &'static str,
    /// What the page says of its colours to the browser.
    pub schemes: &'static str,
    pub built_in_font: bool,
    pub privacy: Option<Href>,
    pub help: Option<Href>,
    /// Whether the line about Keybearer is left out.
    pub silent: bool,
    /// Whether other sites may show the page inside their own: links to a provider leave the frame then.
    pub framed: bool,
}

impl Skin {
    /// The skin of a brand.
    pub fn new(brand: &PageBrand) -> Self {
        let settings = &brand.settings;
        Self {
            sheet: brand.sheet.clone(),
            theme: settings.theme.as_str(),
            schemes: match settings.theme {
                PageTheme::Auto => "light dark",
                PageTheme::Light => "light",
                PageTheme::Dark => "dark",
            },
            built_in_font: settings.font == Font::Built,
            privacy: settings.privacy_url.as_ref().and_then(Href::web),
            help: settings.support_url.as_ref().and_then(Href::web),
            silent: settings.without_footer,
            framed: !settings.embed_origins.is_empty(),
        }
    }
}

impl Skin {
    /// Whether something of the app's own stands below the page.
    pub fn has_links(&self) -> bool {
        self.privacy.is_some() || self.help.is_some()
    }
}

/// The app's logo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Logo {
    /// Its address.
    pub src: String,
    /// The address for people whose system is dark.
    pub dark: Option<String>,
    /// Whether a light plate is laid under it where the surface is dark.
    pub plate: bool,
}

impl Logo {
    /// The logo of a brand, as its theme wants it.
    pub fn new(brand: &PageBrand) -> Option<Self> {
        let light = brand.logo.clone()?;
        let (src, dark, plate) = match (brand.settings.theme, brand.logo_dark.clone()) {
            (PageTheme::Auto, Some(dark)) => (light, Some(dark), false),
            (PageTheme::Dark, Some(dark)) => (dark, None, false),
            (PageTheme::Light, _) => (light, None, false),
            (PageTheme::Auto | PageTheme::Dark, None) => (light, None, true),
        };
        Some(Self { src, dark, plate })
    }
}

#[cfg(test)]
mod tests {
    use keybearer_app::brand::Settings;

    use super::*;

    fn logo(theme: PageTheme, dark: Option<&str>) -> Logo {
        let brand = PageBrand {
            settings: Settings { theme, ..Settings::default() },
            logo: Some("light".into()),
            logo_dark: dark.map(str::to_owned),
            ..PageBrand::default()
        };
        Logo::new(&brand).unwrap()
    }

    /// Once for who likes it dark, once for who must see it dark.
    #[test]
    fn both_ways_into_the_dark_lead_to_the_same_colours() {
        let css = include_str!("../../../static/hosted/hosted.css");
        let block = |selector: &str| {
            let rest = css.split_once(selector).unwrap().1;
            let inside = rest.split_once('}').unwrap().0;
            inside.split_whitespace().collect::<String>()
        };
        let usual = block(":root:not([data-theme=\"light\"]) {");
        assert!(usual.contains("color-scheme:dark") && usual.contains("--bg:#0d1416"), "{usual}");
        assert_eq!(usual, block(":root[data-theme=\"dark\"] {"));
    }

    #[test]
    fn a_dark_page_has_the_dark_logo_or_a_plate_under_the_light_one() {
        let is = |src: &str, dark: Option<&str>, plate| Logo {
            src: src.into(),
            dark: dark.map(str::to_owned),
            plate,
        };
        assert_eq!(logo(PageTheme::Auto, Some("dark")), is("light", Some("dark"), false));
        assert_eq!(logo(PageTheme::Auto, None), is("light", None, true));
        assert_eq!(logo(PageTheme::Dark, Some("dark")), is("dark", None, false));
        assert_eq!(logo(PageTheme::Dark, None), is("light", None, true));
        assert_eq!(logo(PageTheme::Light, Some("dark")), is("light", None, false));
    }
}
