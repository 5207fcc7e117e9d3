//! Runs named steps one after the other, says how long each took, and stops where asked.

use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Every step, in order: the names that `--only` and `--skip` take.
pub const STEPS: [&str; 15] = [
    "setup", "fmt", "arch", "deny", "clippy", "doc", "tests", "doctests", "peers", "release", "lint",
    "start", "demo", "browser", "gates",
];

/// How many tests a runner executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
}

/// What a step that runs tests reports: its counts are kept even when it failed.
pub struct Tested {
    pub count: Count,
    pub note: String,
    pub failure: Option<String>,
}

/// The state of one run.
pub struct Runner {
    keep_going: bool,
    only: Vec<String>,
    skip: Vec<String>,
    done: Vec<Done>,
    count: Option<Count>,
}

struct Done {
    name: &'static str,
    took: Duration,
    failure: Option<String>,
}

impl Runner {
    /// Reads `--keep-going`, `--only NAME` and `--skip NAME`.
    pub fn new(options: &[&str]) -> Result<Self> {
        let mut runner = Self { keep_going: false, only: vec![], skip: vec![], done: vec![], count: None };
        let mut words = options.iter();
        while let Some(word) = words.next() {
            match *word {
                "--keep-going" => runner.keep_going = true,
                "--only" | "--skip" => {
                    let name = words.next().with_context(|| format!("{word} needs the name of a step"))?;
                    if !STEPS.contains(name) {
                        bail!("there is no step {name}; the steps are {}", STEPS.join(", "));
                    }
                    let list = if *word == "--only" { &mut runner.only } else { &mut runner.skip };
                    list.push((*name).to_owned());
                }
                other => bail!("unknown option {other}"),
            }
        }
        Ok(runner)
    }

    /// Whether `--only` and `--skip` leave this step in.
    pub fn wants(&self, name: &str) -> bool {
        let chosen = self.only.is_empty() || self.only.iter().any(|only| only == name);
        chosen && !self.skip.iter().any(|skip| skip == name)
    }

    /// Runs a step that gives one line about what it found.
    pub fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<String>) -> Result<()> {
        self.counted(name, || Ok(Tested { count: Count::default(), note: work()?, failure: None }))
    }

    /// Runs a step that counts tests.
    pub fn counted(&mut self, name: &'static str, work: impl FnOnce() -> Result<Tested>) -> Result<()> {
        if !self.wants(name) {
            return Ok(());
        }
        say(&format!("==> {name}"));
        let begun = now();
        let outcome = work();
        let took = begun.elapsed();
        let (note, failure) = match outcome {
            Ok(tested) => {
                if tested.count != Count::default() {
                    let sum = self.count.get_or_insert_default();
                    sum.passed += tested.count.passed;
                    sum.failed += tested.count.failed;
                }
                (tested.note, tested.failure)
            }
            Err(error) => (String::new(), Some(format!("{error:#}"))),
        };
        match &failure {
            None => say(&format!("    ok {name} in {}: {note}", seconds(took))),
            Some(failure) => say(&format!("    FAILED {name} in {}: {failure}", seconds(took))),
        }
        let failed = failure.is_some();
        self.done.push(Done { name, took, failure });
        if failed && !self.keep_going {
            self.summary();
            bail!(
                "stopped at the step {name}; again with: cargo xtask test --only {name} (or --keep-going for all)"
            );
        }
        Ok(())
    }

    /// Prints the times and the count of tests; an error when any step failed.
    pub fn finish(self) -> Result<()> {
        self.summary();
        let failed: Vec<&str> =
            self.done.iter().filter(|done| done.failure.is_some()).map(|done| done.name).collect();
        if let Some(count) = self.count {
            say(&format!("{} passed, {} failed", count.passed, count.failed));
        }
        if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
    }

    fn summary(&self) {
        say("==> summary");
        for done in &self.done {
            let verdict = if done.failure.is_some() { "FAILED" } else { "ok" };
            say(&format!("    {verdict:<6} {:<8} {:>8}", done.name, seconds(done.took)));
        }
    }
}

/// Prints one line; a closed output is nobody's error.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A reader that went away must not turn a check into a failure.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The monotonic clock, for measuring this tool's own work.
#[expect(clippy::disallowed_methods, reason = "xtask measures real time; the rule is for the product")]
pub fn now() -> Instant {
    Instant::now()
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// A command whose output goes where ours goes; an error when it does not end with 0.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start {shown}"))?;
    if status.success() { Ok(()) } else { bail!("{shown}: {status}") }
}

/// The standard output of a command; an error with its standard error when it does not end with 0.
pub fn read(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {shown}"))?;
    if !output.status.success() {
        bail!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a command can be started and ends with 0.
pub fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Reads a text file; the error names it.
pub fn text(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A command as one would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_the_first_failing_step_and_names_it() {
        let mut runner = Runner::new(&[]).unwrap();
        runner.step("fmt", || Ok("fine".into())).unwrap();
        let error = runner.step("arch", || bail!("a rule is broken")).unwrap_err();
        assert!(error.to_string().contains("--only arch"), "{error}");
    }

    #[test]
    fn keep_going_runs_the_rest_and_fails_at_the_end() {
        let mut runner = Runner::new(&["--keep-going"]).unwrap();
        let mut later = false;
        runner.step("fmt", || bail!("no")).unwrap();
        runner
            .step("arch", || {
                later = true;
                Ok(String::new())
            })
            .unwrap();
        assert!(later);
        assert_eq!(runner.finish().unwrap_err().to_string(), "failed: fmt");
    }

    #[test]
    fn only_and_skip_choose_steps_and_refuse_unknown_names() {
        let mut runner = Runner::new(&["--only", "fmt"]).unwrap();
        runner.step("arch", || bail!("must not run")).unwrap();
        assert!(runner.wants("fmt") && !runner.wants("release"));
        let mut runner = Runner::new(&["--skip", "arch"]).unwrap();
        runner.step("arch", || bail!("must not run")).unwrap();
        assert!(runner.wants("release") && !runner.wants("arch"));
        assert!(Runner::new(&["--only", "nonsense"]).is_err());
        assert!(Runner::new(&["--loud"]).is_err());
    }

    #[test]
    fn a_failing_test_step_still_counts() {
        let mut runner = Runner::new(&["--keep-going"]).unwrap();
        let count = Count { passed: 3, failed: 1 };
        runner
            .counted("tests", || {
                Ok(Tested { count, note: String::new(), failure: Some("one failed".into()) })
            })
            .unwrap();
        assert_eq!(runner.count, Some(count));
        assert!(runner.finish().is_err());
    }
}
