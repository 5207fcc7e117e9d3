/// Decoded name and value pairs of a query or a form body.
#[derive(Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    pub fn from_query(query: Option<&str>) -> Self {
        Self::parse(query.unwrap_or_default().as_bytes())
    }

    /// The first value that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// A name that occurs twice: refused (RFC 6749 section 3.1).
    pub fn duplicate(&self) -> Option<&str> {
        let mut names: Vec<&str> = self.0.iter().map(|(key, _)| key.as_str()).collect();
        names.sort_unstable();
        names.windows(2).find_map(|pair| match pair {
            [first, second] if first == second => Some(*first),
            _ => None,
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The pairs encoded again, without the names in `without`.
    pub fn encode_without(&self, without: &[&str]) -> String {
        let kept = self.iter().filter(|(key, _)| !without.contains(key));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_given_twice_is_found() {
        assert_eq!(Params::parse(b"a=1&b=2&a=3").duplicate(), Some("a"));
        assert_eq!(Params::parse(b"a=1&b=2").duplicate(), None);
    }

    #[test]
    fn encoding_leaves_out_what_was_asked() {
        assert_eq!(Params::parse(b"a=1&prompt=login&b=x%20y").encode_without(&["prompt"]), "a=1&b=x+y");
    }
}
