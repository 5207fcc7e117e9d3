//! The scope picker: what is offered, what is chosen, and what a person types or pastes.

use keybearer_app::connections::ScopeSettings;
use keybearer_app::connectors::engine::{RefreshKind, refresh_policy};
use keybearer_app::connectors::schema::{AuthMethod, Scope};
use keybearer_app::connectors::scopes as grammar;
use url::Url;

use super::form::Form;

/// One scope that can be ticked.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub id: String,
    pub name: String,
    pub says: String,
    pub chosen: bool,
    /// Why it cannot be left out; empty when it can.
    pub required: &'static str,
    pub sensitive: bool,
    pub needs_review: bool,
    pub custom: bool,
    /// A chosen wider scope that includes this one.
    pub included_in: String,
    /// Every scope that includes this one, for the script.
    pub wider: String,
}

impl Choice {
    /// Ticked, and not to be changed: something else brings it.
    pub fn fixed(&self) -> bool {
        !self.required.is_empty() || !self.included_in.is_empty()
    }
}

/// Scopes under one heading.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub heading: String,
    pub choices: Vec<Choice>,
}

/// Whether access goes on after the user leaves, as a line of its own.
#[derive(Clone, Debug)]
pub(super) struct Offline {
    /// What is asked for; empty where nothing has to be.
    pub scope: String,
    pub on: bool,
    pub says: String,
}

/// A ready choice.
#[derive(Clone, Debug)]
pub(super) struct Preset {
    pub word: &'static str,
    pub label: &'static str,
    /// The scopes it ticks, joined by spaces.
    pub scopes: String,
}

/// The whole picker.
#[derive(Clone, Debug)]
pub(super) struct Picker {
    pub groups: Vec<Group>,
    pub chosen: usize,
    pub offered: usize,
    pub presets: Vec<Preset>,
    pub offline: Offline,
    /// Everything that is asked for, as it would be pasted.
    pub all: String,
    pub selectable: bool,
    pub custom: String,
    pub error: Option<String>,
}

impl Picker {
    /// The picker of a method; `None` where nothing can be asked for.
    pub fn new(method: &AuthMethod, settings: &ScopeSettings, provider: &str) -> Option<Self> {
        if !method.has_redirect() && method.scopes.is_empty() && settings.asked().is_empty() {
            return None;
        }
        let asked = settings.asked();
        let mut groups: Vec<Group> = Vec::new();
        let listed = method.scopes.iter().enumerate().filter(|(_, scope)| !is_offline(scope));
        for (number, scope) in listed {
            let heading = scope.group.clone().unwrap_or_default();
            let choice = known(number, scope, &asked, settings);
            match groups.iter_mut().find(|group| group.heading == heading) {
                Some(group) => group.choices.push(choice),
                None => groups.push(Group { heading, choices: vec![choice] }),
            }
        }
        let unlisted: Vec<&String> =
            asked.iter().filter(|name| !method.scopes.iter().any(|scope| scope.name == **name)).collect();
        if !unlisted.is_empty() {
            let choices = unlisted.iter().enumerate().map(|(number, name)| custom(number, name, settings));
            groups.push(Group { heading: "Custom".to_owned(), choices: choices.collect() });
        }
        let all = || groups.iter().flat_map(|group| &group.choices);
        Some(Self {
            chosen: all().filter(|choice| choice.chosen || choice.fixed()).count(),
            offered: all().count(),
            presets: presets(method, &asked),
            offline: offline(method, &asked, provider),
            all: grammar::join(method, &asked),
            selectable: settings.selectable,
            custom: String::new(),
            error: None,
            groups,
        })
    }
}

fn is_offline(scope: &Scope) -> bool {
    scope.grants_refresh_token
}

fn offline(method: &AuthMethod, asked: &[String], provider: &str) -> Offline {
    let granting = method.scopes.iter().filter(|scope| is_offline(scope));
    let chosen = granting.clone().find(|scope| asked.contains(&scope.name));
    if let Some(scope) = chosen.or_else(|| granting.clone().next()) {
        let says = format!(
            "Asks {provider} for `{}`. Without it there is no refresh token: access ends with the first access token, and everybody signs in again.",
            scope.name
        );
        return Offline { scope: scope.name.clone(), on: chosen.is_some(), says };
    }
    let says = match refresh_policy(method).kind {
        RefreshKind::RefreshToken if lives_forever(method) => "tokens do not end: nothing to ask for.",
        RefreshKind::RefreshToken => "gives a refresh token without being asked for a scope.",
        RefreshKind::AccessToken => "renews the access token with itself: nothing to ask for.",
        RefreshKind::App | RefreshKind::Mint => "new tokens need nobody: nothing to ask for.",
        RefreshKind::None => "has no refresh: nothing to ask for.",
    };
    Offline { scope: String::new(), on: true, says: format!("{provider}: {says}") }
}

fn lives_forever(method: &AuthMethod) -> bool {
    method.lifetimes.as_ref().is_none_or(|lifetimes| lifetimes.access_token_s.is_none())
        && method.refresh_url.is_none()
}

/// What the test and the built-in tools need, and what only reads. Never everything.
fn presets(method: &AuthMethod, asked: &[String]) -> Vec<Preset> {
    let offline: Vec<&Scope> =
        method.scopes.iter().filter(|scope| is_offline(scope) && asked.contains(&scope.name)).collect();
    let preset = |word, label, fits: &dyn Fn(&Scope) -> bool| {
        let fitting: Vec<&Scope> = method
            .scopes
            .iter()
            .filter(|scope| !is_offline(scope) && (scope.required || fits(scope)))
            .collect();
        let names = fitting.iter().chain(&offline).map(|scope| scope.name.as_str());
        let scopes = names.collect::<Vec<_>>().join(" ");
        (!fitting.is_empty()).then_some(Preset { word, label, scopes })
    };
    let needed = preset("preset-needed", "What the test needs", &|scope| scope.needed_for_test);
    let reads = preset("preset-read", "Read only", &only_reads);
    [needed, reads].into_iter().flatten().collect()
}

fn only_reads(scope: &Scope) -> bool {
    let name = scope.name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    !scope.sensitive
        && has(&["read", "view"])
        && !has(&["write", "manage", "delete", "admin", "full", "readwrite"])
}

fn known(number: usize, scope: &Scope, asked: &[String], settings: &ScopeSettings) -> Choice {
    let chosen = asked.contains(&scope.name);
    let wider = scope.implied_by.iter().find(|wider| asked.contains(wider));
    Choice {
        id: format!("s-{number}"),
        name: scope.name.clone(),
        says: scope.says.clone().or_else(|| scope.plain.clone()).unwrap_or_default(),
        chosen,
        required: match scope.required || settings.required.contains(&scope.name) {
            true if scope.needed_for_test => "Required: the test needs it",
            true => "Required",
            false => "",
        },
        sensitive: scope.sensitive,
        needs_review: scope.needs_review,
        custom: false,
        included_in: wider.filter(|_| !chosen).cloned().unwrap_or_default(),
        wider: scope.implied_by.join(" "),
    }
}

fn custom(number: usize, name: &str, settings: &ScopeSettings) -> Choice {
    let required = settings.required.iter().any(|required| required == name);
    Choice {
        id: format!("c-{number}"),
        name: name.to_owned(),
        says: "Not in our list; it is sent as it is.".to_owned(),
        chosen: true,
        required: if required { "Required" } else { "" },
        sensitive: false,
        needs_review: false,
        custom: true,
        included_in: String::new(),
        wider: String::new(),
    }
}

/// The settings with the scopes of a preset; `None` for a word that is none.
pub(super) fn preset(method: &AuthMethod, present: &ScopeSettings, word: &str) -> Option<ScopeSettings> {
    let found = presets(method, &present.asked()).into_iter().find(|preset| preset.word == word)?;
    let scopes = found.scopes.split(' ').map(str::to_owned).collect();
    Some(ScopeSettings { scopes, ..present.clone() })
}

/// The settings that a form asks for, on top of the present ones.
pub(super) fn wanted(method: &AuthMethod, present: &ScopeSettings, form: &Form) -> ScopeSettings {
    let mut scopes: Vec<String> = form.all("scope");
    for name in typed(method, &form.text("custom_scopes")) {
        if !scopes.contains(&name) {
            scopes.push(name);
        }
    }
    ScopeSettings { scopes, selectable: form.has("selectable"), ..present.clone() }
}

/// Scopes as people type and paste them: with spaces, commas or line breaks, or a whole authorization address.
fn typed(method: &AuthMethod, text: &str) -> Vec<String> {
    if let Ok(url) = Url::parse(text.trim())
        && let Some((_, scope)) = url.query_pairs().find(|(name, _)| name == "scope")
    {
        return grammar::split(method, &scope);
    }
    let parts = text.split(|c: char| c.is_whitespace() || c == ',').filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_app::connectors::Catalog;

    #[test]
    fn a_pasted_list_or_address_is_taken_apart() {
        let catalog = Catalog::embedded();
        let connector = catalog.get("postcards").unwrap();
        let method = connector.recommended().unwrap();
        assert_eq!(typed(method, " a:b, c\n d "), ["a:b", "c", "d"]);
        let pasted = "https://p.example/authorize?client_id=x&scope=read%20write&state=1";
        assert_eq!(typed(method, pasted), ["read", "write"]);
        assert!(typed(method, "").is_empty());
    }

    #[test]
    fn what_is_asked_for_is_ticked_and_what_nobody_lists_is_kept() {
        let catalog = Catalog::embedded();
        let connector = catalog.get("postcards").unwrap();
        let settings = ScopeSettings {
            scopes: vec!["postcards.read".to_owned(), "own".to_owned()],
            required: vec!["profile.read".to_owned()],
            ..ScopeSettings::default()
        };
        let picker = Picker::new(connector.recommended().unwrap(), &settings, "Postcards").unwrap();
        let chosen: Vec<&str> = picker
            .groups
            .iter()
            .flat_map(|group| &group.choices)
            .filter(|choice| choice.chosen)
            .map(|choice| choice.name.as_str())
            .collect();
        assert_eq!(chosen, ["profile.read", "postcards.read", "own"]);
        assert_eq!((picker.chosen, picker.offered), (3, 5));
        assert_eq!(picker.all, "profile.read postcards.read own");
    }

    #[test]
    fn a_preset_is_never_wider_than_its_name() {
        let catalog = Catalog::embedded();
        let connector = catalog.get("postcards").unwrap();
        let method = connector.recommended().unwrap();
        let present = ScopeSettings::default();
        let of = |word: &str| preset(method, &present, word).map(|settings| settings.scopes);
        assert_eq!(of("preset-needed").unwrap(), ["profile.read"]);
        assert_eq!(of("preset-read").unwrap(), ["profile.read", "postcards.read"]);
        assert_eq!(of("preset-all"), None);
    }

    #[test]
    fn what_keeps_access_going_is_a_line_of_its_own() {
        let catalog = Catalog::embedded();
        let all = catalog.iter().flat_map(|connector| &connector.auth).filter(|method| method.has_redirect());
        for method in all {
            let Some(picker) = Picker::new(method, &ScopeSettings::default(), "It") else { continue };
            let offline = picker.groups.iter().flat_map(|group| &group.choices).any(|choice| {
                method.scopes.iter().any(|scope| scope.name == choice.name && scope.grants_refresh_token)
            });
            assert!(!offline && !picker.offline.says.is_empty());
        }
    }
}
