//! A Rust file taken apart: its code without comments and texts, and the texts by themselves.

/// A string literal and the line it begins on.
#[derive(Debug, PartialEq, Eq)]
pub struct Literal {
    pub line: usize,
    pub text: String,
}

/// What a rule looks at. `code` keeps every line break, so that positions give line numbers.
pub struct Source {
    pub code: String,
    pub literals: Vec<Literal>,
}

impl Source {
    pub fn read(text: &str) -> Self {
        let mut scan = Scan { rest: text, line: 1, source: Self { code: String::new(), literals: vec![] } };
        while scan.step() {}
        scan.source
    }

    /// The same without the modules and functions under `#[cfg(test)]`.
    pub fn without_tests(mut self) -> Self {
        while let Some(start) = self.code.find("#[cfg(test)]") {
            let end =
                self.code.get(start..).and_then(item_end).map_or(self.code.len(), |length| start + length);
            let (first, last) = (self.line_of(start), self.line_of(end));
            let blank: String = self
                .code
                .get(start..end)
                .unwrap_or_default()
                .chars()
                .map(|c| if c == '\n' { c } else { ' ' })
                .collect();
            self.code.replace_range(start..end, &blank);
            self.literals.retain(|literal| literal.line < first || literal.line > last);
        }
        self
    }

    /// The lines on which the code names something.
    pub fn uses<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        let lines = self.code.lines().zip(1..);
        lines.filter(move |(line, _)| has_word(line, name)).map(|(_, number)| number)
    }

    fn line_of(&self, position: usize) -> usize {
        self.code.get(..position).unwrap_or_default().matches('\n').count() + 1
    }
}

/// Where the item that begins here ends: at its closing brace, or at `;` when it has no body.
fn item_end(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (position, letter) in code.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(position + 1);
                }
            }
            ';' if depth == 0 => return Some(position + 1),
            _ => {}
        }
    }
    None
}

fn has_word(line: &str, name: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(name).any(|(start, found)| {
        let before = line.get(..start).and_then(|text| text.chars().next_back());
        let after = line.get(start + found.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(letter) && !after.is_some_and(letter)
    })
}

struct Scan<'a> {
    rest: &'a str,
    line: usize,
    source: Source,
}

impl Scan<'_> {
    /// Takes one piece; false at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else {
            return false;
        };
        if self.rest.starts_with("//") {
            let length = self.rest.find('\n').unwrap_or(self.rest.len());
            self.drop_piece(length);
        } else if self.rest.starts_with("/*") {
            self.drop_piece(block_comment(self.rest));
        } else if let Some((open, close)) = self.string_marks() {
            self.literal(open, &close);
        } else if first == '\'' {
            self.quote();
        } else {
            self.keep(first.len_utf8());
        }
        true
    }

    /// How long the opening of a string literal here is, and what closes it.
    fn string_marks(&self) -> Option<(usize, String)> {
        let inside_name =
            self.source.code.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let prefix = if inside_name {
            0
        } else {
            ["br", "cr", "r", "b", "c"].iter().find(|p| self.rest.starts_with(**p)).map_or(0, |p| p.len())
        };
        let raw = prefix > 0 && self.rest.get(..prefix)?.ends_with('r');
        let hashes = if raw { self.rest.get(prefix..)?.chars().take_while(|c| *c == '#').count() } else { 0 };
        self.rest.get(prefix + hashes..)?.starts_with('"').then(|| {
            let close = if raw { format!("\"{}", "#".repeat(hashes)) } else { String::new() };
            (prefix + hashes + 1, close)
        })
    }

    fn literal(&mut self, open: usize, close: &str) {
        let body = self.rest.get(open..).unwrap_or_default();
        let (length, closing) = if close.is_empty() {
            (escaped_end(body), 1)
        } else {
            (body.find(close).unwrap_or(body.len()), close.len())
        };
        let text = body.get(..length).unwrap_or_default().to_owned();
        self.source.literals.push(Literal { line: self.line, text });
        self.drop_piece((open + length + closing).min(self.rest.len()));
    }

    /// A character literal, or the tick of a lifetime.
    fn quote(&mut self) {
        let mut letters = self.rest.char_indices().skip(1);
        let length = match (letters.next(), letters.next()) {
            (Some((_, '\\')), Some((after, _))) => {
                self.rest.get(after + 1..).and_then(|rest| rest.find('\'')).map(|end| after + 1 + end + 1)
            }
            (Some(_), Some((end, '\''))) => Some(end + 1),
            _ => None,
        };
        match length {
            Some(length) => self.drop_piece(length),
            None => self.keep(1),
        }
    }

    fn keep(&mut self, length: usize) {
        let (piece, rest) = self.rest.split_at(length);
        self.line += piece.matches('\n').count();
        self.source.code.push_str(piece);
        self.rest = rest;
    }

    /// Leaves only the line breaks of a piece, and a space that keeps words apart.
    fn drop_piece(&mut self, length: usize) {
        let (piece, rest) = self.rest.split_at(length);
        let breaks = piece.matches('\n').count();
        self.line += breaks;
        self.source.code.push_str(if breaks == 0 { " " } else { "" });
        self.source.code.push_str(&"\n".repeat(breaks));
        self.rest = rest;
    }
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut position) = (0_usize, 0);
    while let Some(rest) = text.get(position..).filter(|rest| !rest.is_empty()) {
        let step = if rest.starts_with("/*") {
            depth += 1;
            2
        } else if rest.starts_with("*/") {
            depth -= 1;
            2
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        position += step;
        if depth == 0 {
            break;
        }
    }
    position
}

/// Where the quote that ends a text with escapes is.
fn escaped_end(body: &str) -> usize {
    let mut letters = body.char_indices();
    while let Some((position, letter)) = letters.next() {
        match letter {
            '"' => return position,
            '\\' => {
                letters.next();
            }
            _ => {}
        }
    }
    body.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<(usize, String)> {
        Source::read(source).literals.into_iter().map(|literal| (literal.line, literal.text)).collect()
    }

    #[test]
    fn comments_leave_and_line_numbers_stay() {
        let source = Source::read("a /* x /* y */\n z */ b // \"no\"\nc");
        assert_eq!(source.code.lines().map(str::trim).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(source.literals.is_empty());
        assert_eq!(source.uses("c").collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn every_kind_of_text_is_a_literal() {
        let found = texts("x(\"a\\\"b\");\ny(r#\"c\"d\"#);\nz(b\"e\", br\"f\", c\"g\");\nw(\"//\")");
        let want = [(1, "a\\\"b"), (2, "c\"d"), (3, "e"), (3, "f"), (3, "g"), (4, "//")];
        assert_eq!(found, want.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn characters_and_lifetimes_open_no_text() {
        assert_eq!(
            texts("fn a<'a>(b: &'a str) { ['\"', '\\'', '\\u{22}', 'é']; \"x\" }"),
            [(1, "x".to_owned())]
        );
        assert_eq!(texts("let for_\"a\""), [(1, "a".to_owned())]);
    }

    #[test]
    fn test_items_are_left_out() {
        let source = Source::read("fn a() { \"one\" }\n#[cfg(test)]\nmod tests {\n fn b() { \"two\"; sqlx }\n}\nfn c() { \"three\" }").without_tests();
        assert_eq!(
            source.literals.iter().map(|literal| literal.text.as_str()).collect::<Vec<_>>(),
            ["one", "three"]
        );
        assert_eq!(source.uses("sqlx").count(), 0);
        assert_eq!(source.uses("c").collect::<Vec<_>>(), [6]);
        let source =
            Source::read("#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod tests;\nfn c() {}").without_tests();
        assert_eq!(source.uses("c").collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn a_word_is_not_found_inside_another() {
        assert_eq!(Source::read("my_sqlx; sqlxy; sqlx::query").uses("sqlx").count(), 1);
        assert_eq!(Source::read("my_sqlx; sqlxy").uses("sqlx").count(), 0);
    }
}
