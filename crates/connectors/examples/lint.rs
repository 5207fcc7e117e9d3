//! Checks the connector definitions of a folder: `cargo run -p keybearer-connectors --example lint -- connectors`.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::path::PathBuf;
use std::process::ExitCode;

use keybearer_connectors::Catalog;
use keybearer_connectors::lint::Level;

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("connectors"), PathBuf::from);
    let (catalog, unreadable) = Catalog::from_dir(&folder);
    for error in &unreadable {
        println!("error {error}");
    }
    let findings = catalog.lint();
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    println!(
        "{} connectors, {} not readable, {errors} errors, {} warnings",
        catalog.len(),
        unreadable.len(),
        findings.len() - errors
    );
    if unreadable.is_empty() && errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
