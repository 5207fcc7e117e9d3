use url::Url;

use super::{Outcome, Reach, Seen};

/// The sentences about a [`Reach`], the same on every page and in the CLI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whether people who come back from a provider arrive here.
    pub ok: bool,
    /// What happened.
    pub what: String,
    /// Why; empty when there is nothing to explain.
    pub why: String,
    /// What to do; empty when there is nothing to do.
    pub fix: String,
}

const NOT_HERE: &str = "This address does not lead back to this server.";
const UNTIL_THEN: &str = "Until then no provider can send people back.";

impl Reach {
    /// What to tell a developer.
    pub fn said(&self) -> Said {
        let (url, host) = (shown(&self.url), self.url.host_str().unwrap_or_default());
        match &self.outcome {
            Outcome::Itself { ms, seen } => self.arrived(*ms, seen),
            Outcome::Other { status, server } => {
                let by = if server.is_empty() { "Another server" } else { server };
                let fix = format!("Point {host} here, or change the public URL. {UNTIL_THEN}");
                wrong(format!("{by} answered at {url} with {status}."), fix)
            }
            Outcome::Redirect { to } => self.redirected(to),
            Outcome::NoName => wrong(
                format!("The name {host} has no address here."),
                format!("Add {host} to your DNS, or change the public URL. {UNTIL_THEN}"),
            ),
            Outcome::Refused => wrong(
                format!("Nothing accepts connections at {url}."),
                format!("Start what forwards {host} to this server, or open its port. {UNTIL_THEN}"),
            ),
            Outcome::Tls(detail) => wrong(
                format!("No secure connection to {host}: {detail}."),
                format!("Give {host} a certificate that browsers trust, for that very name. {UNTIL_THEN}"),
            ),
            Outcome::Silent => wrong(
                format!("Nothing came back from {url} within 5 seconds."),
                format!(
                    "Look at firewall and forwarding for {host}. Some networks let no machine reach its own public address: then try {url}/health from outside."
                ),
            ),
            Outcome::Broken => wrong(
                format!("What answered at {url} did not speak HTTP to the end."),
                format!(
                    "Check scheme and port: a port that wants https gets http, or the other way round. {UNTIL_THEN}"
                ),
            ),
            Outcome::Shape(detail) => wrong(
                format!("{url} cannot be a public URL: {detail}."),
                "Set public_url to scheme, host and port alone, such as https://auth.example.com.".to_owned(),
            ),
            Outcome::Unasked(detail) => Said {
                ok: false,
                what: "The address could not be checked.".to_owned(),
                why: format!("The question was not sent: {detail}."),
                fix: "Check again; if it repeats, see the server's log.".to_owned(),
            },
        }
    }

    /// It is us; whether the pages take the request depends on the host that it names.
    fn arrived(&self, ms: u64, seen: &Seen) -> Said {
        let host = self.url.host_str().unwrap_or_default();
        let named = seen.host.parse::<http::uri::Authority>().map(|named| named.host().to_owned());
        if !named.as_deref().is_ok_and(|named| named.eq_ignore_ascii_case(host)) {
            return Said {
                ok: false,
                what: "Something in front changes the host name.".to_owned(),
                why: format!(
                    "{} leads here, but the request arrived for `{}`; the pages take only {host}.",
                    shown(&self.url),
                    seen.host
                ),
                fix: "Let the proxy pass the Host header on as it came.".to_owned(),
            };
        }
        let proto = seen.forwarded_proto.split(',').next().unwrap_or_default().trim();
        let why = match proto.is_empty() || proto.eq_ignore_ascii_case(self.url.scheme()) {
            true => String::new(),
            false => format!(
                "A proxy in front says that the request came by {proto}. Keybearer goes by the public URL; whoever asks by {proto} should be sent on to {}.",
                self.url.scheme()
            ),
        };
        Said { ok: true, what: format!("Answers as itself in {ms} ms."), why, fix: String::new() }
    }

    fn redirected(&self, to: &str) -> Said {
        let url = shown(&self.url);
        let other: Option<Url> = to.parse().ok();
        let scheme_only = other.as_ref().is_some_and(|other| {
            other.host_str() == self.url.host_str() && other.scheme() != self.url.scheme()
        });
        let fix = match (scheme_only, to == url) {
            (true, _) => format!("Set public_url to {to}, and register it at the providers. {UNTIL_THEN}"),
            (false, true) => format!("Let {url} forward every path to this server as it is. {UNTIL_THEN}"),
            (false, false) => {
                format!("Set public_url to {to} if that leads here, or stop the redirect. {UNTIL_THEN}")
            }
        };
        wrong(format!("{url} sends on to {to}."), fix)
    }
}

fn wrong(why: String, fix: String) -> Said {
    Said { ok: false, what: NOT_HERE.to_owned(), why, fix }
}

/// An address as people write it.
fn shown(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use keybearer_core::Timestamp;

    use super::*;

    fn said(url: &str, outcome: Outcome) -> Said {
        Reach { url: url.parse().unwrap(), at: Timestamp::from_seconds(0), outcome }.said()
    }

    fn seen(host: &str, proto: &str) -> Outcome {
        let seen = Seen { host: host.to_owned(), forwarded_proto: proto.to_owned(), ..Seen::default() };
        Outcome::Itself { ms: 41, seen }
    }

    #[test]
    fn the_sentence_of_another_server_is_the_one_of_the_copy_book() {
        let other = Outcome::Other { status: 404, server: "nginx".to_owned() };
        let said = said("https://auth.fieldnote.example", other);
        assert_eq!(said.what, "This address does not lead back to this server.");
        assert_eq!(said.why, "nginx answered at https://auth.fieldnote.example with 404.");
        assert_eq!(
            said.fix,
            "Point auth.fieldnote.example here, or change the public URL. Until then no provider can send people back."
        );
    }

    #[test]
    fn a_proxy_that_changes_the_host_is_a_fault_and_one_that_changes_the_scheme_a_remark() {
        let url = "https://auth.fieldnote.example";
        assert_eq!(said(url, seen("auth.fieldnote.example", "https")).what, "Answers as itself in 41 ms.");
        assert!(said(url, seen("AUTH.fieldnote.example:443", "")).ok);
        let odd = said(url, seen("auth.fieldnote.example", "http"));
        assert!(odd.ok && odd.why.contains("came by http"), "{odd:?}");
        let changed = said(url, seen("keybearer:4300", "https"));
        assert!(!changed.ok && changed.why.contains("`keybearer:4300`"), "{changed:?}");
    }

    #[test]
    fn a_redirect_says_which_address_to_set() {
        let to = |to: &str| Outcome::Redirect { to: to.to_owned() };
        let secure = said("http://localhost:4300", to("https://localhost:4300"));
        assert!(secure.fix.starts_with("Set public_url to https://localhost:4300"), "{secure:?}");
        let moved = said("https://a.example", to("https://b.example"));
        assert!(moved.why == "https://a.example sends on to https://b.example.", "{moved:?}");
    }
}
