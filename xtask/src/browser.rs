//! The page tests in Chromium.

use crate::cargo::binary;
use crate::run::{Count, Tested};
use anyhow::{Context, Result};
use std::process::{Command, Stdio};

/// Runs `tests/browser/run.mjs` on the released program. Its last line is `N passed, N failed`.
pub fn run() -> Result<Tested> {
    let mut command = Command::new("node");
    command.arg("tests/browser/run.mjs").env("KEYBEARER_BIN", binary()?);
    let output =
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cannot start node")?;
    let text = String::from_utf8_lossy(&output.stdout);
    for line in text.lines() {
        crate::run::say(&format!("    {line}"));
    }
    let count = text.lines().next_back().and_then(counts).context("tests/browser/run.mjs gave no counts")?;
    let failure = (!output.status.success()).then(|| format!("tests/browser/run.mjs: {}", output.status));
    Ok(Tested { count, note: format!("{} page tests", count.passed), failure })
}

fn counts(line: &str) -> Option<Count> {
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some(Count { passed: passed.parse().ok()?, failed: failed.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_closing_line() {
        assert_eq!(counts("7 passed, 1 failed"), Some(Count { passed: 7, failed: 1 }));
        assert_eq!(counts("all fine"), None);
    }
}
