//! The steps that are one call of cargo, and what other steps ask cargo about.

use crate::run::{read, run};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// The part of `cargo metadata` that the checks use.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    pub workspace_members: Vec<String>,
    pub target_directory: PathBuf,
}

/// One package of the graph.
#[derive(Debug, Deserialize)]
pub struct Package {
    pub id: String,
    pub name: String,
    pub version: String,
    pub license: Option<String>,
    /// `None` for a path on this disk.
    pub source: Option<String>,
    pub dependencies: Vec<Dependency>,
}

/// One line of a package's dependency tables.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    pub name: String,
    pub req: String,
    /// `None` for a normal one, else `dev` or `build`.
    pub kind: Option<String>,
    pub path: Option<PathBuf>,
}

impl Metadata {
    /// The packages of this workspace.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }
}

/// The repository's folder.
pub fn root() -> Result<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in the repository")?.to_path_buf())
}

/// The cargo that runs this tool.
pub fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words);
    command
}

/// The dependency graph of the workspace in the current folder.
pub fn metadata() -> Result<Metadata> {
    let text = read(&mut cargo(&["metadata", "--format-version", "1", "--locked"]))?;
    serde_json::from_str(&text).context("cargo metadata answered something else")
}

/// Name and version of every package that is built for a target, tests included.
pub fn built(target: &str) -> Result<BTreeMap<(String, String), ()>> {
    let text = read(&mut cargo(&[
        "tree",
        "--workspace",
        "--locked",
        "--edges",
        "normal,build,dev",
        "--target",
        target,
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    Ok(text.lines().filter_map(name_and_version).map(|key| (key, ())).collect())
}

fn name_and_version(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let version = words.next()?.strip_prefix('v')?;
    Some((name.to_owned(), version.to_owned()))
}

pub fn fmt() -> Result<String> {
    run(&mut cargo(&["fmt", "--all", "--", "--check"]))?;
    Ok("formatted".into())
}

pub fn clippy() -> Result<String> {
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]))?;
    Ok("no warning".into())
}

pub fn doc() -> Result<String> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"]);
    run(command.env("RUSTDOCFLAGS", "--deny warnings"))?;
    Ok("no broken link".into())
}

/// The released program; the step `release` builds it.
pub fn binary() -> Result<PathBuf> {
    let path = metadata()?.target_directory.join("release/keybearer");
    anyhow::ensure!(path.is_file(), "{} is missing: cargo xtask test --only release", path.display());
    Ok(path)
}

pub fn connector_lint() -> Result<String> {
    run(Command::new(binary()?).args(["connectors", "lint", "connectors"]))?;
    Ok("every connector definition is sound".into())
}

/// Writes the generated files that are committed. The crates' own tests check that they are current.
pub fn generate() -> Result<()> {
    let command = ["run", "--quiet", "--locked", "--package", "keybearer-server", "--"];
    for (words, file) in [
        (&["openapi"][..], "docs/openapi.json"),
        (&["connectors", "schema"][..], "docs/connector.schema.json"),
    ] {
        let text = read(cargo(&command).args(words))?;
        std::fs::write(file, text).with_context(|| format!("cannot write {file}"))?;
        crate::run::say(&format!("wrote {file}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_of_cargo_tree() {
        let key = |line| name_and_version(line).map(|(name, version)| format!("{name} {version}"));
        assert_eq!(key("serde v1.0.229"), Some("serde 1.0.229".into()));
        assert_eq!(key("serde_derive v1.0.229 (proc-macro) (*)"), Some("serde_derive 1.0.229".into()));
        assert_eq!(key(""), None);
    }
}
