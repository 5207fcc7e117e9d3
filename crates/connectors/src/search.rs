//! Finding a connector by what a person types.

use std::sync::Arc;

use crate::schema::{Connector, Kind};

/// How well a connector fits; smaller is better. `None` when it does not.
pub(crate) fn rank(connector: &Connector, query: &str) -> Option<u32> {
    let words: Vec<String> = normalized(query).split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        return Some(0);
    }
    let whole = rank_word(connector, &squeezed(query));
    let each: Option<u32> =
        words.iter().map(|word| rank_word(connector, word)).try_fold(0, |sum, rank| Some(sum + rank?));
    match (whole, each) {
        (Some(whole), Some(each)) => Some(whole.min(each)),
        (found, None) | (None, found) => found,
    }
}

fn rank_word(connector: &Connector, word: &str) -> Option<u32> {
    let names = [connector.slug.as_str(), connector.display_name.as_str()];
    let aliases = connector.aliases.iter().map(String::as_str);
    let texts = names.into_iter().map(|name| (name, 0)).chain(aliases.map(|alias| (alias, 1)));
    let by_name = texts.filter_map(|(text, penalty)| rank_text(text, word).map(|rank| rank + penalty)).min();
    let kind = match connector.kind {
        Kind::Api => "api",
        Kind::Mcp => "mcp",
    };
    let categories = connector.categories.iter().map(String::as_str).chain([kind]);
    let by_category = categories.filter(|text| normalized(text).starts_with(word)).map(|_| 40).min();
    let by_blurb = connector
        .blurb
        .as_deref()
        .filter(|blurb| word.len() > 2 && normalized(blurb).contains(word))
        .map(|_| 60);
    [by_name, by_category, by_blurb].into_iter().flatten().min()
}

fn rank_text(text: &str, word: &str) -> Option<u32> {
    let (plain, tight) = (normalized(text), squeezed(text));
    if tight == *word {
        return Some(0);
    }
    if tight.starts_with(word) {
        return Some(4);
    }
    let mut parts = plain.split_whitespace();
    if parts.clone().any(|part| part.starts_with(word)) {
        return Some(8);
    }
    if word.len() > 2 && tight.contains(word) {
        return Some(12);
    }
    // one slip in a word of four letters, two from eight on
    let slips = match word.chars().count() {
        0..=3 => return None,
        4..=7 => 1,
        _ => 2,
    };
    let close = |candidate: &str| {
        let exact = distance(candidate, word, slips);
        let start: String = candidate.chars().take(word.chars().count()).collect();
        exact.or_else(|| distance(&start, word, slips).map(|slip| slip + 1))
    };
    let best = parts.by_ref().chain([tight.as_str()]).filter_map(close).min()?;
    Some(20 + best)
}

/// Lower case, punctuation as spaces.
fn normalized(text: &str) -> String {
    text.to_lowercase()
        .chars()
        .map(|character| if character.is_alphanumeric() { character } else { ' ' })
        .collect()
}

fn squeezed(text: &str) -> String {
    normalized(text).split_whitespace().collect()
}

/// Number of insertions, deletions, replacements and swaps of neighbours, `None` above `most`.
fn distance(left: &str, right: &str, most: u32) -> Option<u32> {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if left.len().abs_diff(right.len()) > most as usize {
        return None;
    }
    let mut before: Vec<u32> = Vec::new();
    let mut row: Vec<u32> = (0..=u32::try_from(right.len()).ok()?).collect();
    for (i, a) in left.iter().enumerate() {
        let mut next = vec![u32::try_from(i).ok()? + 1];
        for (j, b) in right.iter().enumerate() {
            let at = |row: &[u32], index: usize| row.get(index).copied().unwrap_or(u32::MAX / 2);
            let mut best = (at(&row, j) + u32::from(a != b)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && left.get(i - 1) == Some(b) && right.get(j - 1) == Some(a);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|distance| *distance <= most)
}

/// The connectors that fit, best first, then by name.
pub(crate) fn search<'a>(
    connectors: impl Iterator<Item = &'a Arc<Connector>>,
    query: &str,
) -> Vec<Arc<Connector>> {
    let mut found: Vec<(u32, &Arc<Connector>)> =
        connectors.filter_map(|connector| rank(connector, query).map(|rank| (rank, connector))).collect();
    found.sort_by(|left, right| {
        left.0
            .cmp(&right.0)
            .then_with(|| left.1.display_name.to_lowercase().cmp(&right.1.display_name.to_lowercase()))
    });
    found.into_iter().map(|(_, connector)| connector.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        assert_eq!(distance("slack", "slack", 1), Some(0));
        assert_eq!(distance("slack", "slcak", 1), Some(1));
        assert_eq!(distance("github", "gihtub", 1), Some(1));
        assert_eq!(distance("slack", "slick", 1), Some(1));
        assert_eq!(distance("slack", "track", 1), None);
    }
}
