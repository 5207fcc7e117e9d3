//! Monogram tiles: one or two letters on one of twelve tints.

/// A tile as the template draws it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Tile {
    /// Which tint, 0 to 11.
    pub tint: u32,
    /// One or two letters.
    pub letters: String,
}

impl Tile {
    /// The tile of a thing with a name; `slug` decides the tint.
    pub fn new(slug: &str, name: &str) -> Self {
        Self { tint: tint(slug), letters: letters(name) }
    }

    /// The tile of a thing that has no slug.
    pub fn of_name(name: &str) -> Self {
        Self::new(&name.to_lowercase(), name)
    }
}

fn tint(slug: &str) -> u32 {
    slug.encode_utf16().fold(7_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit))) % 12
}

/// The first letters of the first two words, or the first two letters of the only one.
fn letters(name: &str) -> String {
    let words = words(name);
    let second = match words.as_slice() {
        [only] => only.chars().nth(1),
        [_, second, ..] => second.chars().next(),
        [] => None,
    };
    let first = words.first().and_then(|word| word.chars().next()).unwrap_or('?');
    let upper = first.to_uppercase().chain(second.into_iter().flat_map(char::to_lowercase));
    upper.take(3).collect()
}

/// `GitHub` and `Google Drive` are two words, `Datadog` and `HTTP` are one.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_is_lower = false;
    for character in name.chars() {
        let hump = before_is_lower && character.is_uppercase();
        if hump || !character.is_alphanumeric() {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(last) = words.last_mut()
        {
            last.push(character);
        }
        before_is_lower = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_from_words_and_humps() {
        let of = |name| Tile::of_name(name).letters;
        assert_eq!(of("GitHub"), "Gh");
        assert_eq!(of("Google Drive"), "Gd");
        assert_eq!(of("datadog"), "Da");
        assert_eq!(of("HTTP"), "Ht");
        assert_eq!(of("X"), "X");
        assert_eq!(of("<script>"), "Sc");
        assert_eq!(of(""), "?");
        assert_eq!(of("中文"), "中文");
    }

    #[test]
    fn the_tints_are_those_of_the_specimen() {
        assert_eq!([tint("fieldnote"), tint("github"), tint("datadog")], [5, 6, 11]);
    }
}
