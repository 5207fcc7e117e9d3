//! The program `keybearer`.

use std::process::ExitCode;

use clap::Parser as _;
use keybearer_server::cli::{self, Cli};
use keybearer_server::telemetry;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::init(!cli.is_server());
    cli::run(cli).await
}
