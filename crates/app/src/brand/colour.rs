//! Colours that people can read: WCAG 2 contrast, and lightness moved in OKLCH with the hue kept.

use std::fmt;

/// What a link needs against the surface it stands on; a little more than WCAG's 4.5.
pub const TEXT: f64 = 4.6;
/// What an edge or a focus ring needs on a card and on the page around it; WCAG asks for 3.
pub const GRAPHIC: f64 = 3.3;
/// One step of lightness.
const STEP: f64 = 0.005;
/// One step of chroma, on the way back into what a screen can show.
const FADE: f64 = 0.002;
/// Below this luminance a surface counts as dark: colours on it get lighter.
const DARK: f64 = 0.18;

/// A colour of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

impl Rgb {
    /// White.
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };
    /// Black.
    pub const BLACK: Self = Self { red: 0, green: 0, blue: 0 };

    /// Reads `#rrggbb` or `#rgb`, in any case, with or without the `#`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim();
        let digits = digits.strip_prefix('#').unwrap_or(digits);
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        let number = match digits.len() {
            6 => number,
            3 => ((number & 0xf00) * 0x1100) | ((number & 0xf0) * 0x110) | ((number & 0xf) * 0x11),
            _ => return None,
        };
        let [_, red, green, blue] = number.to_be_bytes();
        Some(Self { red, green, blue })
    }

    /// Relative luminance (WCAG 2).
    pub fn luminance(self) -> f64 {
        let [red, green, blue] = self.linear();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// Contrast ratio, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever is read better on this colour.
    pub fn ink(self) -> Self {
        if self.contrast(Self::BLACK) >= self.contrast(Self::WHITE) { Self::BLACK } else { Self::WHITE }
    }

    /// The same hue with its lightness moved away from `surface` until the contrast is enough.
    pub fn readable_on(self, surface: Self, needs: f64) -> Self {
        let away = if surface.luminance() < DARK { STEP } else { -STEP };
        let mut lightness = self.lightness();
        let mut colour = self;
        while colour.contrast(surface) < needs {
            lightness += away;
            if !(0.0..=1.0).contains(&lightness) {
                return surface.ink();
            }
            colour = self.with_lightness(lightness);
        }
        colour
    }

    /// A shade for a pointer over it: away from its own ink, so that the ink is read as well as before.
    pub fn pressed(self) -> Self {
        let away = if self.ink() == Self::BLACK { 0.06 } else { -0.06 };
        self.with_lightness((self.lightness() + away).clamp(0.0, 1.0))
    }

    fn linear(self) -> [f64; 3] {
        [self.red, self.green, self.blue].map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// Lightness, and the two axes of colour.
    fn oklab(self) -> [f64; 3] {
        let [red, green, blue] = self.linear();
        let long = (0.412_221_470_8 * red + 0.536_332_536_3 * green + 0.051_445_992_9 * blue).cbrt();
        let medium = (0.211_903_498_2 * red + 0.680_699_545_1 * green + 0.107_396_956_6 * blue).cbrt();
        let short = (0.088_302_461_9 * red + 0.281_718_837_6 * green + 0.629_978_700_5 * blue).cbrt();
        [
            0.210_454_255_3 * long + 0.793_617_785 * medium - 0.004_072_046_8 * short,
            1.977_998_495_1 * long - 2.428_592_205 * medium + 0.450_593_709_9 * short,
            0.025_904_037_1 * long + 0.782_771_766_2 * medium - 0.808_675_766 * short,
        ]
    }

    fn lightness(self) -> f64 {
        let [lightness, ..] = self.oklab();
        lightness
    }

    /// The same hue with another lightness, and with as much of its chroma as a screen can show there.
    fn with_lightness(self, lightness: f64) -> Self {
        let [_, first, second] = self.oklab();
        let (mut chroma, hue) = (first.hypot(second), second.atan2(first));
        loop {
            let shown = linear_of(lightness, chroma * hue.cos(), chroma * hue.sin());
            let fits = shown.iter().all(|value| (-0.0005..=1.0005).contains(value));
            if fits || chroma <= 0.0 {
                let [red, green, blue] = shown.map(channel);
                return Self { red, green, blue };
            }
            chroma = (chroma - FADE).max(0.0);
        }
    }
}

fn linear_of(lightness: f64, first: f64, second: f64) -> [f64; 3] {
    let long = (lightness + 0.396_337_777_4 * first + 0.215_803_757_3 * second).powi(3);
    let medium = (lightness - 0.105_561_345_8 * first - 0.063_854_172_8 * second).powi(3);
    let short = (lightness - 0.089_484_177_5 * first - 1.291_485_548 * second).powi(3);
    [
        4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701 * short,
    ]
}

/// A linear value as the byte of a channel.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255 before")]
fn channel(linear: f64) -> u8 {
    let linear = linear.clamp(0.0, 1.0);
    let value = if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (value * 255.0).round().clamp(0.0, 255.0) as u8
}

impl fmt::Display for Rgb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rgb(text: &str) -> Rgb {
        Rgb::parse(text).unwrap()
    }

    /// 52 values a channel: 140,608 colours.
    fn grid() -> impl Iterator<Item = Rgb> {
        let steps = || (0..=255_u8).step_by(5);
        steps().flat_map(move |red| {
            steps().flat_map(move |green| steps().map(move |blue| Rgb { red, green, blue }))
        })
    }

    #[test]
    fn text_is_read_on_every_colour() {
        assert_eq!(grid().count(), 140_608);
        let worst = grid().map(|colour| colour.contrast(colour.ink())).fold(f64::MAX, f64::min);
        assert!(worst >= 4.5, "{worst}");
        assert!((rgb("#4b7d87").contrast(rgb("#4b7d87").ink()) - 4.583).abs() < 0.01);
    }

    #[test]
    fn the_pressed_shade_of_every_colour_carries_the_same_ink() {
        let lost = grid().find(|colour| colour.pressed().contrast(colour.ink()) < 4.5);
        assert_eq!(lost, None);
    }

    #[test]
    fn links_and_edges_of_every_colour_are_seen_on_light_and_dark() {
        let surfaces = [rgb("#ffffff"), rgb("#f9f6f2"), rgb("#151d20"), rgb("#0d1416")];
        for colour in grid().step_by(37) {
            for surface in surfaces {
                let link = colour.readable_on(surface, TEXT);
                assert!(link.contrast(surface) >= TEXT, "{colour} on {surface}: {link}");
                let edge = colour.readable_on(surface, GRAPHIC);
                assert!(edge.contrast(surface) >= GRAPHIC, "{colour} on {surface}: {edge}");
            }
        }
    }

    #[test]
    fn an_edge_for_the_card_is_seen_on_the_page_too() {
        for colour in grid().step_by(53) {
            let light = colour.readable_on(Rgb::WHITE, GRAPHIC).contrast(rgb("#f9f6f2"));
            let dark = colour.readable_on(rgb("#151d20"), GRAPHIC).contrast(rgb("#0d1416"));
            assert!(light >= 3.0 && dark >= 3.0, "{colour}: {light} {dark}");
        }
    }

    /// `visual.md` 3.3. Its dark column was computed on a dark surface that the tokens no longer have.
    #[test]
    fn the_table_of_the_visual_design_comes_out() {
        let dark = rgb("#101719");
        let line = |text: &str| {
            let (colour, shown) =
                (rgb(text), |colour: Rgb, on: Rgb| format!("{colour} {:.2}", colour.contrast(on)));
            let ink = colour.ink();
            (
                format!("{ink} {:.2}", colour.contrast(ink)),
                shown(colour.readable_on(Rgb::WHITE, TEXT), Rgb::WHITE),
                shown(colour.readable_on(dark, TEXT), dark),
            )
        };
        let told = |one: &str, two: &str, three: &str| (one.to_owned(), two.to_owned(), three.to_owned());
        assert_eq!(line("#00b2e3"), told("#000000 8.48", "#067ea1 4.66", "#00b2e3 7.32"));
        assert_eq!(line("#ffcc00"), told("#000000 13.89", "#8e7100 4.65", "#ffcc00 11.99"));
        assert_eq!(line("#6c47ff"), told("#ffffff 5.27", "#6c47ff 5.27", "#7c6bfe 4.65"));
        assert_eq!(line("#00c16e"), told("#000000 8.85", "#00854a 4.71", "#00c16e 7.64"));
    }

    #[test]
    fn a_colour_is_read_in_its_usual_spellings_only() {
        assert_eq!(rgb("#0Af").to_string(), "#00aaff");
        assert_eq!(rgb(" 00B2E3 ").to_string(), "#00b2e3");
        for bad in [
            "",
            "#",
            "#12345",
            "#1234567",
            "red",
            "#12 456",
            "#+12345",
            "#00b2e3;}",
            "rgb(0,0,0)",
            "＃00b2e3",
        ] {
            assert_eq!(Rgb::parse(bad), None, "{bad}");
        }
    }
}
