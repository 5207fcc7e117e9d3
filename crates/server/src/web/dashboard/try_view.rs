//! What Try it shows: the form, the answer, and the same call as code.

use askama::Template;
use http::{Method, StatusCode};
use keybearer_app::accounts::{self, Account, AccountQuery};
use keybearer_app::connectors::schema::Connector;
use keybearer_app::proxy::{Added, Facts};
use keybearer_app::{PageAsk, connections};
use keybearer_core::{AccountStatus, Result};
use serde_json::{Value, json};

use super::frame::{Frame, Section, Tile};
use super::guard::Visit;
use super::readable::Readable;
use super::try_it::{METHODS, reason};

/// What the form holds.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub method: Method,
    pub path: String,
    /// `json`, `form` or `text`.
    pub kind: String,
    pub body: String,
}

impl Default for Draft {
    fn default() -> Self {
        Self { method: Method::GET, path: String::new(), kind: "json".to_owned(), body: String::new() }
    }
}

impl Draft {
    /// The media type of the body.
    pub fn kind(&self) -> Option<&'static str> {
        KINDS.into_iter().find(|(name, ..)| *name == self.kind).map(|(_, kind, _)| kind)
    }
}

const KINDS: [(&str, &str, &str); 3] = [
    ("json", "application/json", "JSON"),
    ("form", "application/x-www-form-urlencoded", "Form"),
    ("text", "text/plain; charset=utf-8", "Text"),
];

/// What came of it.
pub(super) enum Outcome {
    /// Nothing was sent yet.
    None,
    /// It changes something in production: is that meant?
    Ask,
    /// The provider answered.
    Answered(Box<Answered>),
    /// We did not send it, or nobody answered.
    Refused { code: &'static str, status: u16, says: &'static str, why: String, help: Option<String> },
}

/// The provider's answer.
pub(super) struct Answered {
    pub status: StatusCode,
    pub provider_ms: u128,
    pub whole_ms: u128,
    pub headers: Vec<(String, String)>,
    pub body: Readable,
    pub facts: Facts,
}

/// D18.
#[derive(Template)]
#[template(path = "dashboard/try.html")]
pub(super) struct TryView {
    frame: Frame,
    query: String,
    accounts: Vec<Choice>,
    chosen: Option<Chosen>,
    methods: Vec<(&'static str, bool)>,
    kinds: Vec<(&'static str, &'static str, bool)>,
    path: String,
    body: String,
    ask: bool,
    answer: Option<AnswerView>,
    refused: Option<RefusedView>,
    codes: Vec<Code>,
    reference: String,
}

/// An account to choose.
struct Choice {
    id: String,
    label: String,
    chosen: bool,
}

/// The account that is chosen.
struct Chosen {
    id: String,
    user: String,
    connection: String,
    tile: Tile,
    base: String,
    examples: Vec<Example>,
    active: bool,
}

/// A call that changes nothing.
struct Example {
    path: String,
    href: String,
}

/// The provider's answer, drawn.
struct AnswerView {
    status: u16,
    reason: &'static str,
    ok: bool,
    provider_ms: u128,
    ours_ms: u128,
    host: String,
    renewed: bool,
    added: Vec<String>,
    headers: Vec<(String, String)>,
    body: Readable,
}

/// Why there is none.
struct RefusedView {
    code: &'static str,
    status: u16,
    says: &'static str,
    why: String,
    help: Option<String>,
}

/// The same call in a language.
struct Code {
    id: &'static str,
    label: &'static str,
    text: String,
}

/// The page.
///
/// # Errors
/// Those of the lists.
pub(super) async fn page(
    visit: &Visit,
    account: Option<Account>,
    (draft, outcome): (Draft, Outcome),
    query: &str,
) -> Result<TryView> {
    let listed = choices(visit, account.as_ref(), query).await?;
    let codes = match &account {
        Some(account) if !draft.path.is_empty() => codes(visit.app().issuer(), account, &draft),
        _ => Vec::new(),
    };
    let frame = visit.frame(Section::Try, "Try it");
    let command = match &account {
        Some(account) => format!(
            "keybearer call {} --user {} {} {}",
            account.connection,
            shell(&account.identifier),
            draft.method,
            shell(if draft.path.is_empty() { "/" } else { &draft.path })
        ),
        None => "keybearer call CONNECTION --user USER GET /path".to_owned(),
    };
    let chosen = match account {
        Some(account) => Some(chosen(visit, account).await),
        None => None,
    };
    let ask = matches!(outcome, Outcome::Ask);
    let (answer, refused) = drawn(outcome);
    Ok(TryView {
        frame: frame.command(command),
        query: query.to_owned(),
        accounts: listed,
        chosen,
        methods: METHODS.iter().map(|method| (name(method), *method == draft.method)).collect(),
        kinds: KINDS.into_iter().map(|(value, _, label)| (value, label, value == draft.kind)).collect(),
        path: draft.path,
        body: draft.body,
        ask,
        answer,
        refused,
        codes,
        reference: visit.caller().reference.to_string(),
    })
}

fn name(method: &Method) -> &'static str {
    METHODS
        .iter()
        .zip(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
        .find(|(known, _)| *known == method)
        .map_or("GET", |(_, name)| name)
}

async fn choices(visit: &Visit, chosen: Option<&Account>, query: &str) -> Result<Vec<Choice>> {
    let asked = AccountQuery {
        query: Some(query.trim().to_owned()).filter(|text| !text.is_empty()),
        status: Some(AccountStatus::Active),
        ..AccountQuery::default()
    };
    let listed = accounts::list(visit.app(), visit.caller(), &asked, &PageAsk::first(100)).await?;
    let here = |account: &Account| chosen.is_some_and(|chosen| chosen.id == account.id);
    let choice = |account: &Account| Choice {
        id: account.id.to_string(),
        label: match &account.identity_label {
            Some(label) => format!("{} on {} ({label})", account.identifier, account.connection),
            None => format!("{} on {}", account.identifier, account.connection),
        },
        chosen: here(account),
    };
    let mut all: Vec<Choice> = listed.items.iter().map(choice).collect();
    if let Some(chosen) = chosen.filter(|_| !listed.items.iter().any(here)) {
        all.insert(0, choice(chosen));
    }
    Ok(all)
}

async fn chosen(visit: &Visit, account: Account) -> Chosen {
    let connector =
        connections::connector(visit.app(), &visit.caller().environment, &account.connector).await.ok();
    let title = connector.as_ref().map_or_else(|| account.connector.clone(), |one| one.display_name.clone());
    Chosen {
        tile: Tile::new(&account.connector, &title),
        base: connector.as_ref().map(|one| text(&json!(one.api.base_url))).unwrap_or_default(),
        examples: connector.as_ref().map(|one| examples(one, &account)).unwrap_or_default(),
        active: account.status == AccountStatus::Active,
        id: account.id.to_string(),
        user: account.identifier,
        connection: account.connection,
    }
}

/// Calls that only read, which the definition itself makes: those that prove a credential, and the one that tells
/// whose it is.
fn examples(connector: &Connector, account: &Account) -> Vec<Example> {
    let proofs = connector.api.verify.iter().flatten();
    let proofs = proofs.filter(|verify| verify.method == "GET" && verify.base_url.is_none());
    let mut paths: Vec<String> = proofs.map(|verify| text(&json!(verify.path))).collect();
    let own = connector.auth.iter().filter_map(|method| method.identity.as_ref());
    let own = own.filter(|identity| identity.method.as_deref().is_none_or(|method| method == "GET"));
    paths.extend(own.filter_map(|identity| identity.path.as_ref()).map(|path| text(&json!(path))));
    paths.retain(|path| path.starts_with('/') && !path.contains('{'));
    paths.dedup();
    let href = |path: &str| {
        let pairs = [("account", account.id.as_str()), ("path", path)];
        format!("/try?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
    };
    paths.into_iter().take(6).map(|path| Example { href: href(&path), path }).collect()
}

/// A text of a definition: one, or the first of several.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

fn drawn(outcome: Outcome) -> (Option<AnswerView>, Option<RefusedView>) {
    match outcome {
        Outcome::None | Outcome::Ask => (None, None),
        Outcome::Refused { code, status, says, why, help } => {
            (None, Some(RefusedView { code, status, says, why, help }))
        }
        Outcome::Answered(answered) => {
            let Answered { status, provider_ms, whole_ms, headers, body, facts } = *answered;
            let added = facts.added.iter().map(|added| match added {
                Added::Header(name) => format!("header {name}"),
                Added::Parameter(name) => format!("parameter {name}"),
                Added::Body => "a part of the body, or its signature".to_owned(),
            });
            let view = AnswerView {
                status: status.as_u16(),
                reason: reason(status),
                ok: status.is_success(),
                ours_ms: whole_ms.saturating_sub(provider_ms),
                provider_ms,
                added: added.collect(),
                renewed: facts.renewed,
                host: facts.host,
                headers,
                body,
            };
            (Some(view), None)
        }
    }
}

/// The same call in three languages. The token comes from the environment of whoever runs it.
fn codes(issuer: &str, account: &Account, draft: &Draft) -> Vec<Code> {
    let url = format!("{issuer}/proxy{}", draft.path);
    let (user, connection) = (&account.identifier, &account.connection);
    let kind = draft.kind().filter(|_| !draft.body.is_empty());
    let quoted = |text: &str| json!(text).to_string();
    let mut curl = format!(
        "curl -X {} {} \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  -H {} \\\n  -H {}",
        draft.method,
        shell(&url),
        shell(&format!("Keybearer-Connection: {connection}")),
        shell(&format!("Keybearer-User: {user}")),
    );
    let mut node = format!(
        "const answer = await fetch({}, {{\n  method: {},\n  headers: {{\n    Authorization: `Bearer ${{process.env.TOKEN}}`,\n    \"Keybearer-Connection\": {},\n    \"Keybearer-User\": {},\n",
        quoted(&url),
        quoted(draft.method.as_str()),
        quoted(connection),
        quoted(user)
    );
    let mut python = format!(
        "import os, urllib.request\n\nrequest = urllib.request.Request({}, method={}, headers={{\n    \"Authorization\": \"Bearer \" + os.environ[\"TOKEN\"],\n    \"Keybearer-Connection\": {},\n    \"Keybearer-User\": {},\n",
        quoted(&url),
        quoted(draft.method.as_str()),
        quoted(connection),
        quoted(user)
    );
    if let Some(kind) = kind {
        curl.push_str(&format!(
            " \\\n  -H {} \\\n  --data-binary {}",
            shell(&format!("Content-Type: {kind}")),
            shell(&draft.body)
        ));
        node.push_str(&format!(
            "    \"Content-Type\": {},\n  }},\n  body: {},\n",
            quoted(kind),
            quoted(&draft.body)
        ));
        python.push_str(&format!(
            "    \"Content-Type\": {},\n}}, data={}.encode())\n",
            quoted(kind),
            quoted(&draft.body)
        ));
    } else {
        node.push_str("  },\n");
        python.push_str("})\n");
    }
    node.push_str("});\nconsole.log(answer.status, await answer.text());");
    python.push_str("print(urllib.request.urlopen(request).read().decode())");
    vec![
        Code { id: "c-curl", label: "curl", text: curl },
        Code { id: "c-node", label: "Node", text: node },
        Code { id: "c-python", label: "Python", text: python },
    ]
}

/// A word of a shell.
fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::shell;

    #[test]
    fn a_word_of_a_shell_is_one_word() {
        assert_eq!(shell("/user?x=1"), "'/user?x=1'");
        assert_eq!(shell("a-b.c"), "a-b.c");
        assert_eq!(shell("it's $(rm -rf)"), "'it'\\''s $(rm -rf)'");
        assert_eq!(shell(""), "''");
    }
}
