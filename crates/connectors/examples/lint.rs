//! Checks the connector definitions of a folder: `cargo run -p keybearer-connectors --example lint -- connectors`.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::path::PathBuf;
use std::process::ExitCode;

use keybearer_connectors::Catalog;

fn main() -> ExitCode {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("connectors"), PathBuf::from);
    let (catalog, errors) = Catalog::from_dir(&folder);
    for error in &errors {
        println!("error {error}");
    }
    println!("{} connectors loaded, {} not", catalog.len(), errors.len());
    if errors.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
