//! The configure page as the template draws it, derived from the connector.

use std::collections::BTreeMap;

use askama::Template;
use keybearer_app::connections::{Connection, Form as Asked};
use keybearer_app::connectors::forms::FormField;
use keybearer_app::connectors::redirect;
use keybearer_app::connectors::schema::{AuthMethod, Connector, FieldKind, HttpsRule, RedirectMatch};
use keybearer_core::{ConnectionState, CredentialSource, Error};

use super::answer::sentence;
use super::fields::{self, Control, Input};
use super::form::Form;
use super::frame::{Frame, Tile};
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
    pub asked_of_users: Vec<Input>,
    pub picker: Option<Picker>,
    pub blurb: String,
    pub extra: String,
    pub guide: Guide,
    pub wrong: Vec<Wrong>,
}

/// An entry of the summary of what is wrong.
pub(super) struct Wrong {
    pub at: String,
    pub says: String,
}

/// The redirect URI with its checks.
pub(super) struct RedirectView {
    pub uri: String,
    pub checks: Vec<Check>,
}

/// One check, with its verdict in a word.
pub(super) struct Check {
    pub ok: bool,
    pub word: String,
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
            asked_of_users: asked
                .account_fields
                .iter()
                .filter(|field| !field.generated)
                .map(Input::new)
                .collect(),
            picker: Picker::new(method, &connection.scopes),
            blurb: connection.blurb_for_users.clone(),
            extra: extra.collect::<Vec<_>>().join("\n"),
            guide: guide(facts),
            wrong: Vec::new(),
            frame,
        }
    }

    /// The page again, with what was typed and what is wrong with it. Secrets must be typed again.
    pub fn refused(mut self, form: &Form, error: &Error) -> Self {
        (self.label, self.blurb, self.extra) = (form.text("label"), form.text("blurb"), form.text("extra"));
        if form.has("name") {
            self.name = form.text("name");
        }
        for input in self.inputs.iter_mut().filter(|input| form.has(&input.name)) {
            if matches!(input.control, Control::Line | Control::Choice(_)) {
                input.value = form.text(&input.name);
            }
        }
        let violations =
            error.violations.iter().map(|wrong| (wrong.field.as_str(), wrong.description.as_str()));
        let mut all: Vec<(&str, &str)> = violations.collect();
        if all.is_empty() {
            let field = if error.code == keybearer_core::Code::ConnectionNameTaken { "name" } else { "" };
            all.push((field, &error.detail));
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

/// What the provider's rules say about our redirect URI.
fn redirect_view(facts: &Facts<'_>) -> RedirectView {
    let (uri, method) = (facts.connection.redirect_uri.clone(), facts.method);
    let provider = &facts.connector.display_name;
    let mut checks: Vec<Check> = redirect::problems(method, &uri)
        .into_iter()
        .map(|problem| Check {
            ok: false,
            word: "Not accepted".to_owned(),
            says: sentence(&problem.to_string()),
        })
        .collect();
    if let Some(rules) = method.redirect_rules.as_ref().filter(|_| checks.is_empty()) {
        let https = match rules.https {
            HttpsRule::Required => "takes https only, and this is https.",
            HttpsRule::LocalhostOk => "takes https, and http on localhost.",
            HttpsRule::Any => "takes http and https.",
        };
        checks.push(Check { ok: true, word: "Scheme".to_owned(), says: format!("{provider} {https}") });
        let matching = match rules.matching {
            RedirectMatch::Exact => "compares it character by character.",
            RedirectMatch::Subpath => "also accepts a path below the registered one.",
            RedirectMatch::AnyPort => "accepts any port of the registered host.",
        };
        checks.push(Check { ok: true, word: "Match".to_owned(), says: format!("{provider} {matching}") });
        if let Some(most) = rules.max_uris.filter(|most| *most < 3) {
            let says =
                format!("{provider} keeps {most} per app: make an app of its own for each connection.");
            checks.push(Check { ok: true, word: "Number".to_owned(), says });
        }
    }
    if uri.starts_with("http://") {
        let says = "Only browsers on this machine can come back to this address.".to_owned();
        checks.push(Check { ok: true, word: "Local".to_owned(), says });
    }
    RedirectView { uri, checks }
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
