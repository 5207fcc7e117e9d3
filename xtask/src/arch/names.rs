//! No provider's name in Rust code: what a connector file can say must not be said twice.

use super::File;
use super::source::Source;

/// The connectors of the sandbox, which are ours.
const OWN: [&str; 4] = ["postcards", "luggage", "lockers", "turnstile"];

/// Slugs that are also words of English, of Rust or of a protocol: found only as a whole text of their own.
const ORDINARY: [&str; 24] = [
    "aws", "bearer", "box", "calendly", "close", "copper", "discord", "drift", "drive", "front", "gist",
    "harvest", "intercom", "linear", "monday", "notion", "outlook", "ramp", "sentry", "square", "stripe",
    "teams", "zoom", "slack",
];

/// Names of the wire contract that contain a provider's: the contract is not ours to rename.
const WIRE: [&str; 2] = ["trello_oauth1", "trellooauth1"];

/// The names to look for, read from the connector files.
pub struct Providers {
    /// Lower case; found anywhere in code and texts.
    distinct: Vec<String>,
    /// Lower case; found only when a text is nothing else.
    ordinary: Vec<String>,
}

impl Providers {
    pub fn read(files: &[File]) -> Self {
        let mut providers = Self { distinct: vec![], ordinary: vec![] };
        let connectors = files.iter().filter_map(|file| {
            let slug = file.path.strip_prefix("connectors/")?.strip_suffix("/connector.yaml")?;
            Some((slug, file.text.lines().find_map(|line| line.strip_prefix("display_name:"))))
        });
        for (slug, display) in connectors.filter(|(slug, _)| !OWN.contains(slug)) {
            let display = display.map(|name| name.trim().trim_matches(['"', '\'']).to_lowercase());
            for name in
                [slug.to_owned(), slug.replace('-', "_"), slug.replace('-', "")].into_iter().chain(display)
            {
                let ordinary = name.len() < 4 || ORDINARY.contains(&name.as_str());
                let list = if ordinary { &mut providers.ordinary } else { &mut providers.distinct };
                if !list.contains(&name) {
                    list.push(name);
                }
            }
        }
        providers
    }

    pub fn findings(&self, source: &Source) -> Vec<String> {
        let mut found = vec![];
        for (line, number) in source.code.lines().zip(1..) {
            found.extend(
                self.distinct_in(line).map(|name| format!("{number}: the code names the provider {name}")),
            );
        }
        for literal in &source.literals {
            let whole = literal.text.trim().to_lowercase();
            let ordinary = self.ordinary.iter().filter(|name| **name == whole).map(String::as_str);
            let named = self.distinct_in(&literal.text).chain(ordinary);
            found.extend(named.map(|name| format!("{}: a text names the provider {name}", literal.line)));
        }
        found
    }

    fn distinct_in(&self, text: &str) -> impl Iterator<Item = &str> {
        let lower = WIRE.iter().fold(text.to_lowercase(), |text, name| text.replace(name, ""));
        self.distinct.iter().filter(move |name| lower.contains(name.as_str())).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(code: &str) -> Vec<String> {
        let file = |slug: &str, name: &str| File {
            path: format!("connectors/{slug}/connector.yaml"),
            text: format!("slug: {slug}\ndisplay_name: {name}\n"),
        };
        let files = [
            file("github", "GitHub"),
            file("linear", "Linear"),
            file("google-calendar", "Google Calendar"),
            file("trello", "Trello"),
            file("postcards", "Postcards"),
        ];
        Providers::read(&files).findings(&Source::read(code))
    }

    #[test]
    fn a_provider_is_found_in_names_and_texts() {
        assert_eq!(findings("struct GithubClient;"), ["1: the code names the provider github"]);
        assert_eq!(findings("\n a(\"https://api.github.com\")").len(), 1);
        assert_eq!(findings("fn google_calendar() {}").len(), 1);
        assert_eq!(findings("a(\"Google Calendar\")").len(), 1);
    }

    #[test]
    fn an_ordinary_word_is_found_only_as_a_whole_text() {
        assert!(findings("fn linear_search() { a(\"linear search\") }").is_empty());
        assert_eq!(findings("if slug == \"linear\" {}"), ["1: a text names the provider linear"]);
    }

    #[test]
    fn names_of_the_wire_contract_are_free() {
        assert!(findings("Oauth1 = \"TRELLO_OAUTH1\", TrelloOauth1, trello_oauth1()").is_empty());
        assert_eq!(findings("Oauth1 = \"TRELLO_OAUTH1\", trello()").len(), 1);
    }

    #[test]
    fn comments_and_our_own_services_are_free() {
        assert!(findings("// GitHub answers 200 with an error\nlet a = \"postcards\";").is_empty());
    }
}
