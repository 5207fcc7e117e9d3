//! The checks that need nobody but this process and its database.

use std::time::Duration;

use keybearer_core::{Code, Error, Result, Timestamp};
use keybearer_store::Backlog;
use keybearer_vault::KeyCheck;
use tokio::time::Instant;

use super::Check;
use crate::access::Caller;
use crate::keys;
use crate::open::wrong_key;
use crate::state::App;

/// The difference of clocks that nobody feels, and the one that breaks leases.
const CLOCK_ODD_MS: i64 = 1000;
const CLOCK_BAD_MS: i64 = 5000;
/// How late something may be before it is worth a word.
const LATE: Duration = Duration::from_secs(60);
/// Below this nothing can be written soon.
const DISK_BAD: u64 = 256 << 20;
const DISK_ODD: u64 = 2 << 30;

/// All of them, in the order of the page.
pub(super) async fn all(app: &App, caller: &Caller, started: Timestamp) -> Vec<Check> {
    let (database, schema, clock, key, sealing, webhooks, refreshes) = tokio::join!(
        database(app),
        schema(app),
        clock(app),
        root_key(app),
        sealing(app, caller),
        webhooks(app, caller),
        refreshes(app, caller),
    );
    let version = version(app, started);
    let mut checks = vec![version, or_failed("Database", database), or_failed("Migrations", schema)];
    checks.extend([or_failed("Clock", clock), or_failed("Encryption key", key)]);
    checks.extend([or_failed("Data keys", sealing), filter(app)]);
    checks.extend([or_failed("Webhook queue", webhooks), or_failed("Refreshes", refreshes)]);
    checks.push(waiting_grants(app).await);
    checks.extend(disk(app));
    checks
}

/// The lines for the page of the first owner, who can still do something about them.
pub(super) async fn before_the_first_owner(app: &App) -> (Check, Check) {
    let (key, database) = tokio::join!(root_key(app), database(app));
    (or_failed("Encryption key", key.map(|_| key_in_words(app))), or_failed("Database", database))
}

/// Where the key is that everything depends on, and what follows from that.
fn key_in_words(app: &App) -> Check {
    let keep = "Keep a copy apart from the database: without it nobody can read what is stored.";
    match app.key_file() {
        Some(path) => {
            Check::good("Encryption key", format!("It lies in {} and fits. {keep}", path.display()))
        }
        None => Check::good("Encryption key", format!("It came with the configuration and fits. {keep}")),
    }
}

fn or_failed(topic: &str, outcome: Result<Check>) -> Check {
    outcome.unwrap_or_else(|error| Check::failed(topic, &error))
}

fn version(app: &App, started: Timestamp) -> Check {
    let up = app.now().since(started);
    Check::good("Version", format!("Keybearer {}, up for {}.", env!("CARGO_PKG_VERSION"), length(up)))
}

async fn database(app: &App) -> Result<Check> {
    let begun = Instant::now();
    app.ready().await?;
    let ms = begun.elapsed().as_millis();
    let says = format!("{} answers in {ms} ms.", app.database_kind());
    if ms > 500 {
        return Ok(Check::odd("Database", says, "Look at the load of the database and the way to it."));
    }
    Ok(Check::good("Database", says))
}

async fn schema(app: &App) -> Result<Check> {
    let (found, known) = app.db().schema_versions().await?;
    if found > known {
        let says = format!("The database has version {found}; this program knows {known}.");
        return Ok(Check::odd("Migrations", says, "A newer node runs beside this one: update this one too."));
    }
    Ok(Check::good("Migrations", format!("All {found} are applied.")))
}

async fn clock(app: &App) -> Result<Check> {
    let difference = app.clock_difference_ms().await?;
    let says = format!("The database's clock is {difference} ms from this machine's.");
    let fix = "Switch on time synchronisation on both machines.";
    Ok(match difference.abs() {
        0..=CLOCK_ODD_MS => Check::good("Clock", says),
        _ if difference.abs() < CLOCK_BAD_MS => Check::odd("Clock", says, fix),
        _ => Check::bad("Clock", says, fix),
    })
}

async fn root_key(app: &App) -> Result<Check> {
    let found = app.db().find_installation().await?;
    let row = found.ok_or_else(|| Error::new(Code::ConfigInvalid, "the database has no installation"))?;
    KeyCheck::verify(app.root_key(), &row.epoch, &row.key_check).await.map_err(wrong_key)?;
    Ok(Check::good("Encryption key", format!("It opens what it must ({}).", app.root_key().id())))
}

async fn sealing(app: &App, caller: &Caller) -> Result<Check> {
    let primary = app.keyring()?.primary(&caller.environment).map_err(keys::vault_error)?.clone();
    let elsewhere = app
        .db()
        .count_sealed_elsewhere(&caller.environment, &keybearer_vault::Keyring::prefix(&primary).into())
        .await?;
    if elsewhere == 0 {
        return Ok(Check::good("Data keys", "Every value lies under the primary key."));
    }
    let says = format!("{elsewhere} values lie under an earlier key.");
    Ok(Check::odd("Data keys", says, "Move them: Settings, Encryption, or `keybearer keys reencrypt`."))
}

/// The guarded client must refuse what providers must never reach.
fn filter(app: &App) -> Check {
    let metadata = url::Url::parse("http://169.254.169.254/").ok();
    match metadata.map(|url| app.egress().check(&url)) {
        Some(Err(_)) => Check::good("Address filter", "Metadata and link-local addresses are refused."),
        _ => Check::odd(
            "Address filter",
            "A rule of the configuration opens the metadata address of cloud machines.",
            "Remove it from egress.allow unless you mean it.",
        ),
    }
}

async fn webhooks(app: &App, caller: &Caller) -> Result<Check> {
    let due = app.db().deliveries_due(&caller.environment, app.now()).await?;
    Ok(match late(app, &due) {
        Some(age) => Check::odd(
            "Webhook queue",
            format!("{} deliveries are due; the oldest waits for {}.", due.waiting, length(age)),
            "See Webhooks for the endpoint that does not keep up.",
        ),
        None => Check::good("Webhook queue", format!("{} deliveries are due, none for long.", due.waiting)),
    })
}

async fn refreshes(app: &App, caller: &Caller) -> Result<Check> {
    let now = app.now();
    let due = app.db().refreshes_due(&caller.environment, now).await?;
    let failing = app.db().refreshes_failing(&caller.environment, now).await?;
    if failing.waiting > 0 {
        let says = format!("{} accounts cannot be refreshed just now and are tried again.", failing.waiting);
        return Ok(Check::odd("Refreshes", says, "See Overview: their connections tell why."));
    }
    Ok(match late(app, &due) {
        Some(age) => Check::odd(
            "Refreshes",
            format!("{} accounts are due for a refresh; the oldest waits for {}.", due.waiting, length(age)),
            "If it grows, the providers are slow or this machine is too busy.",
        ),
        None => Check::good("Refreshes", format!("{} accounts are due, none for long.", due.waiting)),
    })
}

/// Refreshed grants that wait on the disk because the database could not take them.
async fn waiting_grants(app: &App) -> Check {
    match app.spill().waiting().await {
        0 => Check::good("Waiting grants", "None waits on the disk for the database."),
        count => Check::odd(
            "Waiting grants",
            format!("{count} refreshed grants wait on the disk for the database."),
            "They are written by themselves within minutes. Keep the folder until then.",
        ),
    }
}

#[cfg(unix)]
fn disk(app: &App) -> Option<Check> {
    let folder = app.config().spill_folder.as_ref()?;
    let there = folder.ancestors().find(|folder| folder.exists())?;
    let found = match rustix::fs::statvfs(there) {
        Ok(found) => found,
        Err(error) => {
            let fix = "Check that the folder is there and that the server's user may read it.";
            return Some(Check::odd("Disk", format!("The data folder cannot be looked at ({error})."), fix));
        }
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let says = format!("{} free for the data folder.", size(free));
    let fix = "Make room: without it neither tokens nor logs can be written.";
    Some(match free {
        ..DISK_BAD => Check::bad("Disk", says, fix),
        DISK_BAD..DISK_ODD => Check::odd("Disk", says, fix),
        _ => Check::good("Disk", says),
    })
}

#[cfg(not(unix))]
fn disk(_: &App) -> Option<Check> {
    None
}

/// How late the oldest is, when it is worth a word.
fn late(app: &App, due: &Backlog) -> Option<Duration> {
    due.oldest.map(|at| app.now().since(at)).filter(|age| *age > LATE)
}

fn size(bytes: u64) -> String {
    match bytes >> 20 {
        mib @ ..1024 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib >> 10),
    }
}

fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        assert_eq!(size(300 << 20), "300 MiB");
        assert_eq!(size(7 << 30), "7 GiB");
        assert_eq!(length(Duration::from_secs(59)), "59 s");
        assert_eq!(length(Duration::from_secs(90 * 60)), "1 h");
        assert_eq!(length(Duration::from_secs(3 * 86_400)), "3 days");
    }
}
