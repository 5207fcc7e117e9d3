//! What is known of our redirect URI before anybody uses it: reachable or not, and the provider's rules.

use keybearer_app::connectors::redirect;
use keybearer_app::connectors::schema::{HttpsRule, RedirectMatch};
use keybearer_app::reach::Reach;

use super::answer::sentence;
use super::setup_view::Facts;

/// The redirect URI with its checks.
pub(super) struct RedirectView {
    pub uri: String,
    pub checks: Vec<Check>,
}

/// One check, with its verdict in a word.
pub(super) struct Check {
    pub look: &'static str,
    pub icon: &'static str,
    pub word: String,
    pub says: String,
}

impl Check {
    pub fn good(word: &str, says: impl Into<String>) -> Self {
        Self { look: "ok", icon: "check", word: word.to_owned(), says: says.into() }
    }

    /// No verdict, but worth knowing.
    pub fn note(word: &str, says: impl Into<String>) -> Self {
        Self { look: "", icon: "info", word: word.to_owned(), says: says.into() }
    }

    pub fn bad(word: &str, says: impl Into<String>) -> Self {
        Self { look: "bad", icon: "x", word: word.to_owned(), says: says.into() }
    }
}

/// What the provider's rules say about our redirect URI.
pub(super) fn redirect_view(facts: &Facts<'_>) -> RedirectView {
    let (uri, method) = (facts.connection.redirect_uri.clone(), facts.method);
    let provider = &facts.connector.display_name;
    let problems = redirect::problems(method, &uri);
    let mut checks: Vec<Check> = problems.iter().map(|problem| refused(problem, provider)).collect();
    if let Some(rules) = method.redirect_rules.as_ref() {
        if problems.is_empty() {
            checks.push(Check::good("Scheme", format!("{provider} {}", scheme_rule(rules.https, &uri))));
        }
        if let Some(most) = rules.max_len.filter(|most| uri.chars().count() <= *most) {
            let says = format!("{} of at most {most} characters.", uri.chars().count());
            checks.push(Check::good("Length", says));
        }
        let matching = match rules.matching {
            RedirectMatch::Exact => "compares it character by character.",
            RedirectMatch::Subpath => "also accepts a path below the registered one.",
            RedirectMatch::AnyPort => "accepts any port of the registered host.",
        };
        checks.push(Check::note("Match", format!("{provider} {matching}")));
        if let Some(most) = rules.max_uris.filter(|most| *most < 3) {
            let says =
                format!("{provider} keeps {most} per app: make an app of its own for each connection.");
            checks.push(Check::note("Number", says));
        }
    }
    if uri.starts_with("http://") {
        checks.push(Check::note(
            "Local",
            "Only browsers that reach this address without https can come back to it.",
        ));
    }
    RedirectView { uri, checks }
}

fn scheme_rule(rule: HttpsRule, uri: &str) -> &'static str {
    match rule {
        HttpsRule::Required => "takes https only, and this is https.",
        HttpsRule::LocalhostOk if uri.starts_with("http://") => "takes https, and http on localhost as here.",
        HttpsRule::LocalhostOk => "takes https; it also takes http://localhost.",
        HttpsRule::Any => "takes http and https.",
    }
}

/// Copy 21, and the others in its manner.
fn refused(problem: &redirect::RedirectProblem, provider: &str) -> Check {
    use redirect::RedirectProblem as P;
    match problem {
        P::HttpsRequired | P::HttpsRequiredOffLocalhost => Check::bad(
            "https needed",
            format!(
                "{provider} takes only https redirect addresses. Yours starts with http://. Set a public https URL, or use a tunnel while trying. The sandbox works on http://localhost."
            ),
        ),
        other => Check::bad("Not accepted", sentence(&other.to_string())),
    }
}

/// Whether people come back here, as a check beside the redirect URI.
pub(super) fn reachable(reach: Option<&Reach>) -> Check {
    let Some(reach) = reach else {
        return Check::note("Reachable?", "Being checked: load the page again in a moment.");
    };
    let said = reach.said();
    let all = [&said.what, &said.why, &said.fix];
    let says = all.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ");
    let local = matches!(reach.url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match said.ok {
        true if !said.why.is_empty() => {
            Check { look: "warn", icon: "warn", ..Check::good("Reachable", says) }
        }
        true if local => Check::good("Reachable", format!("{says} On this machine only.")),
        true => Check::good("Reachable", says),
        false => Check::bad("Not reachable", says),
    }
}
