//! A definition as the form shows it, and back. What the form does not show stays as it is.

use keybearer_app::providers::Discovered;
use serde_json::{Map, Value, json};

use super::super::form::Form;
use super::digest;

/// A longer definition is edited as text only: a form holds so many values.
const MOST_ROWS: usize = 80;

/// What the form shows: the first way to sign in, and what is around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plain {
    pub name: String,
    pub about: String,
    pub icon: String,
    /// `OAUTH`, `API_KEY`, `BEARER`, `BASIC`, `NO_AUTH`, or something that is none of them.
    pub way: String,
    pub title: String,
    pub authorize: String,
    pub exchange: String,
    pub person: String,
    pub revoke: String,
    pub proof: String,
    pub client: String,
    pub extras: String,
    pub scopes: Vec<ScopeRow>,
    pub header: String,
    pub before: String,
    pub base: String,
    pub calls: bool,
    pub hosts: String,
    pub inputs: Vec<InputRow>,
    pub https: String,
    pub matching: String,
    pub longest: String,
    pub steps: String,
    pub console: String,
}

/// A scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ScopeRow {
    pub scope: String,
    pub says: String,
    pub must: bool,
}

/// What a user fills in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InputRow {
    /// Its name before this form.
    pub was: String,
    pub name: String,
    pub label: String,
    pub hint: String,
    pub hide: bool,
    pub need: bool,
}

impl Plain {
    /// A connector that nothing is known of.
    pub fn new(name: &str) -> Self {
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            name: name.chars().take(200).collect(),
            way: "OAUTH".to_owned(),
            calls: true,
            ..Self::default()
        }
    }

    /// What was posted.
    pub fn read(form: &Form) -> Self {
        let text = |name: &str| form.text(name).trim().to_owned();
        let at = |name: &str, index: usize| text(&format!("{name}-{index}"));
        let ticked = |name: &str, index: usize| form.has(&format!("{name}-{index}"));
        let rows =
            |name: &'static str| (0..200).take_while(move |index| form.has(&format!("{name}-{index}")));
        let scopes = rows("scope")
            .map(|i| ScopeRow { scope: at("scope", i), says: at("says", i), must: ticked("must", i) })
            .filter(|row| !row.scope.is_empty() || !row.says.is_empty());
        let inputs = rows("field")
            .map(|i| InputRow {
                was: at("was", i),
                name: at("field", i),
                label: at("label", i),
                hint: at("hint", i),
                hide: ticked("hide", i),
                need: ticked("need", i),
            })
            .filter(|row| !row.name.is_empty() || !row.label.is_empty());
        Self {
            name: text("name"),
            about: text("about"),
            icon: text("icon"),
            way: text("way"),
            title: text("title"),
            authorize: text("authorize"),
            exchange: text("exchange"),
            person: text("person"),
            revoke: text("revoke"),
            proof: text("proof"),
            client: text("client"),
            extras: lines(&form.text("extras")).join("\n"),
            scopes: scopes.collect(),
            header: text("header"),
            // white space counts: `Token ` stands before a token
            before: form.text("before").trim_start().to_owned(),
            base: text("base"),
            calls: form.has("calls"),
            hosts: lines(&form.text("hosts")).join("\n"),
            inputs: inputs.collect(),
            https: text("https"),
            matching: text("matching"),
            longest: text("longest"),
            steps: lines(&form.text("steps")).join("\n"),
            console: text("console"),
        }
    }

    /// What a definition says.
    pub fn of(definition: &Value) -> Self {
        let pattern = definition.pointer("/auth_patterns/0").cloned().unwrap_or_default();
        let oauth = pattern.get("oauth_config").cloned().unwrap_or_default();
        let rules = pattern.get("redirect_rules").cloned().unwrap_or_default();
        let params = oauth.get("authorize_params").and_then(Value::as_object);
        let param =
            |(name, value): (&String, &Value)| format!("{name}={}", value.as_str().unwrap_or_default());
        let mutations = pattern.get("auth_field_mutations").and_then(Value::as_object);
        let before = mutations.and_then(|all| all.values().next()).map(|first| raw(first, "prefix"));
        Self {
            name: word(definition, "display_name"),
            about: word(definition, "description"),
            icon: word(definition, "icon_src"),
            way: word(&pattern, "type").to_ascii_uppercase(),
            title: word(&pattern, "display_name"),
            authorize: word(&oauth, "authorize_uri"),
            exchange: word(&oauth, "token_uri"),
            person: word(&oauth, "user_info_uri"),
            revoke: word(&oauth, "revocation_uri"),
            proof: oauth
                .get("pkce_enabled")
                .and_then(Value::as_bool)
                .map(|on| on.to_string())
                .unwrap_or_default(),
            client: word(&oauth, "client_authentication"),
            extras: params
                .map(|all| all.iter().map(param).collect::<Vec<_>>().join("\n"))
                .unwrap_or_default(),
            scopes: list(&oauth, "available_scopes").iter().map(ScopeRow::of).collect(),
            header: word(&pattern, "auth_header_key_override"),
            before: before.unwrap_or_default(),
            base: word(definition, "proxy_url"),
            calls: definition.get("proxy_enabled") == Some(&Value::Bool(true)),
            hosts: texts(&pattern, "allowed_proxy_domains").join("\n"),
            inputs: entries(&pattern).iter().map(InputRow::of).collect(),
            https: word(&rules, "https"),
            matching: word(&rules, "match"),
            longest: rules.get("max_len").filter(|value| !value.is_null()).map(shown).unwrap_or_default(),
            steps: texts(&pattern, "setup_steps").join("\n"),
            console: word(&pattern, "setup_url"),
        }
    }

    /// The definition with what the form says.
    pub fn write(&self, base: &Value) -> Value {
        let mut top = base.as_object().cloned().unwrap_or_default();
        top.insert("display_name".to_owned(), json!(self.name));
        put(&mut top, "description", json!(self.about));
        top.insert("proxy_url".to_owned(), json!(self.base));
        top.insert("proxy_enabled".to_owned(), json!(self.calls));
        let mut patterns = list(base, "auth_patterns");
        let first = patterns.first().and_then(Value::as_object).cloned().unwrap_or_default();
        let pattern = self.pattern(first);
        match patterns.first_mut() {
            Some(first) => *first = pattern,
            None => patterns.push(pattern),
        }
        top.insert("auth_patterns".to_owned(), Value::Array(patterns));
        put(&mut top, "icon_src", json!(self.icon));
        Value::Object(top)
    }

    fn pattern(&self, mut pattern: Map<String, Value>) -> Value {
        let given = entries(&Value::Object(pattern.clone()));
        let is_oauth = self.way == "OAUTH";
        pattern.insert("type".to_owned(), json!(self.way));
        put(&mut pattern, "display_name", json!(self.title));
        if is_oauth {
            let oauth = pattern.get("oauth_config").and_then(Value::as_object).cloned();
            pattern.insert("oauth_config".to_owned(), self.oauth(oauth.unwrap_or_default()));
        } else {
            pattern.shift_remove("oauth_config");
        }
        put(&mut pattern, "auth_header_key_override", json!(self.header));
        self.put_before(&mut pattern);
        let inputs: Vec<Value> = self.inputs.iter().map(|row| row.write(&given)).collect();
        let (own, other) = if is_oauth { ("account_fields", "fields") } else { ("fields", "account_fields") };
        pattern.shift_remove(other);
        put(&mut pattern, own, Value::Array(inputs));
        put(&mut pattern, "allowed_proxy_domains", json!(lines(&self.hosts)));
        put(&mut pattern, "setup_steps", json!(lines(&self.steps)));
        put(&mut pattern, "setup_url", json!(self.console));
        let mut rules = pattern.get("redirect_rules").and_then(Value::as_object).cloned().unwrap_or_default();
        put(&mut rules, "https", json!(self.https));
        put(&mut rules, "match", json!(self.matching));
        let longest =
            self.longest.parse::<u64>().map_or_else(|_| json!(self.longest), |number| json!(number));
        put(&mut rules, "max_len", longest);
        put(&mut pattern, "redirect_rules", Value::Object(rules));
        Value::Object(pattern)
    }

    fn oauth(&self, mut oauth: Map<String, Value>) -> Value {
        put(&mut oauth, "authorize_uri", json!(self.authorize));
        put(&mut oauth, "token_uri", json!(self.exchange));
        put(&mut oauth, "user_info_uri", json!(self.person));
        put(&mut oauth, "revocation_uri", json!(self.revoke));
        match self.proof.parse::<bool>() {
            Ok(on) => drop(oauth.insert("pkce_enabled".to_owned(), json!(on))),
            Err(_) => drop(oauth.shift_remove("pkce_enabled")),
        }
        put(&mut oauth, "client_authentication", json!(self.client));
        let pairs = lines(&self.extras).into_iter().map(|line| {
            let (name, value) = line.split_once('=').unwrap_or((&line, ""));
            (name.trim().to_owned(), json!(value.trim()))
        });
        put(&mut oauth, "authorize_params", Value::Object(pairs.collect()));
        let given = list(&Value::Object(oauth.clone()), "available_scopes");
        let scopes: Vec<Value> = self.scopes.iter().map(|row| row.write(&given)).collect();
        put(&mut oauth, "available_scopes", Value::Array(scopes));
        Value::Object(oauth)
    }

    /// What stands before the credential is kept under the name of the value that is sent.
    fn put_before(&self, pattern: &mut Map<String, Value>) {
        let mut all =
            pattern.get("auth_field_mutations").and_then(Value::as_object).cloned().unwrap_or_default();
        let hidden = self.inputs.iter().find(|row| row.hide).map(|row| row.name.clone());
        let usual = match self.way.as_str() {
            "OAUTH" => "access_token".to_owned(),
            "BEARER" => hidden.unwrap_or_else(|| "token".to_owned()),
            _ => hidden.unwrap_or_else(|| "api_key".to_owned()),
        };
        let name = all.keys().next().cloned().unwrap_or(usual);
        let mut one = all.get(&name).and_then(Value::as_object).cloned().unwrap_or_default();
        put(&mut one, "prefix", json!(self.before));
        put(&mut all, &name, Value::Object(one));
        put(pattern, "auth_field_mutations", Value::Object(all));
    }

    /// With what a server says about itself. Words that were given to a scope stay.
    pub fn take(&mut self, found: &Discovered) {
        let set = |place: &mut String, found: &Option<String>| {
            if let Some(found) = found {
                place.clone_from(found);
            }
        };
        self.way = "OAUTH".to_owned();
        set(&mut self.authorize, &found.authorize);
        set(&mut self.exchange, &found.exchange);
        set(&mut self.person, &found.person);
        set(&mut self.revoke, &found.revoke);
        if found.basic_only {
            self.client = "client_secret_basic".to_owned();
        }
        for scope in &found.scopes {
            if !self.scopes.iter().any(|row| row.scope == *scope) {
                self.scopes.push(ScopeRow { scope: scope.clone(), ..ScopeRow::default() });
            }
        }
    }

    /// What tells it from another one.
    pub fn digest(&self) -> String {
        digest(&format!("{self:?}"))
    }

    /// Whether a form can hold it.
    pub fn fits(&self) -> bool {
        self.scopes.len() <= MOST_ROWS && self.inputs.len() <= MOST_ROWS / 2
    }
}

impl ScopeRow {
    fn of(entry: &Value) -> Self {
        let says = word(entry, "display_name");
        Self {
            scope: word(entry, "scope"),
            says: if says.is_empty() { word(entry, "description") } else { says },
            must: entry.get("required") == Some(&Value::Bool(true)),
        }
    }

    fn write(&self, given: &[Value]) -> Value {
        let known = given.iter().find(|entry| word(entry, "scope") == self.scope);
        let mut entry = known.and_then(Value::as_object).cloned().unwrap_or_default();
        entry.insert("scope".to_owned(), json!(self.scope));
        if known.is_none_or(|known| Self::of(known).says != self.says) {
            put(&mut entry, "display_name", json!(self.says));
        }
        match self.must {
            true => drop(entry.insert("required".to_owned(), json!(true))),
            false => drop(entry.shift_remove("required")),
        }
        Value::Object(entry)
    }
}

impl InputRow {
    fn of(entry: &Value) -> Self {
        let kind = word(entry, "input_type");
        Self {
            was: word(entry, "field_name"),
            name: word(entry, "field_name"),
            label: word(entry, "label"),
            hint: word(entry, "hint"),
            hide: kind.eq_ignore_ascii_case("password"),
            need: entry.get("required").and_then(Value::as_bool).unwrap_or(true),
        }
    }

    fn write(&self, given: &[Value]) -> Value {
        let old = if self.was.is_empty() { &self.name } else { &self.was };
        let known = given.iter().find(|entry| word(entry, "field_name") == *old);
        let mut entry = known.and_then(Value::as_object).cloned().unwrap_or_default();
        entry.insert("field_name".to_owned(), json!(self.name));
        put(&mut entry, "label", json!(self.label));
        put(&mut entry, "hint", json!(self.hint));
        if known.is_none_or(|known| Self::of(known).hide != self.hide) {
            entry.insert("input_type".to_owned(), json!(if self.hide { "password" } else { "text" }));
        }
        entry.insert("required".to_owned(), json!(self.need));
        Value::Object(entry)
    }
}

/// What is left of the lines of a text.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    let empty = match &value {
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    };
    match empty {
        true => drop(map.shift_remove(key)),
        false => drop(map.insert(key.to_owned(), value)),
    }
}

fn raw(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn word(value: &Value, key: &str) -> String {
    raw(value, key).trim().to_owned()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    let texts = list(value, key);
    let texts = texts.iter().filter_map(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    texts.map(|text| text.replace(['\n', '\r'], " ")).collect()
}

/// The values that users give, wherever the pattern has them.
fn entries(pattern: &Value) -> Vec<Value> {
    [list(pattern, "fields"), list(pattern, "account_fields")].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Value {
        json!({
            "display_name": "My CRM", "proxy_url": "https://crm.example/api", "proxy_enabled": true, "ours": 1,
            "auth_patterns": [{
                "type": "OAUTH", "x": {"y": 1},
                "oauth_config": {"authorize_uri": "https://crm.example/a", "token_uri": "https://crm.example/t",
                    "custom_scope_name": "perm", "available_scopes": [
                        {"scope": "read", "display_name": "Read", "description": "for developers", "required": true},
                        {"scope": "write", "description": "Write", "z": 2}]},
                "account_fields": [{"field_name": "site", "label": "Site", "options": [{"value": "eu"}], "required": true}],
                "auth_field_mutations": {"access_token": {"prefix": "T ", "suffix": "!"}},
            }, {"type": "BEARER"}],
        })
    }

    #[test]
    fn a_form_that_changes_nothing_changes_nothing() {
        let before = definition();
        assert_eq!(Plain::of(&before).write(&before), before);
    }

    #[test]
    fn what_the_form_does_not_show_stays() {
        let before = definition();
        let mut plain = Plain::of(&before);
        plain.name = "Other".to_owned();
        plain.inputs[0].name = "region".to_owned();
        plain.scopes.remove(0);
        let after = plain.write(&before);
        assert_eq!(after["display_name"], "Other");
        assert_eq!(after["ours"], 1);
        assert_eq!(after["auth_patterns"][1], before["auth_patterns"][1]);
        let pattern = &after["auth_patterns"][0];
        assert_eq!(pattern["x"]["y"], 1);
        assert_eq!(pattern["oauth_config"]["custom_scope_name"], "perm");
        assert_eq!(
            pattern["oauth_config"]["available_scopes"],
            json!([{"scope": "write", "description": "Write", "z": 2}])
        );
        assert_eq!(pattern["account_fields"][0]["options"][0]["value"], "eu");
        assert_eq!(pattern["account_fields"][0]["field_name"], "region");
        assert_eq!(
            Plain::of(&after).digest(),
            Plain { inputs: vec![InputRow { was: "region".to_owned(), ..plain.inputs[0].clone() }], ..plain }
                .digest()
        );
    }

    #[test]
    fn a_name_that_was_searched_for_is_one_that_can_be_given() {
        assert_eq!(Plain::new("<b>my-crm.io</b>").name, "b my crm io b");
    }
}
