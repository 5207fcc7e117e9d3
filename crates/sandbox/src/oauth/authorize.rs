//! The authorization request and its answers (RFC 6749 section 4.1, RFC 7636, RFC 9207).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use crate::config::ClientConfig;
use crate::failure::{Failure, Stage};
use crate::params::Params;
use crate::shared::Shared;
use crate::world::{Owner, Person, read_scopes};

/// A well-formed authorization request.
pub(crate) struct Ask {
    pub client: ClientConfig,
    pub redirect_uri: Url,
    redirect_text: String,
    pub scopes: Vec<String>,
    pub login_hint: Option<String>,
    pub params: Params,
    state: Option<String>,
    challenge: Option<String>,
}

/// Why an authorization request is not answered with a page.
pub(crate) enum AskError {
    /// The redirect address cannot be trusted: the person is told, the application is not.
    Page(String),
    /// The application is told.
    Redirect(String),
}

impl Ask {
    pub fn read(shared: &Shared, params: Params) -> Result<Self, AskError> {
        if let Some(name) = params.duplicate() {
            return Err(AskError::Page(format!("The address names {name} twice.")));
        }
        let (client, redirect_text) = trusted_redirect(shared, &params)?;
        let redirect_uri = Url::parse(&redirect_text)
            .map_err(|_| AskError::Page("The redirect address is not a web address.".to_owned()))?;
        let get = |name: &str| params.get(name).map(str::to_owned);
        let mut ask = Self {
            client,
            redirect_uri,
            redirect_text,
            scopes: Vec::new(),
            login_hint: get("login_hint"),
            state: get("state"),
            challenge: get("code_challenge"),
            params: params.clone(),
        };
        ask.check(shared, &params)
            .map_err(|(error, says)| AskError::Redirect(refuse(shared, &ask, error, &says, None)))?;
        match read_scopes(params.get("scope").unwrap_or("profile.read")) {
            Ok(scopes) => ask.scopes = scopes,
            Err(unknown) => {
                let says = format!("{unknown} is not a scope of Postcards");
                return Err(AskError::Redirect(refuse(shared, &ask, "invalid_scope", &says, None)));
            }
        }
        Ok(ask)
    }

    fn check(&self, shared: &Shared, params: &Params) -> Result<(), (&'static str, String)> {
        if params.get("response_type") != Some("code") {
            return Err(("unsupported_response_type", "response_type must be code".to_owned()));
        }
        if params.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(("invalid_request", "response_mode must be query".to_owned()));
        }
        let required = shared.world().settings.pkce_required;
        match (&self.challenge, params.get("code_challenge_method")) {
            (None, None) if !required => Ok(()),
            (None, _) => Err(("invalid_request", "code_challenge is missing (PKCE with S256)".to_owned())),
            // `plain` is the default of RFC 7636 section 4.3, and never accepted here
            (Some(_), method) if method != Some("S256") => {
                Err(("invalid_request", "code_challenge_method must be S256".to_owned()))
            }
            (Some(challenge), _) if URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|hash| hash.len() == 32) => {
                Ok(())
            }
            _ => Err(("invalid_request", "code_challenge is not a SHA-256 value".to_owned())),
        }
    }

    /// Whether `prompt` contains `word`.
    pub fn prompts(&self, word: &str) -> bool {
        self.params.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|part| part == word))
    }

    /// The scopes that `person` has not allowed this application yet; all of them with `prompt=consent`.
    pub fn new_scopes(&self, shared: &Shared, person: &Person) -> Vec<String> {
        let granted = shared.world().granted(person, &self.client.client_id);
        let asks_again = self.prompts("consent");
        self.scopes.iter().filter(|scope| asks_again || !granted.contains(scope)).cloned().collect()
    }

    /// The query of this request, as it goes through the sign-in and consent forms.
    pub fn query(&self) -> String {
        self.params.encode_without(&[])
    }

    /// The query of the same request for another person.
    pub fn query_for_somebody_else(&self) -> String {
        format!("{}&prompt=select_account", self.params.encode_without(&["prompt"]))
    }
}

fn trusted_redirect(shared: &Shared, params: &Params) -> Result<(ClientConfig, String), AskError> {
    let client_id = params.get("client_id").unwrap_or_default();
    let client = shared.world().clients.get(client_id).cloned();
    let client = client.ok_or_else(|| AskError::Page("No application has this client id.".to_owned()))?;
    let redirect = params.get("redirect_uri").unwrap_or_default();
    // exact text, no normalising (RFC 9700 section 4.1.3)
    if !client.redirect_uris.iter().any(|known| known == redirect) {
        return Err(AskError::Page(format!(
            "{} did not register the redirect address {} — registered: {}",
            client.name,
            redirect.chars().take(200).collect::<String>(),
            client.redirect_uris.join(" ")
        )));
    }
    Ok((client, redirect.to_owned()))
}

/// Remembers what `person` allowed and answers with a code.
pub(crate) fn give_code(
    shared: &Shared,
    ask: &Ask,
    person: &Person,
    scopes: &[String],
    met: Option<Failure>,
) -> keybearer_core::Result<String> {
    let code = shared.token("pc_code_")?;
    let client_id = ask.client.client_id.clone();
    let owner = Owner { person: Some(person.clone()), client_id: client_id.clone(), scopes: scopes.to_vec() };
    {
        let (mut world, now) = (shared.world(), shared.now());
        world.remember_grant(person, &client_id, (&ask.scopes, scopes), now);
        world.add_code(&code, owner, &ask.redirect_text, ask.challenge.as_deref(), now);
    }
    Ok(back(shared, ask, &[("code", code.expose())], met))
}

/// The answer of a person who says no.
pub(crate) fn deny(shared: &Shared, ask: &Ask, met: Option<Failure>) -> String {
    refuse(shared, ask, "access_denied", "the person said no", met)
}

/// An error answer to the application.
pub(crate) fn refuse(shared: &Shared, ask: &Ask, error: &str, says: &str, met: Option<Failure>) -> String {
    back(shared, ask, &[("error", error), ("error_description", says)], met)
}

fn back(shared: &Shared, ask: &Ask, pairs: &[(&str, &str)], met: Option<Failure>) -> String {
    let switched = || shared.world().switches.take_if(Stage::Consent, Failure::changes_answer);
    let failure = met.filter(|failure| failure.changes_answer()).or_else(switched);
    let mut url = ask.redirect_uri.clone();
    {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(pairs);
        match (&ask.state, failure) {
            (_, Some(Failure::NoState)) | (None, _) => {}
            (Some(_), Some(Failure::WrongState)) => {
                query.append_pair("state", "a-state-nobody-sent");
            }
            (Some(state), _) => {
                query.append_pair("state", state);
            }
        }
        match failure {
            Some(Failure::NoIssuer) => {}
            Some(Failure::WrongIssuer) => {
                query.append_pair("iss", "https://another-issuer.test");
            }
            _ => {
                query.append_pair("iss", &shared.issuer);
            }
        }
    }
    url.into()
}
