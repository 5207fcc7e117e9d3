//! Every text of a method with where it is used: for lint, and for what a form has to cut off a pasted value.

use serde_json::Value;
use std::collections::BTreeMap;

use super::{AuthMethod, Connector, Params};
use crate::template::{Template, TemplateError, Text};

/// What a text becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UseKind {
    /// A complete address.
    Url,
    /// A path below the base address.
    Path,
    /// A header value.
    Header,
    /// A query value.
    Query,
    /// Anything that needs no encoding.
    Raw,
}

/// When a text is filled, which decides what it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before the redirect.
    Authorize,
    /// Token, refresh and further calls.
    Token,
    /// Calls of the API.
    Call,
    /// Anywhere: computed values and statements.
    Any,
    /// Pages for the developer.
    Setup,
}

/// A text and its use.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) key: String,
    pub(crate) kind: UseKind,
    pub(crate) stage: Stage,
    pub(crate) text: Result<Text, TemplateError>,
}

/// Every text of a method, with the `api` that counts for it.
pub(crate) fn uses(connector: &Connector, method: &AuthMethod) -> Vec<Use> {
    let mut walk = Walk(Vec::new());
    walk.endpoints(method);
    walk.token_call(method);
    walk.after(method);
    walk.computed(method);
    walk.placement(method);
    walk.api(connector, method);
    walk.setup(method);
    walk.0
}

struct Walk(Vec<Use>);

impl Walk {
    fn text(&mut self, key: impl Into<String>, kind: UseKind, stage: Stage, text: &Text) {
        self.0.push(Use { key: key.into(), kind, stage, text: Ok(text.clone()) });
    }

    fn option(&mut self, key: &str, kind: UseKind, stage: Stage, text: Option<&Text>) {
        if let Some(text) = text {
            self.text(key, kind, stage, text);
        }
    }

    fn map(&mut self, key: &str, kind: UseKind, stage: Stage, texts: &BTreeMap<String, Text>) {
        for (name, text) in texts {
            self.text(format!("{key}.{name}"), kind, stage, text);
        }
    }

    fn tree(&mut self, key: &str, stage: Stage, value: &Value) {
        match value {
            Value::String(source) => {
                self.0.push(Use {
                    key: key.to_owned(),
                    kind: UseKind::Raw,
                    stage,
                    text: Text::parse(source),
                });
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.tree(&format!("{key}[{index}]"), stage, item);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.tree(&format!("{key}.{name}"), stage, member);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn params(&mut self, key: &str, stage: Stage, params: &Params) {
        for (name, value) in params {
            self.tree(&format!("{key}.{name}"), stage, value);
        }
    }

    fn endpoints(&mut self, method: &AuthMethod) {
        let before = [
            ("authorize_url", &method.authorize_url),
            ("request_token_url", &method.request_token_url),
            ("install_url", &method.install_url),
            ("discovery", &method.discovery),
            ("registration_url", &method.registration_url),
            ("issuer", &method.issuer),
        ];
        let token = [
            ("token_url", &method.token_url),
            ("refresh_url", &method.refresh_url),
            ("introspect_url", &method.introspect_url),
            ("device_authorization_url", &method.device_authorization_url),
            ("installation_token_url", &method.installation_token_url),
        ];
        for (key, text) in before {
            self.option(key, UseKind::Url, Stage::Authorize, text.as_ref());
        }
        for (key, text) in token {
            self.option(key, UseKind::Url, Stage::Token, text.as_ref());
        }
        self.option("userinfo_url", UseKind::Url, Stage::Call, method.userinfo_url.as_ref());
        self.params("authorize_params", Stage::Authorize, &method.authorize_params);
        self.params("request_token_params", Stage::Authorize, &method.request_token_params);
        self.params("registration_params", Stage::Authorize, &method.registration_params);
        self.option("realm", UseKind::Raw, Stage::Any, method.realm.as_ref());
        self.option("service", UseKind::Raw, Stage::Any, method.service.as_ref());
    }

    fn token_call(&mut self, method: &AuthMethod) {
        self.params("token_params", Stage::Token, &method.token_params);
        self.params("token_query_params", Stage::Token, &method.token_query_params);
        self.params("refresh_params", Stage::Token, &method.refresh_params);
        self.map("token_headers", UseKind::Header, Stage::Token, &method.token_headers);
        self.map("refresh_headers", UseKind::Header, Stage::Token, &method.refresh_headers);
        for (index, step) in method.extra_steps.iter().enumerate() {
            let key = format!("extra_steps[{index}]");
            self.text(format!("{key}.url"), UseKind::Url, Stage::Token, &step.url);
            self.params(&format!("{key}.params"), Stage::Token, &step.params);
            self.map(&format!("{key}.headers"), UseKind::Header, Stage::Token, &step.headers);
        }
    }

    fn after(&mut self, method: &AuthMethod) {
        if let Some(revoke) = &method.revoke {
            self.text("revoke.url", UseKind::Url, Stage::Call, &revoke.url);
            self.map("revoke.headers", UseKind::Header, Stage::Call, &revoke.headers);
            if let Some(body) = &revoke.body {
                self.params("revoke.body", Stage::Call, body);
            }
        }
        self.post_connect(method);
        if let Some(identity) = &method.identity {
            self.option("identity.url", UseKind::Url, Stage::Call, identity.url.as_ref());
            self.option("identity.path", UseKind::Path, Stage::Call, identity.path.as_ref());
            self.map("identity.headers", UseKind::Header, Stage::Call, &identity.headers);
            if let Some(body) = &identity.body {
                self.tree("identity.body", Stage::Call, body);
            }
        }
    }

    fn post_connect(&mut self, method: &AuthMethod) {
        for (index, step) in method.post_connect.iter().enumerate() {
            let key = format!("post_connect[{index}]");
            self.option(&format!("{key}.url"), UseKind::Url, Stage::Call, step.url.as_ref());
            self.option(&format!("{key}.path"), UseKind::Path, Stage::Call, step.path.as_ref());
            self.map(&format!("{key}.headers"), UseKind::Header, Stage::Call, &step.headers);
            for (name, text) in
                [("jwt_claims", &step.jwt_claims), ("regex_on", &step.regex_on), ("only_if", &step.only_if)]
            {
                self.option(&format!("{key}.{name}"), UseKind::Raw, Stage::Call, text.as_ref());
            }
            if let Some(prefer) = &step.prefer_match {
                self.text(format!("{key}.prefer_match.equals"), UseKind::Raw, Stage::Call, &prefer.equals);
            }
            if let Some(body) = &step.body {
                self.tree(&format!("{key}.body"), Stage::Call, body);
            }
        }
    }

    fn computed(&mut self, method: &AuthMethod) {
        for (index, derive) in method.derive.iter().enumerate() {
            self.option(&format!("derive[{index}].input"), UseKind::Raw, Stage::Any, derive.input.as_ref());
            self.option(&format!("derive[{index}].key"), UseKind::Raw, Stage::Any, derive.key.as_ref());
        }
        if let Some(assertion) = &method.assertion {
            self.text("assertion.key", UseKind::Raw, Stage::Any, &assertion.key);
            self.map("assertion.header", UseKind::Raw, Stage::Any, &assertion.header);
            for (name, value) in &assertion.claims {
                self.tree(&format!("assertion.claims.{name}"), Stage::Any, value);
            }
        }
    }

    fn placement(&mut self, method: &AuthMethod) {
        let placement = &method.credential_placement;
        self.map("credential_placement.headers", UseKind::Header, Stage::Call, &placement.headers);
        self.map("credential_placement.query", UseKind::Query, Stage::Call, &placement.query);
        self.map("credential_placement.body", UseKind::Raw, Stage::Call, &placement.body);
        if let Some(basic) = &placement.basic {
            self.text("credential_placement.basic.username", UseKind::Raw, Stage::Call, &basic.username);
            self.text("credential_placement.basic.password", UseKind::Raw, Stage::Call, &basic.password);
        }
    }

    fn api(&mut self, connector: &Connector, method: &AuthMethod) {
        let api = connector.api_for(method);
        self.option("api.base_url", UseKind::Url, Stage::Call, api.base_url.as_ref());
        if let Some(headers) = &api.headers {
            self.map("api.headers", UseKind::Header, Stage::Call, headers);
        }
        if let Some(query) = &api.query {
            self.map("api.query", UseKind::Query, Stage::Call, query);
        }
        for (index, verify) in api.verify.iter().flatten().enumerate() {
            let key = format!("api.verify[{index}]");
            self.option(&format!("{key}.base_url"), UseKind::Url, Stage::Call, verify.base_url.as_ref());
            self.text(format!("{key}.path"), UseKind::Path, Stage::Call, &verify.path);
            self.map(&format!("{key}.headers"), UseKind::Header, Stage::Call, &verify.headers);
            if let Some(body) = &verify.body {
                self.tree(&format!("{key}.body"), Stage::Call, body);
            }
        }
    }

    fn setup(&mut self, method: &AuthMethod) {
        if let Some(setup) = &method.setup {
            self.option("setup.console_url", UseKind::Url, Stage::Setup, setup.console_url.as_ref());
            self.option("setup.prefill_url", UseKind::Url, Stage::Setup, setup.prefill_url.as_ref());
        }
        for (index, field) in method.fields.iter().enumerate() {
            let key = format!("fields[{index}].where_to_find_url");
            self.option(&key, UseKind::Url, Stage::Setup, field.where_to_find_url.as_ref());
        }
    }
}

/// Which placeholder stands where in the host of an address: the literal text of the host before and behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostUse {
    /// The whole address, or its beginning.
    Origin,
    /// The whole host.
    Host,
    /// A part of the host.
    Part {
        /// What stands before it.
        before: String,
        /// What stands behind it.
        after: String,
    },
}

/// How a placeholder is used in the host of an address; `None` when it is not.
pub(crate) fn host_use(template: &Template, name: &str) -> Option<HostUse> {
    use crate::template::Part;
    let parts = template.parts();
    if matches!(parts.first(), Some(Part::Placeholder(first)) if first == name) {
        return Some(HostUse::Origin);
    }
    let Some(Part::Literal(first)) = parts.first() else {
        return None;
    };
    let (_, host) = first.split_once("://")?;
    if host.contains(['/', '?', '#']) {
        return None;
    }
    let mut before = Some(host.to_owned());
    let mut found = None;
    for part in parts.iter().skip(1) {
        match part {
            Part::Placeholder(other) if other == name && found.is_none() => found = Some(String::new()),
            // another placeholder in the same host: what stands beside it cannot be told from text
            Part::Placeholder(_) => match &found {
                Some(_) => break,
                None => before = None,
            },
            Part::Literal(literal) => {
                let (here, ends) = match literal.find(['/', '?', '#']) {
                    Some(at) => (literal.get(..at).unwrap_or_default(), true),
                    None => (literal.as_str(), false),
                };
                match &mut found {
                    Some(after) => after.push_str(here),
                    None => before = before.map(|text| text + here),
                }
                if ends {
                    break;
                }
            }
        }
    }
    let after = found?;
    let before = before.unwrap_or_default();
    Some(if before.is_empty() && after.is_empty() { HostUse::Host } else { HostUse::Part { before, after } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_uses_are_told_apart() {
        let used = |source: &str, name: &str| host_use(&Template::parse(source).unwrap(), name);
        let part = |before: &str, after: &str| {
            Some(HostUse::Part { before: before.to_owned(), after: after.to_owned() })
        };
        assert_eq!(used("https://{a}.zendesk.com/x", "a"), part("", ".zendesk.com"));
        assert_eq!(used("https://api-{a}.x.com", "a"), part("api-", ".x.com"));
        assert_eq!(used("https://{a}/x", "a"), Some(HostUse::Host));
        assert_eq!(used("{a}/x", "a"), Some(HostUse::Origin));
        assert_eq!(used("https://x.com/{a}", "a"), None);
        assert_eq!(used("https://{b}.{a}.x.com", "a"), part("", ".x.com"));
        assert_eq!(used("https://{b}.{a}.x.com", "b"), part("", "."));
    }
}
