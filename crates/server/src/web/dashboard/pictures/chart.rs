//! Pictures as SVG that the server draws: no script, no inline style, colours by class. Each part is a link with its value
//! as its name, and the same numbers stand in a table beside.

use std::fmt::Write as _;

/// Width of a picture in its own units, and of one of several.
pub(super) const WIDTH: i64 = 960;
pub(super) const HALF: i64 = 460;
const LEFT: i64 = 44;
const TOP: i64 = 14;
const BASE: i64 = 138;
const HEIGHT: i64 = 166;
/// Between two parts of a bar, in tenths.
const GAP: i64 = 15;

/// A picture with everything beside it.
pub(in crate::web::dashboard) struct Chart {
    /// Names it in addresses and on the page.
    pub id: &'static str,
    pub title: String,
    /// What it shows, in a sentence with numbers.
    pub says: String,
    /// Instead of a picture where there is nothing to draw.
    pub nothing: Option<String>,
    pub legend: &'static [(&'static str, &'static str)],
    pub panels: Vec<Panel>,
    pub heads: Vec<String>,
    pub table: Vec<Vec<String>>,
    /// Where the numbers are as CSV.
    pub csv: String,
}

/// One drawing; a picture can have several of the same kind.
pub(in crate::web::dashboard) struct Panel {
    pub caption: Option<(String, String)>,
    /// Markup that [`Drawing`] made: every text in it is escaped.
    pub svg: String,
}

/// What is said about a drawing.
pub(super) struct Words<'a> {
    /// Unique on the page.
    pub id: &'a str,
    pub title: &'a str,
    pub says: &'a str,
    /// Below the first and the last slot.
    pub ends: (&'a str, &'a str),
    pub width: i64,
}

/// One bar or point over a slot of time.
pub(super) struct Slot {
    /// What it is called, with its values.
    pub name: String,
    pub href: String,
    /// A value for each part; `None` where nobody can know.
    pub values: Option<Vec<i64>>,
}

/// A bar that lies.
pub(super) struct Row {
    pub label: String,
    pub name: String,
    pub href: String,
    pub value: i64,
    pub class: &'static str,
}

/// A piece of a strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Unknown,
    Quiet,
    Well,
    Troubled,
    Bad,
}

/// An SVG under way.
struct Drawing(String);

impl Drawing {
    fn new(words: &Words<'_>, (width, height): (i64, i64)) -> Self {
        let Words { id, title, says, .. } = words;
        let mut svg = String::new();
        let _ = write!(
            svg,
            "<svg class=\"pic\" viewBox=\"0 0 {width} {height}\" role=\"group\" aria-labelledby=\"{id}-t\" \
             aria-describedby=\"{id}-d\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
            escaped(title),
            escaped(says)
        );
        Self(svg)
    }

    /// Lines at the values of the axis, which begins at 0.
    fn axis(&mut self, most: i64, width: i64) {
        let step = step(most);
        for value in (0..=ceil(most, step)).map(|number| number * step) {
            let y = tenths(height_of(value, step * ceil(most, step)));
            let _ = write!(
                self.0,
                "<path class=\"ax\" d=\"M{LEFT} {y}H{width}\"/><text class=\"no\" x=\"{}\" y=\"{y}\" dy=\"4\">{}</text>",
                LEFT - 6,
                short(value)
            );
        }
    }

    fn ends(&mut self, (first, last): (&str, &str), width: i64) {
        let y = BASE + 20;
        let _ = write!(
            self.0,
            "<text x=\"{LEFT}\" y=\"{y}\">{}</text><text class=\"no\" x=\"{width}\" y=\"{y}\">{}</text>",
            escaped(first),
            escaped(last)
        );
    }

    fn link(&mut self, name: &str, href: &str, inside: &str) {
        let _ = write!(self.0, "<a href=\"{}\"><title>{}</title>{inside}</a>", escaped(href), escaped(name));
    }

    fn done(mut self) -> String {
        self.0.push_str("</svg>");
        self.0
    }
}

/// Bars of stacked parts, one for each slot.
pub(super) fn bars(words: &Words<'_>, parts: &[(&str, &str)], slots: &[Slot]) -> String {
    let width = words.width;
    let mut drawing = Drawing::new(words, (width, HEIGHT));
    let total = |slot: &Slot| slot.values.as_ref().map_or(0, |values| values.iter().sum());
    let most = slots.iter().map(total).max().unwrap_or(0).max(1);
    drawing.axis(most, width);
    let top = step(most) * ceil(most, step(most));
    let wide = (width - LEFT) / i64::try_from(slots.len().max(1)).unwrap_or(1);
    for (number, slot) in (0_i64..).zip(slots) {
        let x = LEFT + number * wide;
        let inside = match &slot.values {
            Some(values) => stack(values, parts, (x, wide, top)),
            None => format!("<path class=\"gap\" d=\"M{} {BASE}h{}\"/>", x + 3, wide - 6),
        };
        drawing.link(&slot.name, &slot.href, &format!("{}{inside}", hit(x, wide)));
    }
    drawing.ends(words.ends, width);
    drawing.done()
}

fn stack(values: &[i64], parts: &[(&str, &str)], (x, wide, top): (i64, i64, i64)) -> String {
    let (mut svg, mut below) = (String::new(), 0);
    for (value, (class, _)) in values.iter().zip(parts).filter(|(value, _)| **value > 0) {
        let (from, to) = (height_of(below, top), height_of(below + value, top));
        let tall = (to - from - if below > 0 { GAP } else { 0 }).max(10);
        let _ = write!(
            svg,
            "<path class=\"{class}\" d=\"M{} {}h{}v{}h-{}z\"/>",
            x + 3,
            tenths(to),
            wide - 6,
            tenth(tall),
            wide - 6
        );
        below += value;
    }
    svg
}

/// Lines through the values of each part; broken where nobody measured.
pub(super) fn lines(words: &Words<'_>, parts: &[(&str, &str)], slots: &[Slot]) -> String {
    let width = words.width;
    let mut drawing = Drawing::new(words, (width, HEIGHT));
    let most = slots.iter().filter_map(|slot| slot.values.as_ref()?.iter().max().copied()).max();
    let most = most.unwrap_or(0).max(1);
    drawing.axis(most, width);
    let top = step(most) * ceil(most, step(most));
    let wide = (width - LEFT) / i64::try_from(slots.len().max(1)).unwrap_or(1);
    for (part, (class, _)) in parts.iter().enumerate() {
        let (mut path, mut pen_down) = (String::new(), false);
        for (number, slot) in (0_i64..).zip(slots) {
            let Some(value) = slot.values.as_ref().and_then(|values| values.get(part)) else {
                pen_down = false;
                continue;
            };
            let x = LEFT + number * wide + wide / 2;
            let y = tenths(height_of(*value, top));
            let _ = write!(path, "{}{x} {y}h0", if pen_down { "L" } else { "M" });
            pen_down = true;
        }
        let _ = write!(drawing.0, "<path class=\"ln {class}\" d=\"{path}\"/>");
    }
    for (number, slot) in (0_i64..).zip(slots).filter(|(_, slot)| slot.values.is_some()) {
        drawing.link(&slot.name, &slot.href, &hit(LEFT + number * wide, wide));
    }
    drawing.ends(words.ends, width);
    drawing.done()
}

/// Bars that lie, one below the other, each with its words.
pub(super) fn rows(words: &Words<'_>, rows: &[Row]) -> String {
    const TALL: i64 = 30;
    const WORDS: i64 = 330;
    let height = TALL * i64::try_from(rows.len()).unwrap_or(1);
    let mut drawing = Drawing::new(words, (WIDTH, height));
    let most = rows.iter().map(|row| row.value).max().unwrap_or(0).max(1);
    for (number, row) in (0_i64..).zip(rows) {
        let y = number * TALL;
        let long = (WIDTH - WORDS - 70) * row.value / most;
        let inside = format!(
            "<path class=\"hit\" d=\"M0 {y}h{WIDTH}v{TALL}h-{WIDTH}z\"/><text class=\"la\" x=\"2\" y=\"{}\">{}</text>\
             <path class=\"{}\" d=\"M{WORDS} {}h{}v16h-{}z\"/><text class=\"la\" x=\"{}\" y=\"{}\">{}</text>",
            y + 20,
            escaped(&clipped(&row.label, 46)),
            row.class,
            y + 7,
            long.max(2),
            long.max(2),
            WORDS + long.max(2) + 8,
            y + 20,
            row.value
        );
        drawing.link(&row.name, &row.href, &inside);
    }
    drawing.done()
}

/// One piece for each slot: tall where all went well, lower the worse it went, a line where nothing happened.
pub(super) fn strip(words: &Words<'_>, pieces: &[(Health, String, String)]) -> String {
    const WIDE: i64 = 10;
    let width = WIDE * i64::try_from(pieces.len()).unwrap_or(1);
    let mut drawing = Drawing::new(words, (width, 24));
    for (number, (health, name, href)) in (0_i64..).zip(pieces) {
        let x = number * WIDE;
        let (class, y) = match health {
            Health::Unknown => ("gap", 22),
            Health::Quiet => ("qu", 20),
            Health::Well => ("c1", 2),
            Health::Troubled => ("cw", 8),
            Health::Bad => ("cb", 13),
        };
        let shape = match health {
            Health::Unknown => String::new(),
            _ => format!("<path class=\"{class}\" d=\"M{} {y}h{}V23h-{}z\"/>", x + 1, WIDE - 2, WIDE - 2),
        };
        let hit = format!("<path class=\"hit\" d=\"M{x} 0h{WIDE}v24h-{WIDE}z\"/>");
        drawing.link(name, href, &format!("{hit}{shape}"));
    }
    drawing.done()
}

/// What the pointer and the focus ring see of a slot.
fn hit(x: i64, wide: i64) -> String {
    format!("<path class=\"hit\" d=\"M{x} {TOP}h{wide}V{BASE}h-{wide}z\"/>")
}

/// How high a value stands above the base, in tenths.
fn height_of(value: i64, top: i64) -> i64 {
    value.saturating_mul((BASE - TOP) * 10) / top.max(1)
}

/// How many steps it takes to reach `most`.
const fn ceil(most: i64, step: i64) -> i64 {
    most.saturating_add(step - 1) / step
}

/// A height in tenths as a coordinate.
fn tenths(height: i64) -> String {
    tenth(BASE * 10 - height)
}

fn tenth(number: i64) -> String {
    match number % 10 {
        0 => (number / 10).to_string(),
        rest => format!("{}.{}", number / 10, rest.abs()),
    }
}

/// A step of the axis that gives two to four lines: 1, 2 or 5 times a power of ten.
fn step(most: i64) -> i64 {
    let mut power: i64 = 1;
    loop {
        for factor in [1, 2, 5] {
            if most <= power.saturating_mul(factor * 4) {
                return power.saturating_mul(factor);
            }
        }
        power = power.saturating_mul(10);
    }
}

/// `1200` as `1.2k`.
fn short(value: i64) -> String {
    match value {
        0..10_000 => value.to_string(),
        10_000..1_000_000 => format!("{}k", tenth(value / 100)),
        _ => format!("{}M", tenth(value / 100_000)),
    }
}

fn clipped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Text for markup and attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            plain => safe.push(plain),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [(&str, &str); 3] = [("c1", "First try"), ("cw", "After retry"), ("cb", "Failed")];
    /// What a picture may weigh.
    const MOST_BYTES: usize = 12 * 1024;

    fn words(width: i64) -> Words<'static> {
        Words { id: "a", title: "t", says: "d", ends: ("1 Oct", "30 Oct"), width }
    }

    fn slots(values: impl Fn(i64) -> Option<Vec<i64>>) -> Vec<Slot> {
        let slot = |number: i64| {
            Slot {
            name: format!("{number} October 2031: 99999 first try, 99999 after retry, 99999 failed"),
            href: "/logs?kind=refresh&from=2031-10-24T00:00&until=2031-10-25T00:00&connection=conn_123456789012345678".to_owned(),
            values: values(number),
        }
        };
        (0..30).map(slot).collect()
    }

    #[test]
    fn the_heaviest_picture_of_a_month_stays_light() {
        let full = slots(|_| Some(vec![99_999, 99_999, 99_999]));
        for svg in [bars(&words(WIDTH), &PARTS, &full), lines(&words(WIDTH), &PARTS, &full)] {
            assert!(svg.len() <= MOST_BYTES, "{} bytes", svg.len());
        }
    }

    #[test]
    fn what_nobody_knows_is_a_gap_and_never_a_bar_of_zero() {
        let some = slots(|number| (number > 3).then(|| vec![1, 0, 0]));
        let svg = bars(&words(HALF), &PARTS, &some);
        assert_eq!(svg.matches("class=\"gap\"").count(), 4);
        assert_eq!(svg.matches("class=\"c1\"").count(), 26);
        let line = lines(&words(WIDTH), &PARTS[..1], &slots(|number| (number % 2 == 0).then(|| vec![1])));
        assert!(!line.contains('L'), "no line leads over a gap: {line}");
    }

    #[test]
    fn the_axis_begins_at_zero_and_has_round_steps() {
        for (most, expected) in [(1, 1), (4, 1), (5, 2), (9, 5), (20, 5), (21, 10), (120, 50), (4001, 2000)] {
            assert_eq!(step(most), expected, "{most}");
        }
        let svg = bars(&words(WIDTH), &PARTS, &slots(|_| Some(vec![120, 0, 0])));
        assert!(svg.contains(">0</text>") && svg.contains(">150</text>"), "{svg}");
    }

    #[test]
    fn a_text_can_only_be_text() {
        let hostile = "\"><script>alert(1)</script><a href='javascript:x'>&";
        let row = Row {
            label: hostile.to_owned(),
            name: hostile.to_owned(),
            href: hostile.to_owned(),
            value: 3,
            class: "c1",
        };
        let svg = rows(&Words { title: hostile, says: hostile, ..words(WIDTH) }, &[row]);
        assert!(!svg.contains("<script") && !svg.contains("href='") && !svg.contains("\"><s"), "{svg}");
    }

    #[test]
    fn the_worse_it_went_the_lower_the_piece() {
        let piece = |health| (health, "x".to_owned(), "/".to_owned());
        let svg = strip(
            &words(WIDTH),
            &[Health::Well, Health::Troubled, Health::Bad, Health::Quiet, Health::Unknown].map(piece),
        );
        assert!(
            svg.contains("M1 2h")
                && svg.contains("M11 8h")
                && svg.contains("M21 13h")
                && svg.contains("M31 20h")
        );
        assert_eq!(svg.matches("<a ").count(), 5);
    }
}
