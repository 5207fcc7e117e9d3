//! What may stand in an SVG logo: shapes, their places and their colours. Whatever is not named here is left out.

use regex::Regex;
use std::sync::LazyLock;

/// Elements that draw, and nothing else.
const ELEMENTS: [&str; 22] = [
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
    "pattern",
    "title",
    "desc",
    "text",
    "tspan",
];

/// Attributes that place, scale and colour them.
const ATTRIBUTES: [&str; 77] = [
    "id",
    "transform",
    "x",
    "y",
    "x1",
    "y1",
    "x2",
    "y2",
    "dx",
    "dy",
    "d",
    "points",
    "r",
    "rx",
    "ry",
    "cx",
    "cy",
    "fx",
    "fy",
    "fr",
    "width",
    "height",
    "viewBox",
    "preserveAspectRatio",
    "fill",
    "fill-opacity",
    "fill-rule",
    "clip-rule",
    "clip-path",
    "mask",
    "stroke",
    "stroke-width",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-opacity",
    "opacity",
    "color",
    "stop-color",
    "stop-opacity",
    "offset",
    "gradientUnits",
    "gradientTransform",
    "spreadMethod",
    "clipPathUnits",
    "maskUnits",
    "maskContentUnits",
    "patternUnits",
    "patternContentUnits",
    "patternTransform",
    "font-family",
    "font-size",
    "font-weight",
    "font-style",
    "text-anchor",
    "letter-spacing",
    "word-spacing",
    "dominant-baseline",
    "alignment-baseline",
    "display",
    "visibility",
    "vector-effect",
    "paint-order",
    "shape-rendering",
    "text-rendering",
    "color-interpolation",
    "overflow",
    "pathLength",
    "rotate",
    "textLength",
    "lengthAdjust",
    "baseline-shift",
    "text-decoration",
    "mask-type",
    "role",
];

/// Attributes whose values hold functions that only move things.
const MOVES: [&str; 3] = ["transform", "gradientTransform", "patternTransform"];

/// Longest value: a path may be long.
const LONGEST: usize = 60_000;

static LOCAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r##"^url\(\s*(?:"#[A-Za-z0-9_.:-]+"|'#[A-Za-z0-9_.:-]+'|#[A-Za-z0-9_.:-]+)\s*\)(?:\s+[A-Za-z#0-9]+)?$"##).ok()
});
static COLOUR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:rgb|rgba|hsl|hsla|oklch|oklab|lab|lch)\([0-9a-z.,%/ +-]*\)$").ok());
static MOVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:\s*,?\s*(?:matrix|translate|scale|rotate|skewX|skewY)\s*\([0-9eE.,\s+-]*\))*\s*$").ok()
});
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[A-Za-z0-9_.:-]{1,100}$").ok());

fn fits(rule: &LazyLock<Option<Regex>>, text: &str) -> bool {
    rule.as_ref().is_some_and(|rule| rule.is_match(text))
}

/// Whether an element draws.
pub(super) fn draws(element: &str) -> bool {
    ELEMENTS.contains(&element)
}

/// Whether text inside an element is shown or read out.
pub(super) fn holds_text(element: &str) -> bool {
    matches!(element, "title" | "desc" | "text" | "tspan")
}

/// The attribute as it is written, or `None` where it is left out.
pub(super) fn attribute(element: &str, name: &str, value: &str) -> Option<(&'static str, String)> {
    let value = value.trim();
    if matches!(name, "href" | "xlink:href") {
        let shape = matches!(element, "use" | "linearGradient" | "radialGradient" | "pattern");
        let local = value.strip_prefix('#').is_some_and(|id| fits(&NAME, id));
        return (shape && local).then(|| ("href", value.to_owned()));
    }
    let known = ATTRIBUTES.iter().find(|known| **known == name)?;
    is_harmless(known, value).then(|| (*known, value.to_owned()))
}

fn is_harmless(name: &str, value: &str) -> bool {
    if value.len() > LONGEST
        || value.chars().any(|c| (c.is_control() && !c.is_ascii_whitespace()) || c == '\\')
    {
        return false;
    }
    match name {
        "id" => fits(&NAME, value),
        _ if MOVES.contains(&name) => fits(&MOVE, value),
        _ if value.contains('(') => fits(&LOCAL, value) || fits(&COLOUR, &value.to_ascii_lowercase()),
        _ => !value.contains([':', ';', '@', '<', '>', '{', '}', '&']) && !value.contains("/*"),
    }
}

/// The declarations of a `style` attribute, to be written as attributes.
pub(super) fn declarations(style: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let pairs = style.split(';').filter_map(|pair| pair.split_once(':'));
    pairs.map(|(name, value)| {
        let value = value.trim().trim_end_matches("!important").trim_end();
        (name.trim().to_ascii_lowercase(), value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_could_load_something_are_left_out() {
        for (name, bad) in [
            ("fill", "url(https://evil.example/x)"),
            ("fill", "url(#a) url(//evil.example)"),
            ("fill", "u\\72l(//evil.example)"),
            ("fill", "url(\"#a)\");x:url(//evil.example)"),
            ("mask", "image-set(\"//evil.example/x.png\" 1x)"),
            ("mask", "src(\"//evil.example\")"),
            ("clip-path", "URL(data:image/svg+xml,x)"),
            ("font-family", "x;background:y"),
            ("fill", "javascript:alert(1)"),
            ("transform", "translate(1) url(#a)"),
            ("id", "a\" onload=\"x"),
            ("onload", "alert(1)"),
            ("style", "fill:red"),
            ("class", "a"),
            ("filter", "url(#f)"),
            ("cursor", "url(#f)"),
        ] {
            assert_eq!(attribute("path", name, bad), None, "{name}={bad}");
        }
        for href in [
            "https://evil.example/#a",
            "javascript:alert(1)",
            "data:image/svg+xml,x",
            "//evil.example#a",
            "#",
            "a.svg#b",
        ] {
            assert_eq!(attribute("use", "xlink:href", href), None, "{href}");
        }
        assert_eq!(attribute("path", "href", "#a"), None);
    }

    #[test]
    fn shapes_places_and_colours_stay() {
        for (name, good) in [
            ("fill", "url(#a)"),
            ("fill", "url('#a.b') none"),
            ("fill", "RGB(1, 2%, 3)"),
            ("fill", "#02585f"),
            ("d", "M0 0h4v4z"),
            ("transform", "matrix(1 0 0 1 -2.5 3e2), rotate(45 1 1)"),
            ("viewBox", "0 0 40 40"),
        ] {
            assert!(attribute("path", name, good).is_some(), "{name}={good}");
        }
        assert_eq!(attribute("use", "xlink:href", "#a"), Some(("href", "#a".to_owned())));
    }
}
