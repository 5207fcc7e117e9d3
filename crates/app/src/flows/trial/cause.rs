//! What a provider's words mean, as far as words tell.

use serde::{Deserialize, Serialize};
use url::Url;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Another redirect URI is registered, or none.
    RedirectUri,
    /// The app belongs to another tenant or directory than the person or the address.
    Tenant,
    /// The app is in test mode, and the person is none of its testers.
    TestMode,
    /// A scope is not known or not allowed for the app.
    Scope,
    /// The clocks differ too much.
    Clock,
    /// Client id or secret are not accepted.
    Client,
    /// The person, or their administrator, said no.
    Denied,
}

/// What each cause sounds like: all words of one line must be there. The first line that fits decides.
const SOUNDS: &[(&[&str], Cause)] = &[
    (&["redirect", "uri"], Cause::RedirectUri),
    (&["redirect", "url"], Cause::RedirectUri),
    (&["redirect", "address"], Cause::RedirectUri),
    (&["redirect", "mismatch"], Cause::RedirectUri),
    (&["callback", "url"], Cause::RedirectUri),
    (&["tenant"], Cause::Tenant),
    (&["directory"], Cause::Tenant),
    (&["test", "mode"], Cause::TestMode),
    (&["test", "user"], Cause::TestMode),
    (&["in", "testing"], Cause::TestMode),
    (&["development", "mode"], Cause::TestMode),
    (&["verification", "process"], Cause::TestMode),
    (&["scope"], Cause::Scope),
    (&["clock"], Cause::Clock),
    (&["in the future"], Cause::Clock),
    (&["issued at"], Cause::Clock),
    (&["invalid_client"], Cause::Client),
    (&["unauthorized_client"], Cause::Client),
    (&["client", "secret"], Cause::Client),
    (&["client", "credentials"], Cause::Client),
    (&["client", "id"], Cause::Client),
    (&["access_denied"], Cause::Denied),
];

impl Cause {
    /// What these words mean; `None` when they say nothing that we know.
    pub fn of(words: &str) -> Option<Self> {
        let words = words.to_lowercase();
        let fits = |(sounds, _): &&(&[&str], Self)| sounds.iter().all(|sound| words.contains(sound));
        SOUNDS.iter().find(fits).map(|(_, cause)| *cause)
    }
}

/// The web addresses in a text.
pub fn addresses(text: &str) -> Vec<Url> {
    let starts = text.match_indices("http").map(|(at, _)| text.get(at..).unwrap_or_default());
    let taken =
        starts.filter(|rest| rest.starts_with("http://") || rest.starts_with("https://")).map(|rest| {
            let end =
                rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | '”'));
            rest.get(..end.unwrap_or(rest.len())).unwrap_or_default().trim_end_matches(['.', ',', ';', ':'])
        });
    taken.filter_map(|text| Url::parse(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_providers_are_understood() {
        let all = [
            (
                "redirect_uri_mismatch: The redirect_uri MUST match the registered callback URL",
                Cause::RedirectUri,
            ),
            ("App did not register the redirect address http://a.example/cb.", Cause::RedirectUri),
            ("unauthorized_client: the application was not found in the directory", Cause::Tenant),
            ("access_denied: the application is in test mode", Cause::TestMode),
            ("invalid_scope: foo is not a scope", Cause::Scope),
            ("invalid_client", Cause::Client),
            ("No application has this client id.", Cause::Client),
            ("access_denied: the person said no", Cause::Denied),
        ];
        for (words, cause) in all {
            assert_eq!(Cause::of(words), Some(cause), "{words}");
        }
        assert_eq!(Cause::of("server_error"), None);
    }

    #[test]
    fn addresses_are_found_in_sentences() {
        let found = addresses("registered: http://a.example/cb, https://b.example/x/. Not ftp://c");
        let texts: Vec<&str> = found.iter().map(Url::as_str).collect();
        assert_eq!(texts, ["http://a.example/cb", "https://b.example/x/"]);
    }
}
