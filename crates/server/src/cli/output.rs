//! What commands print. Results go to standard output, everything else to standard error.

use std::io::{IsTerminal as _, Write as _};

use keybearer_core::{Code, Error, Result};
use serde_json::{Value, json};

/// Where a command prints.
#[derive(Debug)]
pub(crate) struct Out {
    json: bool,
    colour: bool,
}

impl Out {
    /// For words, or for JSON.
    pub fn new(json: bool) -> Self {
        let colour = !json && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, colour }
    }

    /// Whether JSON was asked for.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints text as it is.
    pub fn text(&self, text: &str) -> Result<()> {
        let mut stdout = std::io::stdout().lock();
        let written = writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush());
        written.map_err(|error| Error::internal("standard output cannot be written").with_source(error))
    }

    /// Prints words, unless JSON was asked for.
    pub fn say(&self, words: &str) -> Result<()> {
        if self.json { Ok(()) } else { self.text(words) }
    }

    /// Prints a value as one line of JSON, or words made of it.
    pub fn result(&self, value: &Value, words: impl FnOnce(&Value) -> String) -> Result<()> {
        if self.json { self.text(&value.to_string()) } else { self.text(&words(value)) }
    }

    /// Prints rows under headings, in columns.
    pub fn table(&self, value: &Value, headings: &[&str], rows: &[Vec<String>]) -> Result<()> {
        if self.json {
            return self.text(&value.to_string());
        }
        if rows.is_empty() {
            return self.text("Nothing yet.");
        }
        self.text(&columns(headings, rows))
    }

    /// Bold text on a terminal.
    pub fn strong(&self, text: &str) -> String {
        if self.colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Prints progress for a person who waits; never to standard output.
    pub fn progress(&self, words: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{words}");
    }

    /// Prints what went wrong, why, and what to do.
    pub fn failure(&self, error: &Error) {
        let mut stderr = std::io::stderr().lock();
        if self.json {
            let value = json!({"error": error.code.as_str(), "message": error.detail, "help": error.help});
            let _ = writeln!(stderr, "{value}");
            return;
        }
        let title = if error.code == Code::InvalidArgument {
            "That value is not acceptable."
        } else {
            error.code.title()
        };
        let _ = writeln!(stderr, "{title}\n  Why  {}", error.detail);
        for violation in &error.violations {
            let line = format!("{} {}", violation.field, violation.description);
            if line != error.detail {
                let _ = writeln!(stderr, "       {line}");
            }
        }
        if let Some(help) = &error.help {
            let _ = writeln!(stderr, "  Do   {help}");
        }
        if let Some(seconds) = error.retry_after_seconds {
            let _ = writeln!(stderr, "  Wait {seconds} s");
        }
    }
}

fn columns(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(headings.get(column).map(|heading| heading.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(headings.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

/// A member of an object as text; empty when it is not there.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A member of an object as a list.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
