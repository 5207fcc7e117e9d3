//! The steps that run tests.

use crate::cargo::{cargo, metadata};
use crate::run::{Count, Tested, read, run, text};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every test of the workspace. Stores are tested on SQLite and PostgreSQL alike by the tests themselves.
pub fn nextest() -> Result<Tested> {
    let target = metadata()?.target_directory;
    let report = target.join("nextest/ci/junit.xml");
    let references = target.join("snapshot-references.txt");
    for stale in [&report, &references] {
        if stale.exists() {
            std::fs::remove_file(stale)?;
        }
    }
    let mut command = cargo(&["nextest", "run", "--workspace", "--locked", "--profile", "ci"]);
    command.env("INSTA_UPDATE", "no").env("INSTA_SNAPSHOT_REFERENCES_FILE", &references);
    let outcome = run(&mut command);
    let count = match text(&report) {
        Ok(report) => junit(&report).context("nextest's report has no counts")?,
        Err(_) => Count::default(),
    };
    let failure = match outcome {
        Err(error) => Some(error.to_string()),
        Ok(()) => unused_snapshots(&references)?,
    };
    Ok(Tested { count, note: format!("{} tests", count.passed), failure })
}

/// Sums of the outermost element of a JUnit report.
fn junit(report: &str) -> Option<Count> {
    let (_, rest) = report.split_once("<testsuites ")?;
    let (head, _) = rest.split_once('>')?;
    let number = |name: &str| -> Option<u64> {
        let (_, rest) = head.split_once(&format!(" {name}=\""))?;
        rest.split_once('"')?.0.parse().ok()
    };
    let failed = number("failures")? + number("errors").unwrap_or(0);
    Some(Count { passed: number("tests")?.checked_sub(failed)?, failed })
}

/// Snapshots that are committed and that no test asked for.
fn unused_snapshots(references: &Path) -> Result<Option<String>> {
    let listed = read(Command::new("git").args(["ls-files", "*.snap"]))?;
    let used: BTreeSet<PathBuf> = std::fs::read_to_string(references)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| std::fs::canonicalize(line).ok())
        .collect();
    let unused: Vec<&str> = listed
        .lines()
        .filter(|file| std::fs::canonicalize(file).is_ok_and(|path| !used.contains(&path)))
        .collect();
    Ok((!unused.is_empty())
        .then(|| format!("no test uses these snapshots, delete them: {}", unused.join(" "))))
}

/// The examples in documentation, which nextest does not run.
pub fn doctests() -> Result<String> {
    run(&mut cargo(&["test", "--doc", "--workspace", "--locked", "--quiet"]))?;
    Ok("examples run".into())
}

/// Our assumptions about the peers, so that a failing integration test is not blamed on the wrong side.
pub fn peers() -> Result<String> {
    let output = read(Command::new("node").arg("tests/peers/check.mjs"))?;
    let count = output.lines().filter(|line| !line.starts_with(' ')).count();
    if count == 0 {
        bail!("tests/peers/check.mjs checked nothing");
    }
    Ok(format!("{count} peers behave as tests/peers/README.md says"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_sums_of_a_junit_report() {
        let report = r#"<?xml version="1.0"?><testsuites name="r" tests="12" failures="2" errors="1" uuid="u"><testsuite tests="4" failures="0"/>"#;
        assert_eq!(junit(report), Some(Count { passed: 9, failed: 3 }));
        assert_eq!(junit("<html>"), None);
    }
}
