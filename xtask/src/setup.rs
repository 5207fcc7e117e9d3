//! Installs what the tests need and the machine does not have: Debian packages, Node and Python peers, nextest.

use crate::cargo::cargo;
use crate::run::{read, run, say, text, works};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

const NEXTEST: &str = "0.9.143";
const NODE: &str = ".peers/node";
const PYTHON: &str = ".peers/python";
const DEFINITIONS: &str = "tests/peers";

/// A program the tests need, and the Debian package that brings it.
struct Need {
    package: &'static str,
    what: &'static str,
    present: fn() -> bool,
}

const NEEDS: [Need; 5] = [
    Need { package: "postgresql", what: "PostgreSQL 15 or newer (initdb, postgres)", present: postgres },
    Need { package: "chromium", what: "Chromium at /usr/bin/chromium", present: chromium },
    Need { package: "nodejs", what: "Node.js 20 or newer", present: || works("node", &["--version"]) },
    Need { package: "npm", what: "npm", present: || works("npm", &["--version"]) },
    Need {
        package: "python3-venv",
        what: "Python 3.11 or newer with venv",
        present: || works("python3", &["-c", "import venv, ensurepip"]),
    },
];

pub fn everything() -> Result<String> {
    let packages = debian()?;
    let nextest = nextest()?;
    let peers = peers()?;
    Ok(format!("{packages}; {nextest}; {peers}"))
}

fn chromium() -> bool {
    Path::new("/usr/bin/chromium").exists()
}

fn postgres() -> bool {
    postgres_folder().is_some() || works("initdb", &["--version"])
}

/// The newest PostgreSQL under Debian's folder, which is not on the PATH.
fn postgres_folder() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let numbered = versions.flatten().filter_map(|entry| {
        let number: u32 = entry.file_name().to_str()?.parse().ok()?;
        let folder = entry.path().join("bin");
        (number >= 15 && folder.join("initdb").exists()).then_some((number, folder))
    });
    numbered.max_by_key(|(number, _)| *number).map(|(_, folder)| folder)
}

fn debian() -> Result<String> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.present)()).collect();
    if missing.is_empty() {
        return Ok("system packages present".into());
    }
    let names: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let wanted =
        missing.iter().map(|need| format!("  {} (Debian: {})", need.what, need.package)).collect::<Vec<_>>();
    let help = format!("install these and run again:\n{}", wanted.join("\n"));
    let Some(prefix) = installer() else { bail!("{help}") };
    say(&format!("    installing {}", names.join(" ")));
    apt(&prefix, &["update"]).with_context(|| help.clone())?;
    apt(&prefix, &[&["install", "--yes", "--no-install-recommends"], names.as_slice()].concat())
        .with_context(|| help.clone())?;
    if let Some(need) = missing.iter().find(|need| !(need.present)()) {
        bail!("{} is installed but {} is not there; {help}", need.package, need.what);
    }
    Ok(format!("installed {}", names.join(" ")))
}

/// What to put before `apt-get`: nothing as root, `sudo` where it asks no password; `None` when neither works.
fn installer() -> Option<Vec<&'static str>> {
    if !works("apt-get", &["--version"]) {
        return None;
    }
    let root = read(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if root { Some(vec![]) } else { works("sudo", &["-n", "true"]).then(|| vec!["sudo", "-n"]) }
}

fn apt(prefix: &[&str], words: &[&str]) -> Result<()> {
    let mut line =
        prefix.iter().chain(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]).chain(words);
    let program = line.next().context("a command has a name")?;
    run(Command::new(program).args(line))
}

fn nextest() -> Result<String> {
    if works("cargo-nextest", &["nextest", "--version"]) {
        return Ok("cargo-nextest present".into());
    }
    run(&mut cargo(&["install", "cargo-nextest", "--locked", "--version", NEXTEST]))?;
    Ok(format!("installed cargo-nextest {NEXTEST}"))
}

/// The third-party peers, exactly as pinned in `tests/peers`.
pub fn peers() -> Result<String> {
    Ok(format!("{}; {}", node()?, python()?))
}

fn node() -> Result<String> {
    let lock = text(Path::new(DEFINITIONS).join("package-lock.json"))?;
    ensure!(
        !lock.contains("\"resolved\""),
        "tests/peers/package-lock.json names a registry host: make it again with npm's omit-lockfile-registry-resolved"
    );
    let files = ["package.json", "package-lock.json", "load.mjs"];
    let wanted =
        files.iter().map(|file| text(Path::new(DEFINITIONS).join(file))).collect::<Result<String>>()?;
    install(NODE, &wanted, "Node peers", || {
        for file in files {
            std::fs::copy(Path::new(DEFINITIONS).join(file), Path::new(NODE).join(file))?;
        }
        let options =
            ["ci", "--omit-lockfile-registry-resolved", "--no-audit", "--no-fund", "--loglevel=error"];
        run(Command::new("npm").args(options).current_dir(NODE))
    })
}

fn python() -> Result<String> {
    let list = Path::new(DEFINITIONS).join("requirements.txt");
    install(PYTHON, &text(&list)?, "Python peers", || {
        run(Command::new("python3").args(["-m", "venv", "--clear", PYTHON]))?;
        let options =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"];
        run(Command::new(Path::new(PYTHON).join("bin/python")).args(options).arg(&list))
    })
}

/// Runs `work` unless the folder already holds the result of the same definitions.
fn install(folder: &str, wanted: &str, name: &str, work: impl FnOnce() -> Result<()>) -> Result<String> {
    let stamp = Path::new(folder).with_extension("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(format!("{name} present"));
    }
    std::fs::create_dir_all(folder)?;
    say(&format!("    installing the {name} into {folder}"));
    work()?;
    std::fs::write(&stamp, wanted)?;
    Ok(format!("installed the {name}"))
}
