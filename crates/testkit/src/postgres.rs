use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::{CommandExt as _, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};

/// One database of the shared cluster, dropped with the value.
#[derive(Debug)]
pub struct TestDatabase {
    server: String,
    name: String,
    url: String,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl TestDatabase {
    /// Creates an empty database; starts the cluster when this is the first one of the run.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start; the text says what to do.
    pub fn create() -> anyhow::Result<Self> {
        let server = server()?;
        let name = format!("kb_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        run_sql(&server, "postgres", &format!("CREATE DATABASE {name}"))?;
        let url = format!("{server}/{name}");
        Ok(Self { server, name, url })
    }

    /// Its address, `postgres://user@host:port/name`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs SQL in it, apart from any connection of the test, and gives the values as text.
    ///
    /// # Errors
    /// What the server says.
    pub fn query(&self, text: &str) -> anyhow::Result<String> {
        run_sql(&self.server, &self.name, text)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // best effort: the whole cluster goes away at the end of the run
        let _ = run_sql(&self.server, "postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// Address of the server, without a database.
fn server() -> anyhow::Result<String> {
    if let Ok(server) = std::env::var("KEYBEARER_TEST_PG") {
        return Ok(server.trim_end_matches('/').to_owned());
    }
    // the parent is the test runner: what ends with it, all its tests share
    let runner = parent_id();
    let base = std::env::temp_dir().join(format!("keybearer-test-pg-{runner}"));
    let lock = open_lock(&base)?;
    lock.lock().context("cannot lock the test cluster")?;
    let address = base.join("address");
    if let Ok(server) = std::fs::read_to_string(&address)
        && run_sql(&server, "postgres", "SELECT 1").is_ok()
    {
        return Ok(server);
    }
    let server = start(&base, runner)?;
    std::fs::write(&address, &server)?;
    Ok(server)
}

fn open_lock(base: &Path) -> anyhow::Result<File> {
    let path = base.with_extension("lock");
    OpenOptions::new().write(true).create(true).truncate(false).open(&path).context("cannot make a lock file")
}

fn start(base: &Path, runner: u32) -> anyhow::Result<String> {
    let _ = std::fs::remove_dir_all(base);
    std::fs::create_dir(base).context("cannot make the folder of the test cluster")?;
    std::fs::set_permissions(base, std::fs::Permissions::from_mode(0o755))?;
    let user = Account::choose(base)?;
    watch(base, runner)?;
    initialise(base, &user)?;
    let mut failure = None;
    // a port may be taken between the look and the start
    for _ in 0..3 {
        let port = crate::free_port()?;
        let settings = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='{}' -c max_connections=400 \
             -c shared_buffers=64MB -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
             -c autovacuum=off",
            base.display()
        );
        let mut command = user.command("pg_ctl", base)?;
        command.arg("-D").arg(base.join("data")).arg("-l").arg(base.join("log")).args(["-w", "-s", "-o"]);
        command.arg(settings).arg("start");
        match run(command) {
            Ok(_) => return Ok(format!("postgres://postgres@127.0.0.1:{port}")),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(|| anyhow::anyhow!("PostgreSQL does not start")))
}

fn initialise(base: &Path, user: &Account) -> anyhow::Result<()> {
    let attempt = |locale: &[&str]| {
        let _ = std::fs::remove_dir_all(base.join("data"));
        let mut command = user.command("initdb", base)?;
        command.arg("-D").arg(base.join("data")).args([
            "--no-sync",
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
        ]);
        command.args(locale);
        run(command)
    };
    // a locale whose order is not that of bytes shows where a COLLATE "C" is missing
    attempt(&["--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8"])
        .or_else(|_| attempt(&["--locale=C"]))
        .map(|_| ())
}

/// A process of its own that waits for the end of the runner, then stops the cluster and deletes it.
fn watch(base: &Path, runner: u32) -> anyhow::Result<()> {
    const SCRIPT: &str = r#"
        while kill -0 "$1" 2>/dev/null; do sleep 1; done
        server=$(head -n 1 "$2/data/postmaster.pid" 2>/dev/null)
        if [ -n "$server" ]; then
            kill -QUIT "$server"
            while kill -0 "$server" 2>/dev/null; do sleep 0.2; done
        fi
        rm -rf "$2" "$3"
    "#;
    let mut command = Command::new("sh");
    command.arg("-c").arg(SCRIPT).arg("keybearer-test-pg").arg(runner.to_string()).arg(base);
    command.arg(base.with_extension("lock")).current_dir("/").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("cannot start the watcher of the test cluster")?;
    Ok(())
}

/// Whose processes the cluster's are.
enum Account {
    /// Ours.
    Own,
    /// The user `postgres`, since the server refuses to run as root. The program that changes to it, with its
    /// arguments.
    Other(&'static [&'static str]),
}

const CHANGE_USER: &[&[&str]] = &[
    &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"],
    &["runuser", "-u", "postgres", "--"],
];

impl Account {
    fn choose(base: &Path) -> anyhow::Result<Self> {
        if std::fs::metadata(base)?.uid() != 0 {
            return Ok(Self::Own);
        }
        let mut chown = Command::new("chown");
        chown.arg("postgres").arg(base);
        run(chown).context("as root, the tests need a user postgres")?;
        let found =
            CHANGE_USER.iter().find(|words| words.first().is_some_and(|word| on_path(word).is_some()));
        found.map(|words| Self::Other(words)).context("as root, the tests need setpriv or runuser")
    }

    fn command(&self, program: &str, folder: &Path) -> anyhow::Result<Command> {
        let program = find_program(program)?;
        let mut command = match self {
            Self::Own => Command::new(program),
            Self::Other(words) => {
                let (first, rest) = words.split_first().context("no program")?;
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command.current_dir(folder).env_remove("PGDATA").env("LC_ALL", "C");
        Ok(command)
    }
}

fn find_program(name: &str) -> anyhow::Result<PathBuf> {
    if let Some(path) = on_path(name) {
        return Ok(path);
    }
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin").join(name))
        .filter(|path| path.is_file())
        .collect();
    versions.sort();
    versions.pop().with_context(|| format!("PostgreSQL's {name} is not installed: run `cargo xtask test`"))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn run_sql(server: &str, database: &str, text: &str) -> anyhow::Result<String> {
    let mut command = Command::new(find_program("psql")?);
    command.arg(format!("{server}/{database}")).args([
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        text,
    ]);
    run(command)
}

fn run(mut command: Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    // files, not pipes: a server that stays behind would hold a pipe open for ever
    let mut log = tempfile::tempfile()?;
    let status = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?)
        .status()
        .with_context(|| format!("cannot run {program}"))?;
    let mut bytes = Vec::new();
    std::io::Seek::rewind(&mut log)?;
    std::io::Read::read_to_end(&mut log, &mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    if !status.success() {
        bail!("{program}: {text}");
    }
    Ok(text)
}
