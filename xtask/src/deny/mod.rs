//! Holds the dependency graph to `deny.toml`: licences, banned crates, wildcards, sources.
//!
//! The file is cargo-deny's. This check needs no extra tool on a fresh machine and refuses a key it does not know, so
//! that nothing in the file is silently without effect. Where cargo-deny is installed it runs as well.

mod licence;

use crate::cargo::{Metadata, Package, built, cargo, metadata};
use crate::run::{run, text, works};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeSet;

const DEFAULT_REGISTRY: &str = "https://github.com/rust-lang/crates.io-index";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Config {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Graph {
    targets: Vec<String>,
    all_features: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Licenses {
    unused_allowed_license: Level,
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    multiple_versions: Level,
    wildcards: Level,
    allow_wildcard_paths: bool,
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    unknown_registry: Level,
    unknown_git: Level,
    #[serde(default)]
    allow_registry: Vec<String>,
    #[serde(default)]
    allow_git: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Allow,
    Deny,
}

pub fn check() -> Result<String> {
    let config = read_config(&text("deny.toml")?)?;
    let graph = metadata()?;
    let mut packages = BTreeSet::new();
    for target in &config.graph.targets {
        packages.extend(built(target)?.into_keys());
    }
    let findings = findings(&config, &graph, &packages);
    ensure!(findings.is_empty(), "deny.toml does not allow this:\n{}", findings.join("\n"));
    let mut note = format!("{} packages, {} licences", packages.len(), config.licenses.allow.len());
    if works("cargo-deny", &["--version"]) {
        run(&mut cargo(&["deny", "--log-level", "error", "check", "licenses", "bans", "sources"]))?;
        note.push_str(", and cargo-deny agrees");
    }
    Ok(note)
}

fn read_config(text: &str) -> Result<Config> {
    let config: Config =
        toml::from_str(text).context("deny.toml says something that xtask/src/deny does not check")?;
    ensure!(!config.graph.targets.is_empty(), "deny.toml: graph.targets names no target");
    ensure!(!config.graph.all_features, "deny.toml: graph.all-features is not checked");
    ensure!(
        config.bans.multiple_versions == Level::Allow,
        "deny.toml: bans.multiple-versions is not checked"
    );
    Ok(config)
}

fn findings(config: &Config, graph: &Metadata, built: &BTreeSet<(String, String)>) -> Vec<String> {
    let packages: Vec<&Package> = graph
        .packages
        .iter()
        .filter(|package| built.contains(&(package.name.clone(), package.version.clone())))
        .collect();
    let mut found = licences(&config.licenses, &packages);
    found.extend(bans(&config.bans, &packages));
    if config.bans.wildcards == Level::Deny {
        found.extend(graph.members().flat_map(|member| wildcards(&config.bans, member)));
    }
    found.extend(packages.iter().filter_map(|package| source(&config.sources, graph, package)));
    found
}

fn licences(config: &Licenses, packages: &[&Package]) -> Vec<String> {
    let mut found = vec![];
    let mut seen = BTreeSet::new();
    for package in packages {
        let Some(text) = package.license.as_deref() else {
            found.push(format!("{} {} names no licence", package.name, package.version));
            continue;
        };
        match licence::parse(text) {
            Err(error) => {
                found.push(format!("{} {}: licence {text:?}: {error}", package.name, package.version))
            }
            Ok(expression) => {
                seen.extend(expression.names());
                if !expression.allowed(&|name| config.allow.iter().any(|allowed| allowed == name)) {
                    found.push(format!("{} {} is under {text}", package.name, package.version));
                }
            }
        }
    }
    if config.unused_allowed_license == Level::Deny {
        let unused = config.allow.iter().filter(|name| !seen.contains(*name));
        found.extend(unused.map(|name| format!("no package is under {name}: remove it from licenses.allow")));
    }
    found
}

fn bans(config: &Bans, packages: &[&Package]) -> Vec<String> {
    let banned = |package: &&Package| {
        config.deny.iter().find(|ban| ban.name == package.name).map(|ban| {
            format!(
                "{} {} is banned: {} (who needs it: cargo tree --invert {0})",
                package.name, package.version, ban.reason
            )
        })
    };
    packages.iter().filter_map(banned).collect()
}

fn wildcards(config: &Bans, member: &Package) -> Vec<String> {
    let wild = member.dependencies.iter().filter(|dependency| {
        dependency.req == "*" && !(config.allow_wildcard_paths && dependency.path.is_some())
    });
    wild.map(|dependency| format!("{} takes any version of {}", member.name, dependency.name)).collect()
}

fn source(config: &Sources, graph: &Metadata, package: &Package) -> Option<String> {
    let name = format!("{} {}", package.name, package.version);
    let Some(source) = package.source.as_deref() else {
        let ours = graph.workspace_members.contains(&package.id);
        return (!ours).then(|| format!("{name} is a folder outside the workspace"));
    };
    let (kind, address) = source.split_once('+').unwrap_or(("unknown", source));
    let known = |list: &[String]| list.iter().any(|allowed| address.starts_with(allowed.as_str()));
    let refused = match kind {
        "registry" | "sparse" => {
            let known = if config.allow_registry.is_empty() {
                address == DEFAULT_REGISTRY
            } else {
                known(&config.allow_registry)
            };
            config.unknown_registry == Level::Deny && !known
        }
        "git" => config.unknown_git == Level::Deny && !known(&config.allow_git),
        _ => true,
    };
    refused.then(|| format!("{name} comes from {source}"))
}

#[cfg(test)]
#[path = "deny_tests.rs"]
mod tests;
