//! The line of a JSON text on which a key stands.

/// The line, from 1, on which `field` of a JSON text begins, for example `auth_patterns[0].type`. The nearest key around
/// it counts when it is not there itself; the first line when nothing of it is, or when the text is no JSON.
pub fn line_of(text: &str, field: &str) -> usize {
    let mut walk = Walk { bytes: text.as_bytes(), at: 0, line: 1, depth: 0, found: Vec::new() };
    walk.value(String::new());
    let mut field = field;
    loop {
        if let Some((_, line)) = walk.found.iter().find(|(path, _)| path == field) {
            return *line;
        }
        match field.rfind(['.', '[']) {
            Some(end) => field = field.get(..end).unwrap_or_default(),
            None => return 1,
        }
    }
}

/// Deeper texts are not looked into.
const DEEPEST: usize = 64;

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    depth: usize,
    found: Vec<(String, usize)>,
}

impl Walk<'_> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at).copied() {
            if !byte.is_ascii_whitespace() {
                return Some(byte);
            }
            self.step(byte);
        }
        None
    }

    fn step(&mut self, byte: u8) {
        self.at += 1;
        self.line += usize::from(byte == b'\n');
    }

    /// Walks over one value; false when the text ends or is no JSON here.
    fn value(&mut self, path: String) -> bool {
        let Some(first) = self.peek() else { return false };
        self.found.push((path.clone(), self.line));
        self.depth += 1;
        let good = self.depth < DEEPEST
            && match first {
                b'{' => self.object(&path),
                b'[' => self.array(&path),
                b'"' => self.text().is_some(),
                _ => self.word(),
            };
        self.depth -= 1;
        good
    }

    fn object(&mut self, path: &str) -> bool {
        self.step(b'{');
        loop {
            match self.peek() {
                Some(b'}') => return self.close(),
                Some(b',') => self.step(b','),
                Some(b'"') => {
                    let line = self.line;
                    let Some(key) = self.text() else { return false };
                    if self.peek() != Some(b':') {
                        return false;
                    }
                    self.step(b':');
                    let inner = if path.is_empty() { key } else { format!("{path}.{key}") };
                    self.found.push((inner.clone(), line));
                    if !self.value(inner) {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    }

    fn array(&mut self, path: &str) -> bool {
        self.step(b'[');
        let mut index = 0;
        loop {
            match self.peek() {
                Some(b']') => return self.close(),
                Some(b',') => self.step(b','),
                Some(_) if self.value(format!("{path}[{index}]")) => index += 1,
                _ => return false,
            }
        }
    }

    fn close(&mut self) -> bool {
        self.at += 1;
        true
    }

    fn text(&mut self) -> Option<String> {
        self.at += 1;
        let begin = self.at;
        loop {
            match self.bytes.get(self.at).copied()? {
                b'"' => break,
                b'\\' => self.at += 2,
                byte => self.step(byte),
            }
        }
        let inside = self.bytes.get(begin..self.at)?;
        self.at += 1;
        Some(String::from_utf8_lossy(inside).into_owned())
    }

    fn word(&mut self) -> bool {
        let begin = self.at;
        while self
            .bytes
            .get(self.at)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
        {
            self.at += 1;
        }
        self.at > begin
    }
}

#[cfg(test)]
mod tests {
    use super::line_of;

    const TEXT: &str = "{\n  \"name\": \"a \\\"b\\\" {[\",\n  \"list\": [\n    1,\n    {\"x\":\n      {\"y\": null}}\n  ],\n  \"last\": true\n}";

    #[test]
    fn a_key_is_found_on_its_line() {
        for (field, line) in [
            ("name", 2),
            ("list", 3),
            ("list[0]", 4),
            ("list[1]", 5),
            ("list[1].x", 5),
            ("list[1].x.y", 6),
            ("last", 8),
        ] {
            assert_eq!(line_of(TEXT, field), line, "{field}");
        }
    }

    #[test]
    fn what_is_missing_is_told_at_what_is_around_it() {
        assert_eq!(line_of(TEXT, "list[1].x.z"), 5);
        assert_eq!(line_of(TEXT, "list[7].x"), 3);
        assert_eq!(line_of(TEXT, "nothing"), 1);
    }

    #[test]
    fn any_text_has_an_answer() {
        for text in ["", "{", "{\"a", "[[[[", "{\"a\":\\", "nope", "{\"a\": \"\\", &"[".repeat(100_000)] {
            assert!(line_of(text, "a.b[1].c") >= 1);
        }
    }
}
