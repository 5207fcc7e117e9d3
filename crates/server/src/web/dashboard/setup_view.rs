//! The configure page as the template draws it, derived from the connector.

use std::collections::BTreeMap;

use askama::Template;
use keybearer_app::connections::{Connection, Form as Asked};
use keybearer_app::connectors::forms::FormField;
use keybearer_app::connectors::schema::{AuthMethod, Connector, FieldKind};
use keybearer_core::{ConnectionState, CredentialSource, Error};

use super::answer::sentence;
use super::connection::Head;
use super::credentials::Checked;
use super::fields::{self, Control, Input};
use super::form::Form;
use super::frame::{Frame, Tile};
use super::redirect_checks::{RedirectView, redirect_view};
use super::scopes::Picker;
use super::when::When;

/// D5, D6 and the Setup tab of D8.
#[derive(Template)]
#[template(path = "dashboard/setup.html")]
pub(super) struct SetupView {
    pub frame: Frame,
    pub id: String,
    pub name: String,
    pub heading: String,
    pub sub: String,
    pub tile: Tile,
    pub draft: bool,
    pub name_locked: bool,
    pub label: String,
    pub saved: When,
    pub version: i64,
    pub connector: String,
    pub redirect: Option<RedirectView>,
    pub shared_app: Option<String>,
    pub shared: bool,
    /// Client id and secret are entered here, or have a page of their own.
    pub inputs: Vec<Input>,
    pub credentials_elsewhere: Option<String>,
    pub picker: Option<Picker>,
    pub blurb: String,
    pub preview: Preview,
    /// What is copied for a colleague: never a secret.
    pub colleague: String,
    pub can_check: bool,
    pub shared_note: String,
    pub fixable: Vec<Fixable>,
    pub checked: Option<Checked>,
    pub head: Option<Head>,
    pub may: bool,
    /// What is not set here, and how it is.
    pub ways: Vec<(&'static str, String)>,
    pub extra: String,
    pub guide: Guide,
    pub wrong: Vec<Wrong>,
}

/// What a user will read, as far as it is known here.
pub(super) struct Preview {
    pub app: String,
    pub provider: String,
    pub lines: Vec<String>,
}

/// A field that users are asked for, unless the developer fixes it.
pub(super) struct Fixable {
    pub input: Input,
    /// A secret is each user's own.
    pub can: bool,
    pub fixed: bool,
}

/// An entry of the summary of what is wrong.
pub(super) struct Wrong {
    pub at: String,
    pub says: String,
}

/// What has to be done at the provider.
pub(super) struct Guide {
    pub minutes: String,
    pub steps: Vec<String>,
    pub open: String,
    pub prefilled: bool,
    pub checked_on: String,
    pub review: String,
    pub review_url: String,
}

/// What the page is made from.
pub(super) struct Facts<'a> {
    pub connection: &'a Connection,
    pub connector: &'a Connector,
    pub method: &'a AuthMethod,
    pub asked: &'a Asked,
    pub saved: When,
    pub app_name: &'a str,
    /// Values that this server knows itself.
    pub known: &'a BTreeMap<String, String>,
    /// How many connections of the environment use the operator's app.
    pub shared_by: usize,
}

impl SetupView {
    pub fn new(frame: Frame, facts: &Facts<'_>) -> Self {
        let Facts { connection, connector, method, asked, .. } = facts;
        let draft = connection.state == ConnectionState::Draft;
        let extra = connection.extra_authorize_params.iter().map(|(name, value)| format!("{name}={value}"));
        let verb = if draft { "Add a" } else { "Set up the" };
        Self {
            id: connection.id.to_string(),
            name: connection.name.clone(),
            heading: format!("{verb} {} connection", connector.display_name),
            sub: kind(method),
            tile: Tile::new(&connector.slug, &connector.display_name),
            draft,
            name_locked: connection.counts.accounts > 0,
            label: connection.label.clone(),
            saved: facts.saved.clone(),
            version: connection.version,
            connector: connector.display_name.clone(),
            redirect: connection.needs_redirect_uri.then(|| redirect_view(facts)),
            shared_app: asked.shared_app_name.clone().filter(|_| draft),
            shared: connection.source == CredentialSource::Shared,
            inputs: inputs(facts, draft),
            credentials_elsewhere: (!draft && has_client(method)).then(|| stored(connection)),
            picker: Picker::new(method, &connection.scopes, &connector.display_name),
            blurb: connection.blurb_for_users.clone(),
            preview: preview(facts),
            colleague: colleague(facts),
            can_check: method.credential_probe.is_some() && !method.dcr,
            shared_note: shared_note(facts),
            fixable: fixable(facts),
            ways: ways(method),
            checked: None,
            head: None,
            may: false,
            extra: extra.collect::<Vec<_>>().join("\n"),
            guide: guide(facts),
            wrong: Vec::new(),
            frame,
        }
    }

    /// The page again, with what was typed and what is wrong with it. Secrets must be typed again.
    pub fn refused(mut self, form: &Form, error: &Error, taken: &str) -> Self {
        (self.label, self.blurb, self.extra) = (form.text("label"), form.text("blurb"), form.text("extra"));
        if form.has("name") {
            self.name = form.text("name");
        }
        for input in self.inputs.iter_mut().filter(|input| form.has(&input.name)) {
            if matches!(input.control, Control::Line | Control::Choice(_)) {
                input.value = form.text(&input.name);
            }
        }
        for input in self.inputs.iter_mut().filter(|input| input.control == Control::Secret) {
            input.again = form.has(&input.name) && !form.text(&input.name).is_empty();
        }
        for one in &mut self.fixable {
            one.fixed = form.text(&one.input.choice()) == "fix";
            one.input.value = form.text(&one.input.name);
        }
        let violations =
            error.violations.iter().map(|wrong| (wrong.field.as_str(), wrong.description.as_str()));
        let mut all: Vec<(&str, &str)> = violations.collect();
        if error.code == keybearer_core::Code::ConnectionNameTaken {
            self.wrong.push(Wrong { at: "name".to_owned(), says: taken.to_owned() });
            return self;
        }
        if all.is_empty() {
            all.push(("", &error.detail));
        }
        for (field, description) in all {
            self.point(field, description);
        }
        if let (Some(first), Some(help)) = (self.wrong.first_mut(), &error.help) {
            first.says = format!("{} {}", first.says, sentence(help));
        }
        self
    }

    fn point(&mut self, field: &str, description: &str) {
        let input = self.inputs.iter_mut().find(|input| input.name == fields::name(field));
        let (at, label) = match input {
            Some(input) => {
                input.error = Some(sentence(description));
                (input.id.clone(), input.label.clone())
            }
            None => match field {
                "name" => ("name".to_owned(), "Connection name".to_owned()),
                "label" => ("label".to_owned(), "Label".to_owned()),
                "blurb_for_users" => ("blurb".to_owned(), "What users read".to_owned()),
                field if field.starts_with("fixed.") => {
                    let name = field.trim_start_matches("fixed.");
                    let found = self.fixable.iter_mut().find(|one| one.input.id == format!("x-{name}"));
                    match found {
                        Some(one) => {
                            one.input.error = Some(sentence(description));
                            (one.input.id.clone(), one.input.label.clone())
                        }
                        None => (String::new(), String::new()),
                    }
                }
                "extra_authorize_params" => ("extra".to_owned(), "Extra parameters".to_owned()),
                field if field.starts_with("scopes") => {
                    if let Some(picker) = &mut self.picker {
                        picker.error = Some(sentence(description));
                    }
                    ("custom_scopes".to_owned(), "Scopes".to_owned())
                }
                _ => (String::new(), String::new()),
            },
        };
        let says = if label.is_empty() {
            sentence(description)
        } else {
            sentence(&format!("{label} {description}"))
        };
        self.wrong.push(Wrong { at, says });
    }

    /// The page with what is still missing, the first of it in focus.
    pub fn incomplete(mut self, missing: &[String]) -> Self {
        for field in missing {
            self.point(field, "must be given");
        }
        self
    }
}

/// A word about the method, for people.
pub(super) fn kind(method: &AuthMethod) -> String {
    use keybearer_app::connectors::schema::{MethodType as M, Pkce};
    let words = match method.kind {
        M::Oauth2 if method.pkce == Pkce::S256 => "OAuth 2.0 · authorization code with PKCE",
        M::Oauth2 => "OAuth 2.0 · authorization code",
        M::Oauth2ClientCredentials => "OAuth 2.0 · client credentials",
        M::Oauth1 | M::Oauth1Token => "OAuth 1.0a",
        M::McpOauth => "MCP · OAuth",
        M::ApiKey => "API key, from each user",
        M::Bearer | M::Oauth2RefreshToken => "Token, from each user",
        M::Basic | M::Oauth2Password | M::SessionLogin => "User name and password, from each user",
        M::ServiceAccount => "Service account",
        M::JwtBearer | M::SamlBearer | M::JwtKeyPair | M::JwtSharedSecret => "Signed statement",
        M::AwsSigv4 | M::Wsse | M::RequestSigning | M::HttpMessageSignature => "Signed requests",
        M::AppInstallation | M::PluginInstall => "App installation",
        M::None => "No credentials",
    };
    words.to_owned()
}

/// Whether the developer brings client id and secret.
pub(super) fn has_client(method: &AuthMethod) -> bool {
    method.has_redirect() || method.field("client_id").is_some()
}

/// What is known of stored credentials, in words.
pub(super) fn stored(connection: &Connection) -> String {
    if let Some(app) = &connection.shared_app_name {
        return format!("Shared app “{app}”.");
    }
    let id = connection.client_id.as_deref().unwrap_or("not set");
    let secret = match (&connection.client_secret_suffix, connection.has_client_secret) {
        (Some(end), _) => format!("The secret ends in {end}."),
        (None, true) => "A secret is stored.".to_owned(),
        (None, false) => "No secret is stored.".to_owned(),
    };
    format!("Client ID {id}. {secret}")
}

/// The developer's inputs, with what is stored.
fn inputs(facts: &Facts<'_>, draft: bool) -> Vec<Input> {
    let Facts { method, asked, .. } = facts;
    let mut fields = asked.connection_fields.clone();
    for (name, label) in [("client_secret", "Client secret"), ("client_id", "Client ID")] {
        if method.has_redirect() && !method.dcr && !fields.iter().any(|field| field.name == name) {
            fields.insert(0, undeclared(name, label));
        }
    }
    let client = |field: &&FormField| matches!(field.name.as_str(), "client_id" | "client_secret");
    fields.iter().filter(|field| draft || !client(field)).map(|field| filled(field, facts)).collect()
}

fn undeclared(name: &str, label: &str) -> FormField {
    FormField {
        name: name.to_owned(),
        label: label.to_owned(),
        help: None,
        where_to_find_url: None,
        secret: name == "client_secret",
        required: name == "client_id",
        kind: if name == "client_secret" { FieldKind::Password } else { FieldKind::Text },
        choices: Vec::new(),
        default: None,
        example: None,
        pattern: None,
        prefix: None,
        suffix: None,
        one_time: false,
        generated: false,
    }
}

fn filled(field: &FormField, facts: &Facts<'_>) -> Input {
    let connection = facts.connection;
    let mut input = Input::new(field);
    match field.name.as_str() {
        "client_id" => input.value = connection.client_id.clone().unwrap_or_default(),
        "client_secret" => {
            let end = connection.client_secret_suffix.as_ref().map(|end| format!("Stored, ends in {end}."));
            input.stored = end.or_else(|| connection.has_client_secret.then(|| "Stored.".to_owned()));
        }
        name if field.secret => {
            let known = connection.secret_fields.iter().any(|stored| stored == name);
            input.stored = known.then(|| "Stored.".to_owned());
        }
        name => {
            let value = connection.fields.get(name).or(facts.known.get(name)).or(field.default.as_ref());
            input.value = value.cloned().unwrap_or_default();
        }
    }
    let warning = connection.warnings.iter().find(|warning| warning.field == field.name);
    input.warning = warning.map(|warning| warning.says.clone());
    input
}

fn guide(facts: &Facts<'_>) -> Guide {
    let setup = facts.method.setup.as_ref();
    let prefill = setup.and_then(|setup| setup.prefill_url.as_ref()).and_then(|text| {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let scopes = facts.connection.scopes.asked().join(" ");
        let filled = text.source().replace("{redirect_uri}", &encode(&facts.connection.redirect_uri));
        let filled = filled.replace("{app_name}", &encode(facts.app_name));
        fields::web(&filled.replace("{scopes}", &encode(&scopes)))
    });
    let console = setup.and_then(|setup| setup.console_url.as_ref());
    let values = facts.connection.fields.iter();
    let console = console.map(|text| {
        values
            .fold(text.source().to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    });
    let console = console.and_then(|text| fields::web(&text));
    let review = facts.method.app_review.as_ref();
    let sentences = |review: &keybearer_app::connectors::schema::AppReview| {
        let parts = [&review.who_can_connect_before, &review.limit].into_iter().flatten();
        parts.map(|part| sentence(part)).collect::<Vec<_>>().join(" ")
    };
    Guide {
        minutes: setup.and_then(|setup| setup.minutes).map_or_else(String::new, minutes),
        steps: setup.map(|setup| setup.steps.clone()).unwrap_or_default(),
        prefilled: prefill.is_some(),
        open: prefill.or(console).unwrap_or_default(),
        checked_on: facts.connector.checked_on.clone().unwrap_or_default(),
        review: review.map(sentences).unwrap_or_default(),
        review_url: review
            .and_then(|review| review.how_to_publish_url.as_deref())
            .and_then(fields::web)
            .unwrap_or_default(),
    }
}

/// `about 2 minutes`.
pub(super) fn minutes(number: u32) -> String {
    format!("about {number} minute{}", if number == 1 { "" } else { "s" })
}

/// What a user reads on the connect page.
fn preview(facts: &Facts<'_>) -> Preview {
    let asked = facts.connection.scopes.asked();
    let scope = |name: &String| facts.method.scopes.iter().find(|scope| scope.name == *name);
    let line = |name: &String| {
        let known = scope(name).and_then(|scope| scope.plain.clone().or_else(|| scope.says.clone()));
        known.unwrap_or_else(|| format!("Use “{name}”"))
    };
    Preview {
        app: facts.app_name.to_owned(),
        provider: facts.connector.display_name.clone(),
        lines: asked.iter().map(line).collect(),
    }
}

/// Everything that somebody needs who makes the app at the provider, and no secret.
fn colleague(facts: &Facts<'_>) -> String {
    let (name, connection) = (&facts.connector.display_name, facts.connection);
    let guide = guide(facts);
    let mut lines = vec![format!("Please make an OAuth app at {name} for {}.", facts.app_name)];
    if connection.needs_redirect_uri {
        lines.push(format!("Redirect URI, exactly as it is:\n{}", connection.redirect_uri));
    }
    let scopes = connection.scopes.asked();
    if !scopes.is_empty() {
        lines.push(format!("Scopes:\n{}", scopes.join("\n")));
    }
    if !guide.steps.is_empty() {
        let steps = guide.steps.iter().enumerate().map(|(at, step)| format!("{}. {step}", at + 1));
        lines.push(format!("Steps:\n{}", steps.collect::<Vec<_>>().join("\n")));
    }
    if !guide.open.is_empty() {
        lines.push(format!("Start here: {}", guide.open));
    }
    lines.push(
        "Then send me the client ID. Hand the client secret over in a password manager, never in a message."
            .to_owned(),
    );
    lines.join("\n\n")
}

/// Copy 4.
fn shared_note(facts: &Facts<'_>) -> String {
    let Some(app) = &facts.asked.shared_app_name else { return String::new() };
    let provider = &facts.connector.display_name;
    let shared = match facts.shared_by {
        0 | 1 => "the quota is one for everybody who uses it".to_owned(),
        number => format!("the quota is shared by {number} connections"),
    };
    format!(
        "Quick to try. People will see “{app}” at {provider}, not your name, and {shared}. Use your own app before customers connect."
    )
}

fn fixable(facts: &Facts<'_>) -> Vec<Fixable> {
    let fields = facts.asked.account_fields.iter().filter(|field| !field.generated);
    let one = |field: &FormField| {
        let mut input = Input::new(field);
        input.id = format!("x-{}", field.name);
        input.name = format!("x.{}", field.name);
        let stored = facts.connection.fixed.get(&field.name);
        let value = stored.or(field.default.as_ref().filter(|_| !field.secret));
        input.value = value.cloned().unwrap_or_default();
        Fixable { can: !field.secret, fixed: stored.is_some(), input }
    };
    fields.map(one).collect()
}

/// How the connector proves itself at the provider; nothing of it can be set wrong here.
fn ways(method: &AuthMethod) -> Vec<(&'static str, String)> {
    use keybearer_app::connectors::schema::Pkce;
    let pkce = match method.pkce {
        Pkce::S256 => "On (S256): a stolen code is worth nothing without its verifier.",
        _ => "Off: the provider does not take it.",
    };
    let words = serde_json::to_value(method.token_auth_method).ok();
    let auth = words.as_ref().and_then(|value| value.as_str()).unwrap_or("as the connector says").to_owned();
    vec![("PKCE", pkce.to_owned()), ("Client authentication", auth)]
}
