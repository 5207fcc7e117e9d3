//! Log lines: to standard error, JSON where it is not a terminal, ids instead of identifiers.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// What is logged when `KEYBEARER_LOG` does not say. The libraries below stay quiet: their detail may hold headers.
const DEFAULT: &str = "warn,keybearer_app=info,keybearer_server=info,keybearer_store=info";
/// Appended to every filter: these never log more than warnings, whatever is asked for.
const CAPS: [&str; 5] = ["hyper=warn", "h2=warn", "rustls=warn", "sqlx=warn", "tonic=warn"];

/// Starts logging for this process; `quiet` for commands whose own words are what people read.
pub fn init(quiet: bool) {
    let unsaid = if quiet { "error" } else { DEFAULT };
    let wanted = std::env::var("KEYBEARER_LOG").unwrap_or_else(|_| unsaid.to_owned());
    let mut filter = EnvFilter::try_new(&wanted).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    for cap in CAPS {
        if let Ok(directive) = cap.parse() {
            filter = filter.add_directive(directive);
        }
    }
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if std::io::stderr().is_terminal() {
        builder.compact().init();
    } else {
        builder.json().init();
    }
}
