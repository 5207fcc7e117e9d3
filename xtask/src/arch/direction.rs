//! Which crate may use which. The picture is in ARCHITECTURE.md.

use crate::cargo::{Metadata, Package};

/// A crate and the workspace crates its shipped code may use.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("core", &[]),
    ("vault", &["core"]),
    ("oauth", &["core"]),
    ("connectors", &["core", "oauth"]),
    ("egress", &["core"]),
    ("store", &["core"]),
    ("sandbox", &["core", "oauth", "connectors"]),
    ("app", &["core", "vault", "oauth", "connectors", "egress", "store"]),
    ("server", &["core", "vault", "oauth", "connectors", "sandbox", "app"]),
];

/// Crates that help developers and are never part of the program.
const DEVELOPMENT: [&str; 2] = ["keybearer-testkit", "xtask"];

/// Dependencies that one crate has to itself.
const OWNED: [(&str, &str); 3] =
    [("sqlx", "store"), ("hyper-rustls", "egress"), ("serde-saphyr", "connectors")];

pub fn findings(graph: &Metadata) -> Vec<String> {
    graph.members().flat_map(member).collect()
}

fn member(package: &Package) -> Vec<String> {
    if DEVELOPMENT.contains(&package.name.as_str()) {
        return vec![];
    }
    let known = package.name.strip_prefix("keybearer-");
    let Some((name, allowed)) = MAY_USE.iter().find(|(name, _)| Some(*name) == known) else {
        return vec![format!(
            "{}: one more crate needs a decision record and a line in xtask/src/arch/direction.rs",
            package.name
        )];
    };
    let shipped = package.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"));
    shipped
        .filter_map(|dependency| {
            let owner =
                OWNED.iter().find(|(crate_name, owner)| *crate_name == dependency.name && owner != name);
            if let Some((crate_name, owner)) = owner {
                return Some(format!("{name} uses {crate_name}, which only {owner} may"));
            }
            let other = dependency.name.strip_prefix("keybearer-")?;
            (!allowed.contains(&other))
                .then(|| format!("{name} uses {other}: the architecture does not allow that"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::Dependency;

    fn judge(name: &str, uses: &str, kind: Option<&str>) -> Vec<String> {
        let dependency =
            Dependency { name: uses.into(), req: "*".into(), kind: kind.map(Into::into), path: None };
        let package = Package {
            id: name.into(),
            name: name.into(),
            version: "0.1.0".into(),
            license: None,
            source: None,
            dependencies: vec![dependency],
        };
        findings(&Metadata {
            packages: vec![package],
            workspace_members: vec![name.into()],
            target_directory: "target".into(),
        })
    }

    #[test]
    fn a_crate_uses_what_lies_below_it_only() {
        assert!(judge("keybearer-app", "keybearer-store", None).is_empty());
        assert_eq!(judge("keybearer-server", "keybearer-store", None).len(), 1);
        assert_eq!(judge("keybearer-server", "keybearer-egress", None).len(), 1);
        assert_eq!(judge("keybearer-store", "keybearer-vault", None).len(), 1);
        assert_eq!(judge("keybearer-core", "keybearer-oauth", Some("build")).len(), 1);
    }

    #[test]
    fn tests_may_use_anything_and_the_program_never_uses_the_testkit() {
        assert!(judge("keybearer-server", "keybearer-store", Some("dev")).is_empty());
        assert_eq!(judge("keybearer-app", "keybearer-testkit", None).len(), 1);
    }

    #[test]
    fn sql_and_tls_clients_have_one_owner() {
        assert!(judge("keybearer-store", "sqlx", None).is_empty());
        assert_eq!(judge("keybearer-app", "sqlx", None).len(), 1);
        assert_eq!(judge("keybearer-server", "hyper-rustls", None).len(), 1);
    }

    #[test]
    fn a_tenth_crate_needs_a_decision() {
        assert_eq!(judge("keybearer-more", "serde", None).len(), 1);
    }
}
