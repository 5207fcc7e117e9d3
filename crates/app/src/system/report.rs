use std::fmt::Write as _;

use super::{Report, State};
use crate::state::App;

impl Report {
    /// How many lines ask for something.
    pub fn problems(&self) -> usize {
        self.checks.iter().filter(|check| check.state != State::Good).count()
    }

    /// The report as text to send to somebody: every name of a host, a connection or a folder is blanked.
    pub fn text(&self, app: &App) -> String {
        let mut text = format!("Keybearer {} system check, {}\n", self.version, self.at.rfc3339());
        for check in &self.checks {
            let _ = write!(text, "{:<8} {:<16} {}", check.state.as_str(), check.topic, check.says);
            if !check.fix.is_empty() {
                let _ = write!(text, " -> {}", check.fix);
            }
            text.push('\n');
        }
        self.blanked(app, &text)
    }

    fn blanked(&self, app: &App, text: &str) -> String {
        let config = app.config();
        let mut names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        names.extend(config.public_url.host_str());
        let folder = config.spill_folder.as_ref().map(|folder| folder.display().to_string());
        names.extend(folder.as_deref());
        let root = app.root_key().id();
        names.push(&root);
        names.retain(|name| name.len() > 1);
        // the longest first: a short name may be part of a long one
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.dedup();
        let blank = |text: String, (number, name): (usize, &str)| {
            text.replace(name, &format!("[name {}]", number.saturating_add(1)))
        };
        names.into_iter().enumerate().fold(text.to_owned(), blank)
    }
}
