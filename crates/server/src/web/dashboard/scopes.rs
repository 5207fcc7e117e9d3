//! The scope picker: what is offered, what is chosen, and what a person types or pastes.

use keybearer_app::connections::ScopeSettings;
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
    pub required: bool,
    pub sensitive: bool,
    pub needs_review: bool,
    pub offline: bool,
    pub custom: bool,
    /// A chosen wider scope that includes this one.
    pub included_in: String,
}

/// Scopes under one heading.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub heading: String,
    pub choices: Vec<Choice>,
}

/// The whole picker.
#[derive(Clone, Debug)]
pub(super) struct Picker {
    pub groups: Vec<Group>,
    pub chosen: usize,
    pub offered: usize,
    pub selectable: bool,
    pub custom: String,
    pub error: Option<String>,
}

impl Picker {
    /// The picker of a method; `None` where nothing can be asked for.
    pub fn new(method: &AuthMethod, settings: &ScopeSettings) -> Option<Self> {
        if !method.has_redirect() && method.scopes.is_empty() && settings.asked().is_empty() {
            return None;
        }
        let asked = settings.asked();
        let mut groups: Vec<Group> = Vec::new();
        for (number, scope) in method.scopes.iter().enumerate() {
            let heading = scope.group.clone().unwrap_or_default();
            let choice = known(number, scope, &asked, settings);
            match groups.iter_mut().find(|group| group.heading == heading) {
                Some(group) => group.choices.push(choice),
                None => groups.push(Group { heading, choices: vec![choice] }),
            }
        }
        let unlisted: Vec<&String> =
            asked.iter().filter(|name| !method.scopes.iter().any(|scope| scope.name == **name)).collect();
        let offered = method.scopes.len() + unlisted.len();
        if !unlisted.is_empty() {
            let choices = unlisted.iter().enumerate().map(|(number, name)| custom(number, name, settings));
            groups.push(Group { heading: "Custom".to_owned(), choices: choices.collect() });
        }
        Some(Self {
            groups,
            chosen: asked.len(),
            offered,
            selectable: settings.selectable,
            custom: String::new(),
            error: None,
        })
    }
}

fn known(number: usize, scope: &Scope, asked: &[String], settings: &ScopeSettings) -> Choice {
    let chosen = asked.contains(&scope.name);
    let wider = scope.implied_by.iter().find(|wider| asked.contains(wider));
    Choice {
        id: format!("s-{number}"),
        name: scope.name.clone(),
        says: scope.says.clone().or_else(|| scope.plain.clone()).unwrap_or_default(),
        chosen,
        required: scope.required || settings.required.contains(&scope.name),
        sensitive: scope.sensitive,
        needs_review: scope.needs_review,
        offline: scope.grants_refresh_token,
        custom: false,
        included_in: wider.filter(|_| !chosen).cloned().unwrap_or_default(),
    }
}

fn custom(number: usize, name: &str, settings: &ScopeSettings) -> Choice {
    Choice {
        id: format!("c-{number}"),
        name: name.to_owned(),
        says: "Not in our list; it is sent as it is.".to_owned(),
        chosen: true,
        required: settings.required.iter().any(|required| required == name),
        sensitive: false,
        needs_review: false,
        offline: false,
        custom: true,
        included_in: String::new(),
    }
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
        let picker = Picker::new(connector.recommended().unwrap(), &settings).unwrap();
        let chosen: Vec<&str> = picker
            .groups
            .iter()
            .flat_map(|group| &group.choices)
            .filter(|choice| choice.chosen)
            .map(|choice| choice.name.as_str())
            .collect();
        assert_eq!(chosen, ["profile.read", "postcards.read", "own"]);
        assert_eq!((picker.chosen, picker.offered), (3, 5));
    }
}
