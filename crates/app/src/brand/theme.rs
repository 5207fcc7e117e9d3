//! The stylesheet of a brand. It is laid over the pages' own and names nothing but their tokens.

use std::fmt::Write as _;

use keybearer_core::{sha256, to_hex};

use super::colour::{GRAPHIC, Rgb, TEXT};
use super::types::{Corners, Font};

/// The cards of the pages.
pub const LIGHT: Rgb = Rgb::WHITE;
/// The cards of the pages, in the dark.
pub const DARK: Rgb = Rgb { red: 0x15, green: 0x1d, blue: 0x20 };

/// What of a brand is drawn by a stylesheet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The one colour; ours where there is none.
    pub colour: Option<Rgb>,
    /// How round things are.
    pub corners: Corners,
    /// In which letters.
    pub font: Font,
}

/// What becomes of the colour in one theme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shades {
    /// The surface that everything else is measured on.
    pub surface: Rgb,
    /// Links.
    pub link: Rgb,
    /// The ring around what has the focus.
    pub focus: Rgb,
    /// The edge of the main button.
    pub edge: Rgb,
}

impl Shades {
    /// The shades of a colour on a surface.
    pub fn new(colour: Rgb, surface: Rgb) -> Self {
        let graphic = colour.readable_on(surface, GRAPHIC);
        Self { surface, link: colour.readable_on(surface, TEXT), focus: graphic, edge: graphic }
    }

    fn tokens(&self) -> String {
        let Self { link, focus, edge, .. } = self;
        format!("--primary-text:{link};--focus:{focus};--primary-edge:{edge}")
    }
}

impl Look {
    /// The stylesheet; `None` where the pages look as they are.
    pub fn css(&self) -> Option<String> {
        let mut css = String::new();
        if let Some(colour) = self.colour {
            let dark = Shades::new(colour, DARK).tokens();
            let _ = write!(
                css,
                ":root{{--primary:{colour};--primary-hover:{};--on-primary:{};{}}}\
                 @media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\
                 :root[data-theme=dark]{{{dark}}}",
                colour.pressed(),
                colour.ink(),
                Shades::new(colour, LIGHT).tokens(),
            );
        }
        if let Some((card, control, tile)) = self.corners.radii() {
            let _ = write!(css, ":root{{--r-card:{card}px;--r-control:{control}px;--r-tile:{tile}px}}");
        }
        if self.font == Font::System {
            css.push_str(":root{--sans:system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif;--code:ui-monospace,Menlo,Consolas,monospace}");
        }
        (!css.is_empty()).then_some(css)
    }

    /// Where the stylesheet is: its name is its hash.
    pub fn address(&self) -> Option<String> {
        self.css().map(|css| format!("/theme/{}.css", hash(css.as_bytes())))
    }
}

/// The name of bytes.
pub(super) fn hash(bytes: &[u8]) -> String {
    to_hex(&sha256(bytes)).chars().take(32).collect()
}

/// A ratio as people read it.
pub fn ratio(one: Rgb, two: Rgb) -> String {
    format!("{:.2}", one.contrast(two))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_without_a_wish_has_no_stylesheet() {
        assert_eq!(Look::default().css(), None);
        assert_eq!(Look::default().address(), None);
    }

    #[test]
    fn the_sheet_names_tokens_and_colours_only() {
        let look = Look { colour: Rgb::parse("#ffcc00"), corners: Corners::Round, font: Font::System };
        let css = look.css().unwrap();
        assert!(css.contains("--primary:#ffcc00;") && css.contains("--on-primary:#000000;"));
        assert!(css.contains("--primary-text:#8e7100;"));
        assert!(!css.contains("url(") && !css.contains('<') && !css.contains("@import"));
        assert_ne!(look.address(), Look { corners: Corners::Soft, ..look }.address());
    }
}
