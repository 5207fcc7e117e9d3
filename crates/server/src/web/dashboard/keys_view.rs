//! What the pages of API clients show.

use askama::Template;
use axum::response::Response;
use keybearer_app::clients::{ApiClient, ClientSecret, NewSecret, TOKEN_SECONDS};
use keybearer_app::{Listed, Permission, Permissions};
use keybearer_core::{SecretString, Timestamp};

use super::connections::Badge;
use super::frame::{Frame, Section};
use super::guard::Visit;
use super::keys::OVERLAPS;
use super::permissions::{self, Group};
use super::when::When;

/// What a form about a client holds.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// The newest client when the form was opened.
    pub newest: String,
    pub name: String,
    pub permissions: Permissions,
    pub networks: String,
    pub token_seconds: Option<i64>,
    pub wrong: Option<String>,
}

impl Draft {
    /// An empty form.
    pub fn new(newest: String, permissions: Permissions) -> Self {
        Self {
            newest,
            name: String::new(),
            permissions,
            networks: String::new(),
            token_seconds: None,
            wrong: None,
        }
    }

    fn of(client: &ApiClient) -> Self {
        Self {
            name: client.name.clone(),
            networks: client.networks.join("\n"),
            token_seconds: Some(client.token_seconds),
            ..Self::new(String::new(), client.permissions.clone())
        }
    }
}

/// D19.
#[derive(Template)]
#[template(path = "dashboard/keys.html")]
struct ListView {
    frame: Frame,
    rows: Vec<Row>,
    total: i64,
    next: String,
    previous: String,
    may: bool,
}

/// One client of the list.
struct Row {
    id: String,
    name: String,
    may: String,
    badge: Badge,
    suffixes: String,
    created: When,
    used: Option<When>,
    from: String,
    ends: Option<When>,
}

/// The form of a client.
pub(super) struct Fields {
    wrong: Option<String>,
    newest: String,
    name: String,
    groups: Vec<Group>,
    networks: String,
    lives: Vec<(i64, &'static str, bool)>,
}

/// D19, a new one.
#[derive(Template)]
#[template(path = "dashboard/key_new.html")]
pub(super) struct NewView {
    frame: Frame,
    form: Fields,
    notice: Option<&'static str>,
}

/// The one page that shows a secret.
#[derive(Template)]
#[template(path = "dashboard/key_secret.html")]
pub(super) struct SecretView {
    frame: Frame,
    id: String,
    name: String,
    secret: SecretString,
    issuer: String,
    former: Option<&'static str>,
}

/// D19, one of them.
#[derive(Template)]
#[template(path = "dashboard/key.html")]
pub(super) struct OneView {
    frame: Frame,
    id: String,
    name: String,
    badge: Badge,
    secrets: Vec<SecretRow>,
    newest: String,
    created: When,
    used: Option<When>,
    from: String,
    form: Fields,
    overlaps: [(u64, &'static str); 4],
    may: bool,
    may_rotate: bool,
    /// Whether it may do nothing that the member may not.
    covered: bool,
}

/// A secret, without its text.
struct SecretRow {
    id: String,
    suffix: String,
    badge: Badge,
    created: When,
    by: String,
    used: Option<When>,
    from: String,
    ends: Option<When>,
}

/// The page before one is deleted.
#[derive(Template)]
#[template(path = "dashboard/delete_key.html")]
pub(super) struct DeleteView {
    frame: Frame,
    id: String,
    name: String,
    used: Option<When>,
    from: String,
    recent: bool,
}

/// The list.
pub(super) fn list(visit: &Visit, listed: Listed<ApiClient>) -> Response {
    let now = visit.app().now();
    let address =
        |token: Option<String>| token.map(|token| format!("/api-keys?page={token}")).unwrap_or_default();
    let view = ListView {
        rows: listed.items.into_iter().map(|client| row(client, now)).collect(),
        total: listed.total,
        next: address(listed.next),
        previous: address(listed.previous),
        may: visit.caller().permissions.has(Permission::ClientsWrite),
        frame: visit.frame(Section::Keys, "API keys").command("keybearer clients list"),
    };
    visit.page(&view)
}

fn row(client: ApiClient, now: Timestamp) -> Row {
    let live = |secret: &&ClientSecret| secret.active && secret.expires_at.is_none_or(|end| end > now);
    let lasting = client.secrets.iter().filter(live).any(|secret| secret.expires_at.is_none());
    let last = client.secrets.iter().filter(live).filter_map(|secret| secret.expires_at).max();
    let suffixes: Vec<String> =
        client.secrets.iter().filter(live).map(|secret| format!("…{}", secret.suffix)).collect();
    Row {
        badge: badge(&client, suffixes.is_empty()),
        may: permissions::in_short(&client.permissions),
        suffixes: suffixes.join(", "),
        created: When::new(client.created_at, now),
        used: client.last_used_at.map(|at| When::new(at, now)),
        from: client.last_used_address.unwrap_or_default(),
        ends: last.filter(|_| !lasting).map(|at| When::new(at, now)),
        id: client.id.to_string(),
        name: client.name,
    }
}

fn badge(client: &ApiClient, without_secret: bool) -> Badge {
    match () {
        () if client.disabled => Badge { word: "Off", look: "", icon: "pause" },
        () if without_secret => Badge { word: "No secret", look: "warn", icon: "warn" },
        () => Badge { word: "Active", look: "ok", icon: "check" },
    }
}

fn fields(visit: &Visit, draft: Draft) -> Fields {
    let lives = [(900, "15 minutes"), (3_600, "1 hour"), (TOKEN_SECONDS, "1 day")];
    let chosen = draft.token_seconds.unwrap_or(TOKEN_SECONDS);
    let mut lives: Vec<(i64, &'static str, bool)> =
        lives.into_iter().map(|(seconds, label)| (seconds, label, seconds == chosen)).collect();
    if !lives.iter().any(|(.., chosen)| *chosen) {
        lives.push((chosen, "As it is", true));
    }
    Fields {
        groups: permissions::groups(&draft.permissions, &visit.caller().permissions),
        wrong: draft.wrong,
        newest: draft.newest,
        name: draft.name,
        networks: draft.networks,
        lives,
    }
}

/// The form for a new one.
pub(super) fn form(visit: &Visit, draft: Draft, notice: Option<&'static str>) -> NewView {
    let frame = visit.frame(Section::Keys, "New API client").under("/api-keys", "API keys").under("", "New");
    NewView {
        frame: frame.command("keybearer clients create --name NAME --permission agent_connectors:execute"),
        form: fields(visit, draft),
        notice,
    }
}

/// The secret, this once.
pub(super) fn shown(visit: &Visit, made: NewSecret, overlap: Option<u64>) -> SecretView {
    let frame = visit.frame(Section::Keys, "Store the secret").under("/api-keys", "API keys");
    let former = overlap.and_then(|overlap| OVERLAPS.iter().find(|(known, _)| *known == overlap));
    SecretView {
        frame: frame.under("", made.client.name.clone()),
        id: made.client.id.to_string(),
        name: made.client.name,
        secret: made.secret,
        issuer: visit.app().issuer().to_owned(),
        former: former.map(|(_, words)| *words),
    }
}

/// One of them.
pub(super) fn one(visit: &Visit, client: ApiClient, draft: Option<Draft>) -> OneView {
    let now = visit.app().now();
    let own = &visit.caller().permissions;
    let frame = visit.frame(Section::Keys, &client.name).under("/api-keys", "API keys");
    let live = |secret: &ClientSecret| secret.active && secret.expires_at.is_none_or(|end| end > now);
    OneView {
        frame: frame
            .under("", client.name.clone())
            .command(format!("keybearer clients rotate {} --overlap 86400", client.id)),
        badge: badge(&client, !client.secrets.iter().any(live)),
        newest: client.secrets.last().map(|secret| secret.id.to_string()).unwrap_or_default(),
        created: When::new(client.created_at, now),
        used: client.last_used_at.map(|at| When::new(at, now)),
        from: client.last_used_address.clone().unwrap_or_default(),
        form: fields(visit, draft.unwrap_or_else(|| Draft::of(&client))),
        overlaps: OVERLAPS,
        covered: own.covers(&client.permissions),
        may: own.has(Permission::ClientsWrite),
        may_rotate: own.has(Permission::ClientsRotate),
        secrets: client.secrets.into_iter().rev().map(|secret| secret_row(secret, now)).collect(),
        id: client.id.to_string(),
        name: client.name,
    }
}

fn secret_row(secret: ClientSecret, now: Timestamp) -> SecretRow {
    let ended = secret.expires_at.is_some_and(|end| end <= now);
    let badge = match () {
        () if ended => Badge { word: "Ended", look: "", icon: "x" },
        () if !secret.active => Badge { word: "Off", look: "", icon: "pause" },
        () if secret.expires_at.is_some() => Badge { word: "Ends", look: "warn", icon: "clock" },
        () => Badge { word: "Active", look: "ok", icon: "check" },
    };
    SecretRow {
        id: secret.id.to_string(),
        suffix: secret.suffix,
        badge,
        created: When::new(secret.created_at, now),
        by: secret.created_by.unwrap_or_default(),
        used: secret.last_used_at.map(|at| When::new(at, now)),
        from: secret.last_used_address.unwrap_or_default(),
        ends: secret.expires_at.map(|at| When::new(at, now)),
    }
}

/// The page before one is deleted.
pub(super) fn delete(visit: &Visit, client: ApiClient) -> DeleteView {
    const RECENT: u64 = 86_400;
    let now = visit.app().now();
    let frame = visit.frame(Section::Keys, "Delete an API client").under("/api-keys", "API keys");
    DeleteView {
        frame: frame
            .under(format!("/api-keys/{}", client.id), client.name.clone())
            .under("", "Delete")
            .command(format!("keybearer clients delete {}", client.id)),
        recent: client.last_used_at.is_some_and(|at| now.since(at).as_secs() < RECENT),
        used: client.last_used_at.map(|at| When::new(at, now)),
        from: client.last_used_address.unwrap_or_default(),
        id: client.id.to_string(),
        name: client.name,
    }
}
