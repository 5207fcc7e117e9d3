//! What surrounds every page of the dashboard.

use keybearer_app::sessions::Session;
use keybearer_core::{EnvironmentKind, VerifyMode};

use super::environment::named;

use crate::web::assets;
pub(super) use crate::web::hosted::Tile;

/// Light, dark, or as the system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// Reads the cookie's or the form's value; everything else is the system's.
    pub fn parse(text: &str) -> Self {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The value of cookie, form and attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A part of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Connections,
    Accounts,
    Logs,
    Try,
    Keys,
    Webhooks,
    Connectors,
    Branding,
    Sandbox,
    System,
    Settings,
}

/// One link of the navigation.
pub(super) struct Place {
    pub href: &'static str,
    pub label: &'static str,
    pub icon: &'static str,
    pub here: bool,
}

/// A step of the way back: where, and what it is called.
pub(super) struct Crumb {
    pub href: String,
    pub label: String,
}

/// The page around its content.
pub(super) struct Frame {
    pub title: String,
    pub theme: Theme,
    pub style: String,
    pub script: String,
    /// The script of pages that ask for a passkey.
    pub passkeys: String,
    /// The script of the find box and the keys, on every page of somebody who is signed in.
    pub keys: String,
    pub font: String,
    pub icon: String,
    pub csrf: String,
    pub flash: Option<String>,
    pub places: Vec<Place>,
    pub crumbs: Vec<Crumb>,
    pub environment: String,
    pub environment_id: String,
    /// Where one can go; empty when there is one only.
    pub elsewhere: Vec<(String, String)>,
    pub production: bool,
    /// Whoever opens a link connects: nobody confirms the person.
    pub unverified: bool,
    pub member: String,
    pub role: &'static str,
    pub path: String,
    /// Loads the page again by itself after so many seconds.
    pub again_in: Option<u32>,
    /// A word about the command line that does the same.
    pub command: Option<String>,
    /// What the sandbox does that is not normal.
    pub ribbon: Option<String>,
}

impl Frame {
    /// The frame of a page for somebody who is not signed in.
    pub fn bare(title: &str, theme: Theme, csrf: String) -> Self {
        Self {
            title: title.to_owned(),
            theme,
            style: assets::address("dashboard.css"),
            script: assets::address("dashboard.js"),
            passkeys: assets::address("passkeys.js"),
            keys: assets::address("keys.js"),
            font: assets::address("next.woff2"),
            icon: assets::address("mark.svg"),
            csrf,
            flash: None,
            places: Vec::new(),
            crumbs: Vec::new(),
            environment: String::new(),
            environment_id: String::new(),
            elsewhere: Vec::new(),
            production: false,
            unverified: false,
            member: String::new(),
            role: "",
            path: String::new(),
            again_in: None,
            command: None,
            ribbon: None,
        }
    }

    /// The frame of a signed-in member's page.
    pub fn of(session: &Session, section: Section, bare: Self) -> Self {
        let production = session.environment.kind == EnvironmentKind::Production;
        let title = match production {
            true => format!("{} — {} — Keybearer", bare.title, session.environment.name),
            false => format!("{} — Keybearer", bare.title),
        };
        Self {
            title,
            places: places(section),
            environment: named(&session.environment),
            environment_id: session.environment.id.to_string(),
            elsewhere: elsewhere(session),
            production,
            unverified: session.environment.verify_mode == VerifyMode::None,
            member: session.member.name.clone(),
            role: session.member.role.as_str(),
            ..bare
        }
    }

    /// With a step of the way back.
    pub fn under(mut self, href: impl Into<String>, label: impl Into<String>) -> Self {
        self.crumbs.push(Crumb { href: href.into(), label: label.into() });
        self
    }

    /// With the command that does the same.
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }
}

fn elsewhere(session: &Session) -> Vec<(String, String)> {
    match session.environments.len() {
        0 | 1 => Vec::new(),
        _ => session.environments.iter().map(|one| (one.id.to_string(), named(one))).collect(),
    }
}

fn places(section: Section) -> Vec<Place> {
    let all = [
        (Section::Overview, "/", "Overview", "home"),
        (Section::Connections, "/connections", "Connections", "plug"),
        (Section::Accounts, "/accounts", "Accounts", "person"),
        (Section::Logs, "/logs", "Logs", "lines"),
        (Section::Try, "/try", "Try it", "play"),
        (Section::Keys, "/api-keys", "API keys", "key"),
        (Section::Webhooks, "/webhooks", "Webhooks", "bell"),
        (Section::Connectors, "/connectors", "Connectors", "block"),
        (Section::Branding, "/branding", "Hosted pages", "page"),
        (Section::Sandbox, "/sandbox", "Sandbox", "flask"),
        (Section::System, "/system", "System check", "pulse"),
        (Section::Settings, "/settings", "Settings", "gear"),
    ];
    let place = |(this, href, label, icon)| Place { href, label, icon, here: this == section };
    all.into_iter().map(place).collect()
}
