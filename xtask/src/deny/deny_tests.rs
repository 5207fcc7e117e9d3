use super::*;
use crate::cargo::Dependency;

const OURS: &str = include_str!("../../../deny.toml");
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn package(name: &str, license: &str) -> Package {
    Package {
        id: format!("{name}@1.0.0"),
        name: name.into(),
        version: "1.0.0".into(),
        license: Some(license.into()),
        source: Some(REGISTRY.into()),
        dependencies: vec![],
    }
}

/// A graph that uses every licence of the real file, with something planted in it.
fn judge(planted: Vec<Package>, members: &[&str]) -> Vec<String> {
    let config = read_config(OURS).unwrap();
    let all = config.licenses.allow.join(" AND ");
    let mut packages = vec![package("well-behaved", &all)];
    packages.extend(planted);
    let built = packages.iter().map(|package| (package.name.clone(), package.version.clone())).collect();
    let workspace_members = members.iter().map(|name| format!("{name}@1.0.0")).collect();
    findings(&config, &Metadata { packages, workspace_members, target_directory: "target".into() }, &built)
}

#[test]
fn a_graph_that_keeps_the_rules_has_no_finding() {
    assert_eq!(judge(vec![package("fine", "MIT OR Apache-2.0")], &[]), Vec::<String>::new());
}

#[test]
fn a_planted_licence_is_found() {
    assert_eq!(
        judge(vec![package("copyleft", "GPL-3.0-only")], &[]),
        ["copyleft 1.0.0 is under GPL-3.0-only"]
    );
    let unnamed = Package { license: None, ..package("unnamed", "") };
    assert_eq!(judge(vec![unnamed], &[]), ["unnamed 1.0.0 names no licence"]);
}

#[test]
fn every_banned_crate_is_found_when_planted() {
    for name in ["ring", "openssl", "openssl-sys", "native-tls", "reqwest"] {
        let found = judge(vec![package(name, "MIT")], &[]);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found.concat().starts_with(&format!("{name} 1.0.0 is banned: ")), "{found:?}");
    }
}

#[test]
fn a_banned_crate_that_is_in_the_lock_file_but_not_built_is_no_finding() {
    let config = read_config(OURS).unwrap();
    let packages = vec![package("ring", "MIT")];
    let graph = Metadata { packages, workspace_members: vec![], target_directory: "target".into() };
    let found = findings(&config, &graph, &BTreeSet::new());
    assert!(found.iter().all(|finding| !finding.contains("ring ")), "{found:?}");
}

#[test]
fn other_sources_than_the_registry_are_found() {
    for source in [
        "git+https://example.com/fork.git?rev=1#1",
        "registry+https://example.com/index",
        "sparse+https://example.com/",
    ] {
        let foreign = Package { source: Some(source.into()), ..package("foreign", "MIT") };
        assert_eq!(judge(vec![foreign], &[]), [format!("foreign 1.0.0 comes from {source}")]);
    }
    let folder = || Package { source: None, ..package("folder", "MIT") };
    assert_eq!(judge(vec![folder()], &[]), ["folder 1.0.0 is a folder outside the workspace"]);
    assert_eq!(judge(vec![folder()], &["folder"]), Vec::<String>::new());
}

#[test]
fn a_wildcard_version_is_found_in_a_member_only() {
    let wild = || Package {
        source: None,
        dependencies: vec![Dependency { name: "anything".into(), req: "*".into(), kind: None, path: None }],
        ..package("member", "MIT")
    };
    assert_eq!(judge(vec![wild()], &["member"]), ["member takes any version of anything"]);
}

#[test]
fn a_licence_that_nothing_needs_is_found() {
    let config = read_config(OURS).unwrap();
    let found = licences(&config.licenses, &[&package("only", "MIT")]);
    assert!(
        found.contains(&"no package is under Zlib: remove it from licenses.allow".to_owned()),
        "{found:?}"
    );
}

#[test]
fn a_key_that_is_not_checked_is_refused() {
    let more = OURS.replace("[licenses]", "[licenses]\nexceptions = []");
    assert!(read_config(&more).is_err());
    let more = OURS.replace("multiple-versions = \"allow\"", "multiple-versions = \"deny\"");
    assert!(read_config(&more).is_err());
}

#[test]
fn the_real_graph_of_a_planted_workspace_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let ours = "[package]\nname = \"ours\"\nversion = \"1.0.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n";
    write("workspace/Cargo.toml", "[workspace]\nmembers = [\"ours\"]\nresolver = \"3\"\n");
    write(
        "workspace/ours/Cargo.toml",
        &format!("{ours}[dependencies]\nring = {{ path = \"../../planted\" }}\n"),
    );
    write("workspace/ours/src/lib.rs", "");
    let planted = ours.replace("ours", "ring").replace("1.0.0", "0.17.0").replace("MIT", "GPL-3.0-only");
    write("planted/Cargo.toml", &planted);
    write("planted/src/lib.rs", "");
    let ask = |words: &[&str]| {
        let output =
            crate::cargo::cargo(words).current_dir(folder.path().join("workspace")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let graph: Metadata =
        serde_json::from_str(&ask(&["metadata", "--format-version", "1", "--offline"])).unwrap();
    let built =
        graph.packages.iter().map(|package| (package.name.clone(), package.version.clone())).collect();
    let found = findings(&read_config(OURS).unwrap(), &graph, &built).join("\n");
    assert!(found.contains("ring 0.17.0 is under GPL-3.0-only"), "{found}");
    assert!(found.contains("ring 0.17.0 is banned: one crypto provider"), "{found}");
    assert!(found.contains("ring 0.17.0 is a folder outside the workspace"), "{found}");
}
