//! Path templates of `google.api.http`: literals, `{field}` segments and a `:verb` at the end, split by hand because
//! no router takes `{id}:verb`.

use std::cmp::Reverse;

use http::Method as Verb;
use percent_encoding::percent_decode_str;

/// All REST paths of the contract, the most literal first.
#[derive(Debug)]
pub(super) struct Paths<T>(Vec<Entry<T>>);

#[derive(Debug)]
struct Entry<T> {
    verb: Verb,
    template: Template,
    target: T,
}

#[derive(Debug, PartialEq, Eq)]
struct Template {
    segments: Vec<Segment>,
    custom_verb: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Field(String),
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a, T> {
    /// A target, with the values of its `{field}` segments.
    Target(&'a T, Vec<(String, String)>),
    /// The path exists for other HTTP methods only.
    OtherVerbs(Vec<&'a Verb>),
    /// There is no such path.
    Nothing,
}

impl<T> Paths<T> {
    pub(super) fn new(routes: impl IntoIterator<Item = (Verb, String, T)>) -> Self {
        let mut entries: Vec<_> = routes
            .into_iter()
            .map(|(verb, template, target)| Entry { verb, template: Template::parse(&template), target })
            .collect();
        // a literal beats a field, and `{id}:verb` beats `{id}`, which takes a colon as part of the value
        entries.sort_by_key(|entry| Reverse(entry.template.rank()));
        Self(entries)
    }

    /// Finds the target of an encoded path. HEAD counts as GET. The most literal template is the path's resource: a
    /// method that it does not have is not looked for at a less literal one, whose field would take a word for an id.
    pub(super) fn find(&self, verb: &Verb, path: &str) -> Found<'_, T> {
        let wanted = if verb == Verb::HEAD { &Verb::GET } else { verb };
        let mut others: Vec<&Entry<T>> = Vec::new();
        for entry in &self.0 {
            let Some(values) = entry.template.values(path) else {
                continue;
            };
            if others.first().is_some_and(|first| first.template.rank() != entry.template.rank()) {
                break;
            }
            if entry.verb == *wanted {
                return Found::Target(&entry.target, values);
            }
            others.push(entry);
        }
        let mut verbs: Vec<&Verb> = Vec::new();
        for entry in others {
            if !verbs.contains(&&entry.verb) {
                verbs.push(&entry.verb);
            }
        }
        if verbs.is_empty() { Found::Nothing } else { Found::OtherVerbs(verbs) }
    }
}

impl Template {
    fn parse(template: &str) -> Self {
        let path = template.trim_start_matches('/');
        let (head, last) = path.rsplit_once('/').map_or(("", path), |(head, last)| (head, last));
        let after_field = last.rfind('}').map_or(0, |at| at + 1);
        let (_, tail) = last.split_at_checked(after_field).unwrap_or((last, ""));
        let custom_verb = tail.split_once(':').map(|(_, verb)| verb.to_owned());
        let last = match &custom_verb {
            Some(verb) => {
                last.strip_suffix(verb.as_str()).and_then(|last| last.strip_suffix(':')).unwrap_or(last)
            }
            None => last,
        };
        let segments = head.split('/').chain([last]).filter(|segment| !segment.is_empty());
        let segments = segments.map(|segment| {
            match segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
                Some(field) => Segment::Field(field.to_owned()),
                None => Segment::Literal(segment.to_owned()),
            }
        });
        Self { segments: segments.collect(), custom_verb }
    }

    /// How literal it is: which segments are, and whether it ends in a custom verb.
    fn rank(&self) -> (Vec<bool>, bool) {
        let literals = self.segments.iter().map(|segment| matches!(segment, Segment::Literal(_)));
        (literals.collect(), self.custom_verb.is_some())
    }

    fn values(&self, path: &str) -> Option<Vec<(String, String)>> {
        let path = path.strip_prefix('/')?;
        let path = match &self.custom_verb {
            Some(verb) => path.strip_suffix(verb.as_str())?.strip_suffix(':')?,
            None => path,
        };
        let mut given = path.split('/');
        let mut values = Vec::new();
        for segment in &self.segments {
            let text = given.next()?;
            match segment {
                Segment::Literal(literal) if literal == text => {}
                Segment::Literal(_) => return None,
                Segment::Field(_) if text.is_empty() => return None,
                Segment::Field(field) => {
                    let decoded = percent_decode_str(text).decode_utf8().ok()?;
                    values.push((field.clone(), decoded.into_owned()));
                }
            }
        }
        given.next().is_none().then_some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> Paths<&'static str> {
        let route = |verb: Verb, template: &str, name| (verb, template.to_owned(), name);
        Paths::new([
            route(Verb::GET, "/v/things/{id}", "get"),
            route(Verb::GET, "/v/things/special", "special"),
            route(Verb::GET, "/v/things", "list"),
            route(Verb::POST, "/v/things", "create"),
            route(Verb::GET, "/v/things:search", "search"),
            route(Verb::POST, "/v/things:delete", "delete"),
            route(Verb::POST, "/v/things/{id}:stop", "stop"),
            route(Verb::PUT, "/v/things/{id}/parts", "parts"),
        ])
    }

    fn target(verb: Verb, path: &str) -> (&'static str, String) {
        match paths().find(&verb, path) {
            Found::Target(name, values) => {
                (name, values.iter().map(|(field, value)| format!("{field}={value}")).collect())
            }
            Found::OtherVerbs(_) => ("405", String::new()),
            Found::Nothing => ("404", String::new()),
        }
    }

    #[test]
    fn literals_beat_fields_and_verbs_beat_both() {
        assert_eq!(target(Verb::GET, "/v/things/special").0, "special");
        assert_eq!(target(Verb::GET, "/v/things/ca_1"), ("get", "id=ca_1".to_owned()));
        assert_eq!(target(Verb::POST, "/v/things/ca_1:stop"), ("stop", "id=ca_1".to_owned()));
        assert_eq!(target(Verb::GET, "/v/things:search").0, "search");
        assert_eq!(target(Verb::POST, "/v/things:delete").0, "delete");
        assert_eq!(target(Verb::PUT, "/v/things/7/parts"), ("parts", "id=7".to_owned()));
    }

    #[test]
    fn colons_in_values_come_raw_or_encoded() {
        assert_eq!(target(Verb::GET, "/v/things/ACME:12"), ("get", "id=ACME:12".to_owned()));
        assert_eq!(target(Verb::GET, "/v/things/ACME%3A12"), ("get", "id=ACME:12".to_owned()));
        assert_eq!(target(Verb::POST, "/v/things/ACME%3A12:stop"), ("stop", "id=ACME:12".to_owned()));
    }

    #[test]
    fn an_encoded_slash_stays_inside_its_segment() {
        assert_eq!(target(Verb::GET, "/v/things/a%2Fb"), ("get", "id=a/b".to_owned()));
        assert_eq!(target(Verb::GET, "/v/things/a/b").0, "404");
    }

    #[test]
    fn a_word_of_the_contract_is_never_taken_for_an_id() {
        let paths = Paths::new([
            (Verb::DELETE, "/v/things/{id}".to_owned(), "delete"),
            (Verb::GET, "/v/things/all".to_owned(), "all"),
            (Verb::POST, "/v/things/{id}:stop".to_owned(), "stop"),
        ]);
        assert_eq!(paths.find(&Verb::DELETE, "/v/things/all"), Found::OtherVerbs(vec![&Verb::GET]));
        assert_eq!(paths.find(&Verb::DELETE, "/v/things/x:stop"), Found::OtherVerbs(vec![&Verb::POST]));
        assert!(matches!(paths.find(&Verb::DELETE, "/v/things/x:other"), Found::Target(&"delete", _)));
    }

    #[test]
    fn other_verbs_are_told_from_unknown_paths() {
        assert_eq!(target(Verb::DELETE, "/v/things").0, "405");
        assert_eq!(target(Verb::GET, "/v/other").0, "404");
        assert_eq!(target(Verb::GET, "/v/things/").0, "404");
        assert_eq!(target(Verb::HEAD, "/v/things").0, "list");
        assert_eq!(target(Verb::GET, "/v/things/%ff").0, "404");
    }
}
