//! Words that must not be in any file of the repository.

use super::File;

/// Folders of the machine somebody works on. They are spelt in parts so that this file does not hold them.
const MACHINE: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp/", "plan"), concat!("/opt/", "wheels")];

/// Hosts of package registries. Which one is used is the machine's business.
const REGISTRIES: [&str; 8] = [
    concat!("registry.", "npmjs.org"),
    concat!("npmjs", ".com/package"),
    concat!("://crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("deb.debian", ".org"),
];

const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];

pub fn findings(file: &File) -> Vec<String> {
    let lines = file.text.lines().zip(1..);
    lines.filter_map(|(line, number)| Some(format!("{}:{number}: {}", file.path, fault(line)?))).collect()
}

fn fault(line: &str) -> Option<String> {
    if let Some(path) = MACHINE.iter().find(|path| begins_a_path(line, path)) {
        return Some(format!("a path of one machine ({path})"));
    }
    if let Some(host) = REGISTRIES.iter().find(|host| line.contains(**host)) {
        return Some(format!("the host of a package registry ({host})"));
    }
    let word = UNFINISHED.iter().find(|word| line.contains(**word))?;
    Some(format!("unfinished work ({word}): finish it or file an issue"))
}

/// Whether the path stands here by itself, not as the tail of a longer one or of an address.
fn begins_a_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(start, _)| {
        let before = line.get(..start).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '~' | '*'))
    })
}

/// Whether a text is a statement for a database.
pub fn is_sql(text: &str) -> bool {
    let has = |word: &str| text.contains(word);
    (has("SELECT ") && has(" FROM "))
        || (has("UPDATE ") && has(" SET "))
        || has("INSERT INTO ")
        || has("DELETE FROM ")
        || has("CREATE TABLE ")
        || has("PRAGMA ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: String) -> bool {
        !findings(&File { path: "a".into(), text: line }).is_empty()
    }

    #[test]
    fn a_path_of_this_machine_is_found_and_a_longer_one_is_not() {
        let [work, root, ..] = MACHINE;
        assert!(found(format!("see {work}main")));
        assert!(found(format!("\"{root}.cargo\"")));
        assert!(!found(format!("https://example.com{work}x")));
        assert!(!found(format!("..{work}x")));
    }

    #[test]
    fn a_registry_host_is_found() {
        for host in REGISTRIES {
            assert!(
                found(format!(
                    "\"https{}/x\"",
                    if host.starts_with(':') { host.into() } else { format!("://{host}") }
                )),
                "{host}"
            );
        }
        assert!(!found("docs.rs and crates in general".into()));
    }

    #[test]
    fn unfinished_work_is_found() {
        for word in UNFINISHED {
            assert!(found(format!("// {word} later")));
        }
    }

    #[test]
    fn statements_are_told_from_sentences() {
        assert!(is_sql("SELECT a FROM b"));
        assert!(is_sql("UPDATE a SET b = 1"));
        assert!(!is_sql("please SELECT one"));
        assert!(!is_sql("update the account"));
    }
}
