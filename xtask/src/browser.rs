//! The page tests in Chromium.

use crate::cargo::{binary, metadata};
use crate::run::{Count, Tested};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Runs `tests/browser/run.mjs` on the released program. Its last line is `N passed, N failed`.
pub fn run() -> Result<Tested> {
    let name = "tests/browser/run.mjs";
    let mut command = script(&[name])?;
    // nobody looks at them there, and each takes as long as a click
    command.env("KEYBEARER_SHOTS", "no");
    let (count, failure) = read(command, name, (" passed, ", " failed"))?;
    Ok(Tested { count, note: format!("{} page tests", count.passed), failure })
}

/// Measures the released program's pages by `tests/browser/gates.mjs` and holds them to the quality bar. Its last line
/// is `N held, N broken`.
pub fn gates(options: &[&str]) -> Result<String> {
    let script = [&["tests/browser/gates.mjs"], options].concat();
    let (count, failure) = node(&script, (" held, ", " broken"))?;
    match failure {
        None => Ok(format!("{} gates hold", count.passed)),
        Some(failure) => bail!("{} gates are broken; {failure}", count.failed),
    }
}

/// How long the released program takes for the accounts list over 100,000 accounts (Q11), by `tests/bench/accounts.mjs`.
pub fn accounts() -> Result<String> {
    let seed =
        ["build", "--release", "--locked", "--package", "keybearer-store", "--example", "seed_accounts"];
    crate::run::run(&mut crate::cargo::cargo(&seed))?;
    let seed = metadata()?.target_directory.join("release/examples/seed_accounts");
    let mut command = script(&["tests/bench/accounts.mjs"])?;
    command.env("SEED_BIN", seed);
    let (count, failure) = read(command, "tests/bench/accounts.mjs", (" held, ", " broken"))?;
    match failure {
        None => Ok(format!("{} lists within 150 ms", count.passed)),
        Some(failure) => bail!("{} lists are too slow; {failure}", count.failed),
    }
}

/// The gates on the program as it was built last, with a picture of every screen in `target/browser`; those that README
/// and docs show are copied to `docs/pictures`.
pub fn pictures() -> Result<()> {
    crate::run::say(&gates(&["--pictures"])?);
    let (from, to) = (metadata()?.target_directory.join("browser"), std::path::Path::new("docs/pictures"));
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().and_then(|name| name.strip_prefix("docs-")) {
            std::fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// Runs a script of node, shows what it says, and reads its closing line.
fn node(arguments: &[&str], words: (&str, &str)) -> Result<(Count, Option<String>)> {
    read(script(arguments)?, &arguments.join(" "), words)
}

/// A script of node on the released program.
fn script(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new("node");
    command.args(arguments).env("KEYBEARER_BIN", binary()?).stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(command)
}

fn read(mut command: Command, name: &str, words: (&str, &str)) -> Result<(Count, Option<String>)> {
    let mut child = command.spawn().context("cannot start node")?;
    let output = BufReader::new(child.stdout.take().context("the output is piped")?);
    let mut last = String::new();
    for line in output.lines() {
        last = line?;
        crate::run::say(&format!("    {last}"));
    }
    let status = child.wait()?;
    let count = counts(&last, words).with_context(|| format!("{name} gave no counts"))?;
    Ok((count, (!status.success()).then(|| format!("{name}: {status}"))))
}

fn counts(line: &str, (between, end): (&str, &str)) -> Option<Count> {
    let (passed, failed) = line.strip_suffix(end)?.split_once(between)?;
    Some(Count { passed: passed.parse().ok()?, failed: failed.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_closing_line() {
        let words = (" passed, ", " failed");
        assert_eq!(counts("7 passed, 1 failed", words), Some(Count { passed: 7, failed: 1 }));
        assert_eq!(counts("7 held, 1 broken", (" held, ", " broken")), Some(Count { passed: 7, failed: 1 }));
        assert_eq!(counts("all fine", words), None);
    }
}
