//! The rules of the architecture that a compiler does not check.

mod direction;
mod names;
mod secrets;
mod source;
mod words;

use crate::cargo::metadata;
use crate::run::{read, say, text};
use anyhow::{Result, ensure};
use source::Source;
use std::collections::BTreeMap;
use std::process::Command;

const MAX_LINES: usize = 500;
const COUNTED: [&str; 7] = ["rs", "mjs", "js", "py", "sh", "css", "html"];

/// A text file of the repository.
struct File {
    path: String,
    text: String,
}

impl File {
    fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// The crate whose shipped code this is; `None` for tests, tools and everything that is not Rust.
    fn product_crate(&self) -> Option<&str> {
        let (name, inside) = self.path.strip_prefix("crates/")?.split_once('/')?;
        let inside = inside.strip_prefix("src/")?;
        let test = inside
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs"));
        (self.extension() == "rs" && !test && name != "testkit").then_some(name)
    }
}

pub fn check() -> Result<String> {
    let files = files()?;
    let mut found = direction::findings(&metadata()?);
    found.extend(files.iter().filter_map(too_long));
    found.extend(files.iter().flat_map(words::findings));
    let providers = names::Providers::read(&files);
    let mut exposures: BTreeMap<&str, usize> = BTreeMap::new();
    for file in &files {
        let Some(name) = file.product_crate() else {
            continue;
        };
        let source = Source::read(&file.text).without_tests();
        found.extend(
            source_findings(name, &source, &providers)
                .into_iter()
                .chain(secrets::findings(&file.path, &source))
                .map(|finding| format!("{}:{finding}", file.path)),
        );
        *exposures.entry(name).or_default() += source.code.matches(".expose()").count();
    }
    let counted: Vec<String> = exposures
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    say(&format!("    secrets leave their wrapper (.expose()) in: {}", counted.join(", ")));
    ensure!(found.is_empty(), "{} broken rules:\n{}", found.len(), found.join("\n"));
    Ok(format!("{} files keep the rules", files.len()))
}

/// Every file that git tracks or would track, if it is text.
fn files() -> Result<Vec<File>> {
    let listed =
        read(Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]))?;
    let paths = listed.split_terminator('\0').filter(|path| *path != "Cargo.lock");
    // A binary file is not UTF-8, and a tracked file may be deleted in the work tree.
    Ok(paths.filter_map(|path| Some(File { path: path.to_owned(), text: text(path).ok()? })).collect())
}

fn too_long(file: &File) -> Option<String> {
    let lines = file.text.lines().count();
    let vendored = file.path.contains(".min.") || file.path.contains("/vendor/");
    (COUNTED.contains(&file.extension()) && !vendored && lines > MAX_LINES)
        .then(|| format!("{}: {lines} lines, at most {MAX_LINES}: split it by what it does", file.path))
}

fn source_findings(name: &str, source: &Source, providers: &names::Providers) -> Vec<String> {
    let mut found = providers.findings(source);
    if name != "store" {
        found.extend(source.literals.iter().filter(|literal| words::is_sql(&literal.text)).map(|literal| {
            format!(
                "{}: SQL outside crates/store: {:?}",
                literal.line,
                literal.text.chars().take(40).collect::<String>()
            )
        }));
        found.extend(source.uses("sqlx").map(|line| format!("{line}: sqlx outside crates/store")));
    }
    if name != "egress" {
        for socket in ["TcpStream::connect", "UdpSocket", "hyper_util::client", "hyper::client"] {
            found.extend(source.uses(socket).map(|line| format!("{line}: {socket} outside crates/egress")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_file_of_more_than_500_lines_is_found() {
        assert!(too_long(&file("crates/app/src/lib.rs", &"x\n".repeat(500))).is_none());
        assert!(too_long(&file("crates/app/src/lib.rs", &"x\n".repeat(501))).is_some());
        assert!(too_long(&file("docs/openapi.json", &"x\n".repeat(9000))).is_none());
    }

    #[test]
    fn tests_and_tools_are_not_product_code() {
        for path in [
            "crates/app/src/a_tests.rs",
            "crates/app/src/tests/b.rs",
            "crates/app/tests/it/main.rs",
            "crates/testkit/src/lib.rs",
            "xtask/src/main.rs",
            "crates/app/README.md",
        ] {
            assert_eq!(file(path, "").product_crate(), None, "{path}");
        }
        assert_eq!(file("crates/app/src/flows/start.rs", "").product_crate(), Some("app"));
    }

    #[test]
    fn sql_and_sockets_belong_to_one_crate_each() {
        let providers = names::Providers::read(&[]);
        let source = Source::read("fn a() { b(\"SELECT id FROM account\"); TcpStream::connect(c); }");
        assert_eq!(source_findings("app", &source, &providers).len(), 2);
        assert_eq!(source_findings("store", &source, &providers).len(), 1);
        assert_eq!(source_findings("egress", &source, &providers).len(), 1);
        let harmless = Source::read("// SELECT id FROM account\nfn a() { b(\"select an account\") }");
        assert!(source_findings("app", &harmless, &providers).is_empty());
    }
}
