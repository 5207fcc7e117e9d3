//! A build that runs beside the steps before the one that needs it.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// How much of the log a failure shows.
const TAIL_LINES: usize = 60;

/// A started program whose output goes into a file. It ends with this value.
pub struct Background {
    shown: String,
    child: Child,
    log: PathBuf,
}

impl Background {
    /// Starts the command beside the other steps. Its share of the processor is theirs: a build that yields to them is still
    /// at its last crate, on one core, when they are done.
    pub fn start(mut command: Command, log: PathBuf) -> Result<Self> {
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let shown = crate::run::shown(&command);
        let child = command.spawn().with_context(|| format!("cannot start {shown}"))?;
        Ok(Self { shown, child, log })
    }

    /// Waits for its end; an error with the end of its output when that was not 0.
    pub fn join(mut self) -> Result<()> {
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        let log = String::from_utf8_lossy(&std::fs::read(&self.log)?).into_owned();
        bail!("{}: {status}; the end of {}:\n{}", self.shown, self.log.display(), tail(&log))
    }
}

impl Drop for Background {
    /// A run that stops early leaves no compiler behind.
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let started = descendants(self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for process in started {
            crate::run::works("kill", &["-KILL", &process.to_string()]);
        }
    }
}

/// What a process started, and what that started; nothing where the system does not tell.
fn descendants(process: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> = lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect();
    let deeper: Vec<u32> = children.iter().flat_map(|child| descendants(*child)).collect();
    children.into_iter().chain(deeper).collect()
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(TAIL_LINES)).copied().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::time::Duration;

    fn shell(script: &str, folder: &Path) -> Background {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Background::start(command, folder.join("log")).unwrap()
    }

    #[test]
    fn what_a_good_build_says_stays_in_its_log() {
        let folder = tempfile::tempdir().unwrap();
        shell("echo out; echo err >&2", folder.path()).join().unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), "out\nerr\n");
    }

    #[test]
    fn a_failed_build_shows_the_end_of_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let error = shell("seq 1 100; echo 'error[E0425]' >&2; exit 3", folder.path()).join().unwrap_err();
        let said = error.to_string();
        assert!(said.contains("exit status: 3") && said.ends_with("100\nerror[E0425]"), "{said}");
        assert!(said.contains("\n42\n") && !said.contains("\n41\n"), "{said}");
    }

    #[test]
    fn a_program_that_does_not_exist_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Background::start(Command::new("/nonexistent/cargo"), folder.path().join("log"));
        assert!(missing.err().unwrap().to_string().contains("/nonexistent/cargo"));
    }

    #[test]
    fn one_that_is_let_go_ends_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let build = shell("sh -c 'sleep 60 & echo $! && wait' & wait", folder.path());
        let log = folder.path().join("log");
        let grandchild = loop {
            let said = std::fs::read_to_string(&log).unwrap();
            if said.ends_with('\n') {
                break said.trim().to_owned();
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        assert!(crate::run::works("kill", &["-0", &grandchild]));
        drop(build);
        let gone = || match std::fs::read_to_string(format!("/proc/{grandchild}/stat")) {
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        };
        for _ in 0..200 {
            if gone() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(gone(), "the process {grandchild} is still there");
    }
}
