//! What to do about a step that failed: why, in the provider's words, and one button.

use keybearer_app::connections::Connection;
use keybearer_app::connectors::schema::AuthMethod;
use keybearer_app::flows::trial::{Cause, Seen, addresses};

use super::answer::sentence;
use super::review;
use super::uri_diff::Diff;

/// What to do about a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Fix {
    pub why: String,
    /// The redirect URI, to be copied.
    pub uri: Option<String>,
    pub diff: Option<Diff>,
    /// What the provider said, shortened and blanked.
    pub words: String,
    pub actions: Vec<Action>,
    pub reference: String,
}

/// A way on.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub label: String,
    pub href: String,
    pub outside: bool,
}

impl Fix {
    /// One sentence.
    pub fn why(why: impl Into<String>) -> Self {
        Self { why: why.into(), ..Self::default() }
    }

    /// With a button to a page of ours.
    pub fn then(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.actions.push(Action { label: label.into(), href: href.into(), outside: false });
        self
    }

    /// With what the provider said.
    pub fn quoting(mut self, seen: Option<&Seen>) -> Self {
        let words = seen.and_then(|seen| seen.words.clone());
        let status = seen.and_then(|seen| seen.status).filter(|status| *status >= 400);
        self.words = match (status, words) {
            (Some(status), Some(words)) => format!("{status} {words}"),
            (Some(status), None) => status.to_string(),
            (None, words) => words.unwrap_or_default(),
        };
        self.reference = seen.and_then(|seen| seen.reference.clone()).unwrap_or_default();
        self
    }
}

/// What a fix is made from.
pub(super) struct About<'a> {
    pub connection: &'a Connection,
    pub method: &'a AuthMethod,
}

impl About<'_> {
    fn provider(&self) -> &str {
        &self.connection.connector_display_name
    }

    /// The set-up page, at a field.
    pub fn setup(&self, at: &str) -> String {
        format!("/connections/{}/setup{at}", self.connection.id)
    }

    /// Where the secret is replaced.
    pub fn credentials(&self) -> String {
        format!("/connections/{}/credentials", self.connection.id)
    }

    /// A link to the provider's page about its apps, where the catalogue knows it.
    fn console(&self, fix: Fix) -> Fix {
        let mut fix = fix;
        let console = self.method.setup.as_ref().and_then(|setup| setup.console_url.as_ref());
        let filled = console.map(|text| {
            let values = self.connection.fields.iter();
            values.fold(text.source().to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{name}}}"), value)
            })
        });
        if let Some(href) = filled.and_then(|text| super::fields::web(&text)) {
            let label = format!("Open the app at {}", self.provider());
            fix.actions.push(Action { label, href, outside: true });
        }
        fix
    }

    /// What a cause calls for; `None` for one that is known from nothing.
    pub fn fix(&self, seen: &Seen) -> (String, Fix) {
        let provider = self.provider();
        let (says, fix) = match seen.cause {
            Some(Cause::RedirectUri) => return self.redirect(seen),
            Some(Cause::Client) => (
                format!("{provider} does not accept this client ID and secret together."),
                self.console(Fix::why(format!(
                    "The secret may belong to another app, or was replaced at {provider}. Make a new secret there and paste it here. Nobody has to sign in again."
                )))
                .then("Replace secret", self.credentials()),
            ),
            Some(Cause::Scope) => self.scope(seen),
            Some(Cause::TestMode) => (format!("The app at {provider} is in test mode."), self.test_mode()),
            Some(Cause::Tenant) => (
                format!("{provider} looked for the app in another tenant."),
                self.console(Fix::why(
                    "The app is registered in another directory than the one that was asked, or only for one of them. \
                     Set the tenant of this connection to that of the app, or let the app take accounts of other organisations.",
                ))
                .then("Check the tenant", self.setup("#h-cred")),
            ),
            Some(Cause::Clock) => (
                format!("{provider} says that our clock is wrong."),
                Fix::why("Set this machine's clock by a time server: signed requests are refused when it is off."),
            ),
            Some(Cause::Denied) => (
                "The answer was no.".to_owned(),
                Fix::why("You, or your organisation, did not allow it. The same link can be used again."),
            ),
            None => (
                format!("{provider} refused the app."),
                self.console(Fix::why(format!("Compare the app at {provider} with the set-up here.")))
                    .then("Open the set-up", self.setup("")),
            ),
        };
        (says, fix.quoting(Some(seen)))
    }

    fn redirect(&self, seen: &Seen) -> (String, Fix) {
        let (provider, sent) = (self.provider(), &self.connection.redirect_uri);
        let named = addresses(seen.words.as_deref().unwrap_or_default());
        let registered = named.iter().map(url::Url::as_str).find(|address| *address != sent);
        let diff = registered.and_then(|registered| Diff::of(sent, registered));
        let why = match &diff {
            Some(diff) => format!(
                "At {provider} another one is registered: {} differ{}. Copy ours into the app there, save, and run the test again.",
                diff.names,
                if diff.names.contains(" and ") { "" } else { "s" }
            ),
            None => String::from(
                "It is registered there differently, or for another app: `http` or `https`, the host, the port and a `/` at the end all count. Copy ours into the app there, save, and run the test again.",
            ),
        };
        let fix = Fix { uri: Some(sent.clone()), diff, ..self.console(Fix::why(why)) };
        (format!("{provider} refused the redirect URI."), fix.quoting(Some(seen)))
    }

    fn scope(&self, seen: &Seen) -> (String, Fix) {
        let provider = self.provider();
        let words = seen.words.as_deref().unwrap_or_default();
        let asked = self.connection.scopes.asked();
        let named = asked.iter().filter(|name| words.contains(name.as_str())).max_by_key(|name| name.len());
        let why = format!(
            "It is misspelt, or not switched on in the app, or waits for {provider}'s review. Remove it, or switch it on at {provider} and run again."
        );
        match named {
            Some(name) => {
                let mut settings = self.connection.scopes.clone();
                settings.scopes.retain(|scope| scope != name);
                let fix = self
                    .console(Fix::why(why))
                    .then(format!("Remove scope {name}"), review::address(self.connection, &settings));
                (format!("{provider} does not know or allow `{name}` for your app."), fix)
            }
            None => (
                format!("{provider} does not know or allow one of the scopes for your app."),
                self.console(Fix::why(why)).then("Change the scopes", self.setup("#h-scopes")),
            ),
        }
    }

    fn test_mode(&self) -> Fix {
        let review = self.method.app_review.as_ref();
        let known = review.map(|review| {
            let parts = [&review.who_can_connect_before, &review.limit];
            parts.into_iter().flatten().map(|part| sentence(part)).collect::<Vec<_>>().join(" ")
        });
        let known = known.filter(|text| !text.is_empty());
        let mut fix = Fix::why(known.unwrap_or_else(|| {
            "Until it is published, only the people that the app names as testers can connect. Add yourself there, or publish the app.".to_owned()
        }));
        let publish = review.and_then(|review| review.how_to_publish_url.as_deref());
        if let Some(href) = publish.and_then(super::fields::web) {
            fix.actions.push(Action { label: "How to publish the app".to_owned(), href, outside: true });
        }
        self.console(fix)
    }

    /// Asking to keep working after the user leaves.
    pub fn offline(&self, fix: Fix) -> Fix {
        let missing = keybearer_app::connectors::scopes::lacks_refresh_scope(
            self.method,
            &self.connection.scopes.asked(),
        );
        match missing {
            Some(name) => {
                let mut settings = self.connection.scopes.clone();
                settings.scopes.push(name.to_owned());
                fix.then("Turn on offline access", review::address(self.connection, &settings))
            }
            None => self.console(fix).then("Open the set-up", self.setup("#h-scopes")),
        }
    }
}
