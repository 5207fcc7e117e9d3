#![doc = include_str!("../README.md")]

mod arch;
mod background;
mod browser;
mod cargo;
mod deny;
mod measure;
mod run;
mod setup;
mod tests_step;

use anyhow::{Result, bail};
use run::{Runner, say};

const USAGE: &str = "cargo xtask test [--keep-going] [--only STEP]... [--skip STEP]...
cargo xtask lint | arch | deny | size | bench [accounts] | openapi | peers install
cargo xtask ui-gates [--pictures]: every gate of the pages, 100,000 accounts included; with pictures of each into target/browser, those of the docs into docs";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Err(error) = dispatch(&words) {
        say(&format!("xtask: {error:#}"));
        std::process::exit(1);
    }
}

fn dispatch(words: &[&str]) -> Result<()> {
    std::env::set_current_dir(cargo::root()?)?;
    match words {
        ["test", options @ ..] => steps(options),
        ["lint"] => {
            steps(&["--only", "fmt", "--only", "arch", "--only", "deny", "--only", "clippy", "--only", "doc"])
        }
        ["arch"] => steps(&["--only", "arch"]),
        ["deny"] => steps(&["--only", "deny"]),
        ["size"] => steps(&["--only", "release", "--only", "start"]),
        ["bench"] => measure::bench(),
        ["bench", "accounts"] => {
            say(&browser::accounts()?);
            Ok(())
        }
        ["ui-gates"] => {
            steps(&["--only", "release", "--only", "gates"])?;
            run::say(&browser::accounts()?);
            Ok(())
        }
        ["ui-gates", "--pictures"] => browser::pictures(),
        ["openapi"] => cargo::generate(),
        ["peers", "install"] => {
            say(&setup::peers()?);
            Ok(())
        }
        _ => bail!("usage:\n{USAGE}"),
    }
}

fn steps(options: &[&str]) -> Result<()> {
    let mut runner = Runner::new(options)?;
    runner.step("setup", setup::everything)?;
    runner.step("fmt", cargo::fmt)?;
    runner.step("arch", arch::check)?;
    runner.step("deny", deny::check)?;
    // Its last compiler runs long and alone, and shares no lock with the steps until it is needed.
    let building = runner.wants("release").then(measure::build);
    runner.step("clippy", cargo::clippy)?;
    runner.step("doc", cargo::doc)?;
    runner.counted("tests", tests_step::nextest)?;
    runner.step("doctests", tests_step::doctests)?;
    runner.step("peers", tests_step::peers)?;
    runner.step("release", || measure::release(building.unwrap_or_else(measure::build)))?;
    runner.step("lint", cargo::connector_lint)?;
    runner.step("start", measure::start)?;
    runner.step("demo", measure::demo)?;
    runner.counted("browser", browser::run)?;
    runner.step("gates", || browser::gates(&[]))?;
    runner.finish()
}
