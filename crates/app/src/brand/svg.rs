//! SVG logos are read and written anew from an allow-list, so that nothing in them can run or load anything.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use keybearer_core::{Error, Result};

use super::svg_rules::{attribute, declarations, draws, holds_text};

/// Deepest nesting, and most elements.
const DEPTH: usize = 40;
const ELEMENTS: usize = 4000;
/// Most copies: a copy of copies of copies has no end.
const COPIES: usize = 60;

/// An SVG with nothing but shapes, and what was left out of it.
#[derive(Debug, Default)]
pub(super) struct Cleaned {
    pub svg: String,
    pub left_out: BTreeSet<String>,
}

type Read<T> = std::result::Result<T, &'static str>;

/// Reads a file and writes what may stay.
///
/// # Errors
/// `InvalidArgument` at `field` for what is no well-formed SVG, and for one without a size.
pub(super) fn clean(field: &str, bytes: &[u8]) -> Result<Cleaned> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| Error::field(field, "must be an SVG in UTF-8, or a PNG"))?;
    let refused = |what| Error::field(field, format!("must be an SVG or a PNG: {what}"));
    let mut writer = Writer::default();
    writer.document(text.trim_start_matches('\u{feff}')).map_err(refused)?;
    Ok(writer.out)
}

/// An element that is open.
struct Open<'a> {
    name: &'a str,
    /// Whether it, or something around it, is left out.
    left_out: bool,
    /// Whether something can copy it.
    named: bool,
}

#[derive(Default)]
struct Writer<'a> {
    out: Cleaned,
    open: Vec<Open<'a>>,
    elements: usize,
    copies: usize,
    ended: bool,
}

impl<'a> Writer<'a> {
    fn document(&mut self, mut rest: &'a str) -> Read<()> {
        while let Some((text, tail)) = rest.split_once('<') {
            self.text(text)?;
            rest = self.markup(tail)?;
        }
        self.text(rest)?;
        if self.ended { Ok(()) } else { Err("it has no complete `svg` element") }
    }

    fn markup(&mut self, tail: &'a str) -> Read<&'a str> {
        if let Some(tail) = tail.strip_prefix("!--") {
            return tail.split_once("-->").map(|(_, rest)| rest).ok_or("a comment has no end");
        }
        if let Some(tail) = tail.strip_prefix("![CDATA[") {
            self.left_out("CDATA");
            return tail.split_once("]]>").map(|(_, rest)| rest).ok_or("a CDATA part has no end");
        }
        if let Some(tail) = tail.strip_prefix('?') {
            return tail.split_once("?>").map(|(_, rest)| rest).ok_or("an instruction has no end");
        }
        if let Some(tail) = tail.strip_prefix('!') {
            let (kind, rest) = tail.split_once('>').ok_or("a declaration has no end")?;
            let own = kind.contains(['[', '<']) || kind.to_ascii_uppercase().contains("ENTITY");
            return if own { Err("it declares entities of its own") } else { Ok(rest) };
        }
        match tail.strip_prefix('/') {
            Some(tail) => self.close(tail),
            None => self.element(tail),
        }
    }

    fn close(&mut self, tail: &'a str) -> Read<&'a str> {
        let (name, rest) = tail.split_once('>').ok_or("a tag has no end")?;
        let open =
            self.open.pop().filter(|open| open.name == name.trim_end()).ok_or("its tags do not match")?;
        self.end(&open);
        Ok(rest)
    }

    fn end(&mut self, open: &Open<'_>) {
        if !open.left_out {
            let _ = write!(self.out.svg, "</{}>", open.name);
        }
        self.ended |= self.open.is_empty();
    }

    fn element(&mut self, tail: &'a str) -> Read<&'a str> {
        let (name, mut rest) = word(tail)?;
        self.elements += 1;
        if self.elements > ELEMENTS || self.open.len() >= DEPTH {
            return Err("it has too many elements");
        }
        if self.open.is_empty() && (self.ended || name != "svg") {
            return Err("it is not one `svg` element");
        }
        let mut attributes = Vec::new();
        let closed = loop {
            rest = rest.trim_start();
            if let Some(tail) = rest.strip_prefix("/>") {
                rest = tail;
                break true;
            }
            if let Some(tail) = rest.strip_prefix('>') {
                rest = tail;
                break false;
            }
            let (pair, tail) = pair(rest)?;
            if attributes.iter().any(|(known, _)| *known == pair.0) {
                return Err("an attribute stands there twice");
            }
            attributes.push(pair);
            rest = tail;
        };
        let open = self.begin(name, &attributes)?;
        if closed {
            self.end(&open)
        } else {
            self.open.push(open)
        }
        Ok(rest)
    }

    fn begin(&mut self, name: &'a str, attributes: &[(&'a str, Cow<'a, str>)]) -> Read<Open<'a>> {
        let around = self.open.last();
        let (inside_left_out, inside_named) =
            (around.is_some_and(|open| open.left_out), around.is_some_and(|open| open.named));
        let copy_of_copies = name == "use" && inside_named;
        if !draws(name) || copy_of_copies {
            self.left_out(name);
        }
        self.copies += usize::from(name == "use");
        let left_out = inside_left_out || !draws(name) || copy_of_copies || self.copies > COPIES;
        let named = inside_named || (name != "svg" && attributes.iter().any(|(name, _)| *name == "id"));
        if left_out {
            return Ok(Open { name, left_out, named });
        }
        let root = self.open.is_empty();
        let kept = self.kept(name, attributes);
        self.out.svg.push('<');
        self.out.svg.push_str(name);
        if root {
            self.out.svg.push_str(" xmlns=\"http://www.w3.org/2000/svg\"");
            self.size(&kept)?;
        }
        for (name, value) in kept {
            let _ = write!(self.out.svg, " {name}=\"{}\"", escaped(&value));
        }
        self.out.svg.push('>');
        Ok(Open { name, left_out, named })
    }

    fn kept(&mut self, element: &str, attributes: &[(&'a str, Cow<'a, str>)]) -> Vec<(&'static str, String)> {
        let mut kept: Vec<(&'static str, String)> = Vec::new();
        let mut styles = Vec::new();
        for (name, value) in attributes {
            if *name == "style" {
                styles.extend(declarations(value));
            } else if let Some(pair) = attribute(element, name, value) {
                kept.retain(|(known, _)| *known != pair.0);
                kept.push(pair);
            } else if !is_quiet(name) {
                self.left_out(name);
            }
        }
        // a style goes before an attribute
        for (name, value) in styles {
            match attribute(element, &name, &value) {
                Some(pair) => {
                    kept.retain(|(known, _)| *known != pair.0);
                    kept.push(pair);
                }
                None if name.starts_with('-') || name == "enable-background" => {}
                None => self.left_out(&name),
            }
        }
        kept
    }

    /// A picture that is scaled must say what of it is seen.
    fn size(&mut self, kept: &[(&'static str, String)]) -> Read<()> {
        let of =
            |wanted: &str| kept.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
        if of("viewBox").is_some() {
            return Ok(());
        }
        let pixels = |name| {
            of(name)?.trim_end_matches("px").parse::<f64>().ok().filter(|size| (1.0..1e5).contains(size))
        };
        let (width, height) =
            pixels("width").zip(pixels("height")).ok_or("it has neither a `viewBox` nor a size")?;
        let _ = write!(self.out.svg, " viewBox=\"0 0 {width} {height}\"");
        Ok(())
    }

    fn text(&mut self, text: &str) -> Read<()> {
        let shown = decoded(text)?;
        match self.open.last() {
            None if shown.trim().is_empty() => Ok(()),
            None => Err("it has text outside of its `svg` element"),
            Some(open) => {
                if !open.left_out && holds_text(open.name) {
                    self.out.svg.push_str(&escaped(&shown));
                }
                Ok(())
            }
        }
    }

    fn left_out(&mut self, what: &str) {
        let plain: String =
            what.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-')).take(40).collect();
        if self.out.left_out.len() < 20 {
            self.out.left_out.insert(plain);
        }
    }
}

/// Attributes that drawing programs add and nobody misses.
fn is_quiet(name: &str) -> bool {
    matches!(name, "version" | "class" | "baseProfile" | "focusable" | "xmlns" | "x:svg")
        || ["xmlns:", "xml:", "data-", "aria-", "inkscape:", "sodipodi:", "sketch:", "serif:"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// A name, and what follows it.
fn word(text: &str) -> Read<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-' | '.')));
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if good { Ok((name, rest)) } else { Err("it is not well formed") }
}

/// `name="value"`, and what follows it.
fn pair(text: &str) -> Read<((&str, Cow<'_, str>), &str)> {
    let (name, rest) = word(text)?;
    let rest = rest.trim_start().strip_prefix('=').ok_or("an attribute has no value")?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or("a value has no quotes")?;
    let (value, rest) = rest.get(1..).and_then(|tail| tail.split_once(quote)).ok_or("a value has no end")?;
    if value.contains('<') {
        return Err("it is not well formed");
    }
    Ok(((name, decoded(value)?), rest))
}

/// Text with its references put in. There are no others than those of XML itself.
fn decoded(text: &str) -> Read<Cow<'_, str>> {
    if !text.contains('&') {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = tail.split_once(';').ok_or("a reference has no end")?;
        out.push(reference(name).ok_or("it uses an entity that XML does not have")?);
        rest = after;
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

fn reference(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?).filter(|c| !c.is_control() || c.is_ascii_whitespace())
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
#[path = "svg_tests.rs"]
mod tests;
