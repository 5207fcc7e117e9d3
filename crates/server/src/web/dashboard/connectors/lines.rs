//! The inputs of the form.

use super::super::answer::sentence;
use super::plain::{InputRow, ScopeRow};
use super::said::Said;
use super::sheet::Sheet;

/// One input.
pub(super) struct Line {
    pub id: &'static str,
    pub label: &'static str,
    pub help: &'static str,
    pub value: String,
    pub kind: Kind,
    pub error: Option<String>,
}

/// How it is entered.
pub(super) enum Kind {
    Text,
    Code,
    Area(usize),
    Choice(&'static [(&'static str, &'static str)]),
}

const CLIENT: &[(&str, &str)] = &[
    ("", "Client ID and secret in the body (usual)"),
    ("client_secret_post", "Client ID and secret in the body"),
    ("client_secret_basic", "Client ID and secret as HTTP Basic"),
    ("none", "Client ID only"),
];
const PROOF: &[(&str, &str)] =
    &[("", "Sent (usual)"), ("true", "Sent, and the client secret may be missing"), ("false", "Not sent")];
const HTTPS: &[(&str, &str)] = &[
    ("", "Not known"),
    ("required", "Must be https"),
    ("localhost_ok", "https, or this machine"),
    ("any", "Anything"),
];
const MATCHING: &[(&str, &str)] = &[
    ("", "Not known"),
    ("exact", "Letter by letter"),
    ("subpath", "A longer path is fine"),
    ("any_port", "Any port is fine"),
];

/// All of them.
pub(super) struct Lines<'a> {
    pub sheet: &'a Sheet,
    pub wrong: &'a [Said],
}

impl Lines<'_> {
    fn error(&self, id: &str) -> Option<String> {
        self.wrong.iter().find(|said| said.at == id).map(|said| sentence(&said.says))
    }

    fn line(
        &self,
        id: &'static str,
        label: &'static str,
        help: &'static str,
        value: &str,
        kind: Kind,
    ) -> Line {
        Line { id, label, help, value: value.to_owned(), kind, error: self.error(id) }
    }

    pub fn about(&self) -> Vec<Line> {
        let p = &self.sheet.plain;
        vec![
            self.line(
                "name",
                "Name",
                "Letters, digits and spaces. The identifier is made of it and never changes.",
                &p.name,
                Kind::Text,
            ),
            self.line(
                "about",
                "What it is (optional)",
                "One sentence, for whoever chooses it.",
                &p.about,
                Kind::Text,
            ),
        ]
    }

    pub fn endpoints(&self) -> Vec<Line> {
        let p = &self.sheet.plain;
        let address = |id, label, help, value: &str| self.line(id, label, help, value, Kind::Code);
        vec![
            address("authorize", "Where users consent", "The authorization endpoint.", &p.authorize),
            address(
                "exchange",
                "Where a code becomes a token",
                "The token endpoint. Your client secret is sent there.",
                &p.exchange,
            ),
            address(
                "person",
                "Who connected (optional)",
                "The userinfo endpoint: it names the person of an account.",
                &p.person,
            ),
            address(
                "revoke",
                "Where access is given back (optional)",
                "The revocation endpoint: asked when an account is disconnected.",
                &p.revoke,
            ),
            self.line(
                "client",
                "How your app proves itself",
                "As the token endpoint wants it.",
                &p.client,
                Kind::Choice(CLIENT),
            ),
            self.line(
                "proof",
                "Proof key (PKCE)",
                "Protects the code on its way. Keep it unless the provider refuses it.",
                &p.proof,
                Kind::Choice(PROOF),
            ),
            self.line(
                "extras",
                "Further parameters of the consent page (optional)",
                "One a line, as name=value. For example access_type=offline.",
                &p.extras,
                Kind::Area(2),
            ),
        ]
    }

    pub fn placing(&self) -> Vec<Line> {
        let p = &self.sheet.plain;
        vec![
            self.line(
                "header",
                "Header (optional)",
                "Authorization when it is empty.",
                &p.header,
                Kind::Code,
            ),
            self.line(
                "before",
                "Text before it (optional)",
                "OAuth and bearer tokens have “Bearer ” before them already. A space at the end counts.",
                &p.before,
                Kind::Code,
            ),
        ]
    }

    pub fn places(&self) -> Vec<Line> {
        let p = &self.sheet.plain;
        vec![
            self.line("base", "Base address", "Every call goes below it. {{name}} stands for a value of the account: https://{{site}}.crm.example/api.", &p.base, Kind::Code),
            self.line("hosts", "Allowed hosts (optional)", "One a line, where a {{name}} decides about the host: api.example.com or *.example.com.", &p.hosts, Kind::Area(2)),
        ]
    }

    pub fn rules(&self) -> Vec<Line> {
        let p = &self.sheet.plain;
        vec![
            self.line("https", "Redirect URI: https", "", &p.https, Kind::Choice(HTTPS)),
            self.line("matching", "Redirect URI: compared", "", &p.matching, Kind::Choice(MATCHING)),
            self.line(
                "longest",
                "Redirect URI: longest (optional)",
                "A number of characters.",
                &p.longest,
                Kind::Text,
            ),
        ]
    }

    pub fn guide(&self) -> Vec<Line> {
        let p = &self.sheet.plain;
        vec![
            self.line(
                "console",
                "Page for apps or keys (optional)",
                "The provider's page where an app is registered or a key is made.",
                &p.console,
                Kind::Code,
            ),
            self.line(
                "steps",
                "Steps (optional)",
                "One a line, for the developer who sets up a connection.",
                &p.steps,
                Kind::Area(4),
            ),
        ]
    }

    pub fn scopes(&self) -> Vec<(ScopeRow, Option<String>)> {
        let rows = &self.sheet.plain.scopes;
        let blank = std::iter::repeat_n(ScopeRow::default(), 2 + self.sheet.more);
        let all = rows.iter().cloned().chain(blank).enumerate();
        all.map(|(index, row)| (row, self.error(&format!("scope-{index}")))).collect()
    }

    pub fn inputs(&self) -> Vec<(InputRow, Option<String>)> {
        let rows = &self.sheet.plain.inputs;
        let blank = InputRow { need: true, ..InputRow::default() };
        let all = rows.iter().cloned().chain(std::iter::repeat_n(blank, 1 + self.sheet.more)).enumerate();
        all.map(|(index, row)| (row, self.error(&format!("field-{index}")))).collect()
    }
}
