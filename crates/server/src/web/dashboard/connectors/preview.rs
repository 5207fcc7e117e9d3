//! What a definition becomes: the set-up of a connection, and what a user sees.

use keybearer_app::connectors::Connector;
use keybearer_app::connectors::forms::{FormField, account_form, connection_form};
use keybearer_app::connectors::schema::{AuthMethod, HttpsRule, RedirectMatch, RedirectRules};
use url::Url;

use super::super::fields::{Input, web};

/// A sample of both pages.
pub(super) struct Preview {
    /// The name of the way, when there are several.
    pub way: Option<String>,
    /// What the developer fills in.
    pub developer: Vec<Input>,
    pub redirect: bool,
    pub rules: Vec<String>,
    pub steps: Vec<String>,
    pub console: String,
    pub app: String,
    pub provider: String,
    /// Where the user signs in, when consent is asked for.
    pub host: String,
    /// What the user allows.
    pub lines: Vec<String>,
    /// What the user fills in.
    pub user: Vec<Input>,
    /// What goes into a call.
    pub sent: Vec<String>,
}

/// One for each way to sign in.
pub(super) fn previews(connector: &Connector, app: &str) -> Vec<Preview> {
    let several = connector.auth.len() > 1;
    connector
        .auth
        .iter()
        .enumerate()
        .map(|(index, method)| one(connector, method, index, several, app))
        .collect()
}

fn one(connector: &Connector, method: &AuthMethod, index: usize, several: bool, app: &str) -> Preview {
    let inputs = |fields: Vec<FormField>, place: &str| -> Vec<Input> {
        let input = |field: &FormField| {
            let input = Input::new(field);
            Input { id: format!("{place}{index}-{}", input.name), ..input }
        };
        fields.iter().map(input).collect()
    };
    let authorize = method.authorize_url.as_ref().map(|url| url.source().replace(['{', '}'], ""));
    let host =
        authorize.and_then(|url| Url::parse(&url).ok()).and_then(|url| url.host_str().map(str::to_owned));
    let asked = method.scopes.iter().filter(|scope| scope.required || scope.default);
    let setup = method.setup.as_ref();
    Preview {
        way: several.then(|| method.label.clone().unwrap_or_else(|| method.id.clone())),
        developer: inputs(connection_form(connector, method), "pd"),
        redirect: method.has_redirect(),
        rules: method.redirect_rules.as_ref().map(rules).unwrap_or_default(),
        steps: setup.map(|setup| setup.steps.clone()).unwrap_or_default(),
        console: setup
            .and_then(|setup| setup.console_url.as_ref())
            .and_then(|url| web(url.source()))
            .unwrap_or_default(),
        app: app.to_owned(),
        provider: connector.display_name.clone(),
        host: host.filter(|_| method.has_redirect()).unwrap_or_default(),
        lines: asked.map(|scope| scope.plain.clone().unwrap_or_else(|| scope.name.clone())).collect(),
        user: inputs(account_form(connector, method), "pu"),
        sent: sent(method),
    }
}

fn rules(rules: &RedirectRules) -> Vec<String> {
    let mut said = Vec::new();
    match rules.https {
        HttpsRule::Required => said.push("must be https".to_owned()),
        HttpsRule::LocalhostOk => said.push("must be https, but on this machine".to_owned()),
        HttpsRule::Any => {}
    }
    match rules.matching {
        RedirectMatch::Exact => said.push("is compared letter by letter".to_owned()),
        RedirectMatch::Subpath => said.push("may be longer than the registered one".to_owned()),
        RedirectMatch::AnyPort => said.push("may have any port".to_owned()),
    }
    if let Some(length) = rules.max_len {
        said.push(format!("has at most {length} characters"));
    }
    said
}

fn sent(method: &AuthMethod) -> Vec<String> {
    let shown = |text: &str| text.replace('{', "‹").replace('}', "›");
    let placed = &method.credential_placement;
    let mut sent: Vec<String> =
        placed.headers.iter().map(|(name, text)| format!("{name}: {}", shown(text.source()))).collect();
    if let Some(basic) = &placed.basic {
        let header = basic.header.as_deref().unwrap_or("Authorization");
        let halves = format!("{}:{}", basic.username.source(), basic.password.source());
        sent.push(format!("{header}: Basic base64({})", shown(&halves)));
    }
    sent
}
